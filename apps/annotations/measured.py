"""What a measuring mark says beside its place: parsed once, at the edge. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from apps.annotations.geometry import Geometry, is_number, mapping, wrong

SCALES: Final = ("patient", "detector", "calibrated", "none")
MAX_VALUES: Final = 16
MAX_CALIBRATION_MM: Final = 10_000.0

QUANTITIES: Final[dict[tuple[str, str], str]] = {
    ("SCT", "410668003"): "Length",
    ("SCT", "103339001"): "Long axis",
    ("SCT", "103340004"): "Short axis",
    ("SCT", "1483009"): "Angle",
    ("SCT", "285285000"): "Cobb angle",
    ("SCT", "42798000"): "Area",
    ("SCT", "373098007"): "Mean",
    ("SCT", "386136009"): "Standard Deviation",
    ("SCT", "255605001"): "Minimum",
    ("SCT", "56851009"): "Maximum",
    ("DCM", "112031"): "Attenuation Coefficient",
    ("DCM", "126401"): "SUVbw",
    ("99OVERREAD", "activity"): "Activity concentration",
    ("99OVERREAD", "pixel-value"): "Pixel value",
}
"""What can be measured, by scheme and code; the words are ours, never the sender's."""

UNITS: Final = frozenset(
    {
        "mm",
        "mm2",
        "deg",
        "{pixels}",
        "{pixels2}",
        "[hnsf'U]",
        "{SUVbw}g/ml",
        "Bq/ml",
        "1",
    }
)
"""UCUM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredValue:
    """One number.

    Attributes:
        scheme: Coding scheme of the quantity.
        code: Its code.
        display: Its words.
        value: The number.
        unit: UCUM.
    """

    scheme: str
    code: str
    display: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that one mark measures.

    Attributes:
        scale: What its millimetres rest on: the image's spacing in the patient, the
            detector's, a known length drawn on the image, or nothing (pixels).
        calibration_mm: The known length of this line, which gives its image a scale.
        values: The numbers.
    """

    scale: str
    calibration_mm: float | None
    values: tuple[MeasuredValue, ...]


def parse_measured(*, raw: object, geometry: Geometry, field: str) -> Measured:
    """Return what a mark measures, every field checked.

    Raises:
        Invalid: Names the field that is wrong and why.
    """
    body = mapping(raw, field)
    scale = body.get("scale")
    if scale not in SCALES:
        raise wrong(f"{field}.scale", f"is one of {', '.join(SCALES)}")
    values = body.get("values")
    if not isinstance(values, list) or len(values) > MAX_VALUES:
        raise wrong(f"{field}.values", f"is a list of up to {MAX_VALUES}")
    parsed = tuple(
        _value(value, f"{field}.values[{i}]") for i, value in enumerate(values)
    )
    if len({(one.scheme, one.code) for one in parsed}) != len(parsed):
        raise wrong(f"{field}.values", "says one quantity twice")
    return Measured(
        scale=str(scale),
        calibration_mm=_calibration(body.get("calibration_mm"), geometry, field),
        values=parsed,
    )


def _calibration(value: object, geometry: Geometry, field: str) -> float | None:
    if value is None:
        return None
    if geometry.kind != "length":
        raise wrong(f"{field}.calibration_mm", "belongs to a length")
    if not is_number(value, most=MAX_CALIBRATION_MM) or not float(str(value)) > 0:
        raise wrong(f"{field}.calibration_mm", "is a length above 0 mm")
    return float(str(value))


def _value(raw: object, field: str) -> MeasuredValue:
    body: Any = mapping(raw, field)
    scheme, code, unit = body.get("scheme"), body.get("code"), body.get("unit")
    plain = isinstance(scheme, str) and isinstance(code, str)
    if not plain or (scheme, code) not in QUANTITIES:
        raise wrong(f"{field}.code", "is no quantity that marks measure")
    if not isinstance(unit, str) or unit not in UNITS:
        raise wrong(f"{field}.unit", f"is one of {', '.join(sorted(UNITS))}")
    if not is_number(body.get("value"), most=1e12):
        raise wrong(f"{field}.value", "is a finite number")
    return MeasuredValue(
        scheme=scheme,
        code=code,
        display=QUANTITIES[scheme, code],
        value=float(body["value"]),
        unit=unit,
    )
