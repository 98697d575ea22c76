"""Parametric maps: which quantities they hold, where these lie, and their values.

A map's pixels are integers, floats or doubles (PS3.3 A.75); what they mean is said by
real world value mappings (PS3.3 C.7.6.16.2.11), of all frames or of each.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.foreign.frames import (
    SLIDE,
    groups_of,
    one_of,
    pixels_of,
    place_of,
)
from apps.interop.dicom.foreign.header import (
    NO_CODE,
    coded,
    creator_of,
    moment_of,
    numbers_of,
    title_of,
    uid_of,
)
from apps.interop.dicom.foreign.types import (
    Coded,
    ForeignError,
    ForeignObject,
    Item,
    ValueMap,
)

MAX_VALUES: Final = 48_000_000
_MAX_QUANTITIES: Final = 32
_QUANTITY: Final = "246205007"  # SNOMED CT: Quantity
_WINDOW: Final = ("WindowCenter", "WindowWidth")
_SHOWN: Final = (1, 99)
_MANY_ZEROS: Final = 0.1
_WIDEST: Final = 20.0
_NOT_MAPPED: Final = (
    "It does not say what its values mean (no real world value mapping): "
    "they are shown as stored."
)
_PADDING: Final = (
    ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
)
_RANGES: Final = (
    (
        "DoubleFloatRealWorldValueFirstValueMapped",
        "DoubleFloatRealWorldValueLastValueMapped",
    ),
    ("RealWorldValueFirstValueMapped", "RealWorldValueLastValueMapped"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What makes two mappings speak of the same quantity."""

    quantity: Coded
    unit: Coded
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    """One quantity: its frames (from 0), and of each the mappings that hold there."""

    meaning: _Meaning
    frames: dict[int, list[Dataset]]


def read_map_object(dataset: Dataset, content: bytes) -> ForeignObject:
    """Read a parametric map: an item for each quantity.

    Args:
        dataset: The whole object.
        content: Its file.

    Raises:
        ForeignError: Its frames cannot be had.
        ValueError: What it says of them is no sense.
    """
    groups = _groups(dataset)
    is_slide = any("PlanePositionSlideSequence" in group for group in groups)
    if is_slide or str(dataset.get("DimensionOrganizationType")) == "TILED_FULL":
        raise ForeignError(SLIDE)
    pixels = _stored(dataset, content)
    found = _quantities(dataset)
    items = [
        _item(dataset, pixels, quantity, number)
        for number, quantity in enumerate(found, 1)
    ]
    title = title_of(dataset, "SeriesDescription", "ContentDescription", "ContentLabel")
    return ForeignObject(
        study_uid=uid_of(dataset, "StudyInstanceUID"),
        series_uid=uid_of(dataset, "SeriesInstanceUID"),
        sop_uid=uid_of(dataset, "SOPInstanceUID"),
        sop_class_uid=uid_of(dataset, "SOPClassUID"),
        kind="pm",
        title=title,
        creator=creator_of(
            dataset,
            person=decoded_text(dataset, "ContentCreatorName"),
            title=title,
        ),
        made_at=moment_of(
            dataset, ("ContentDate", "ContentTime"), ("SeriesDate", "SeriesTime")
        ),
        items=tuple(items),
        notes=() if all(_mapped(one) for one in found) else (_NOT_MAPPED,),
    )


def read_map_values(
    dataset: Dataset, content: bytes, *, number: int
) -> NDArray[np.float32]:
    """Return a quantity's values, [frame, row, column], in its unit.

    The frames are those of `ValueMap.frames`, in their order. NaN is no value: padding,
    or a stored value that no mapping holds for.

    Raises:
        ForeignError: It has no such quantity, or its frames cannot be had.
    """
    found = _quantities(dataset)
    if not 1 <= number <= len(found):
        msg = f"it has no quantity {number}"
        raise ForeignError(msg)
    return _values(dataset, _stored(dataset, content), found[number - 1])


def _groups(dataset: Dataset) -> list[Dataset]:
    """Return what is said of each frame; a lone frame may leave it to all frames."""
    groups = groups_of(dataset)
    alone = not groups and int(dataset.get("NumberOfFrames") or 1) == 1
    return [Dataset()] if alone else groups


def _shared(dataset: Dataset) -> Dataset:
    shared: Dataset = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    return shared


def _stored(dataset: Dataset, content: bytes) -> NDArray[Any]:
    pixels = pixels_of(dataset, content, most=MAX_VALUES)
    if (described := len(_groups(dataset))) < len(pixels):
        msg = f"it describes {described} frames and has {len(pixels)}"
        raise ForeignError(msg)
    return pixels


def _mappings(group: Dataset, shared: Dataset) -> list[Dataset]:
    keyword = "RealWorldValueMappingSequence"
    return list(group.get(keyword) or shared.get(keyword) or ())


def _quantities(dataset: Dataset) -> list[_Quantity]:
    """Return the quantities in the order in which the frames name them."""
    shared = _shared(dataset)
    count = int(dataset.get("NumberOfFrames") or 1)
    found: dict[_Meaning, _Quantity] = {}
    for frame, group in enumerate(_groups(dataset)[:count]):
        for mapping in _mappings(group, shared) or [Dataset()]:
            meaning = _meaning(mapping)
            one = found.setdefault(meaning, _Quantity(meaning=meaning, frames={}))
            one.frames.setdefault(frame, []).append(mapping)
    if len(found) > _MAX_QUANTITIES:
        msg = f"it has more than {_MAX_QUANTITIES} quantities"
        raise ForeignError(msg)
    return list(found.values())


def _mapped(quantity: _Quantity) -> bool:
    return all(
        "RealWorldValueSlope" in mapping or "RealWorldValueLUTData" in mapping
        for mappings in quantity.frames.values()
        for mapping in mappings
    )


def _meaning(mapping: Dataset) -> _Meaning:
    quantity = NO_CODE
    for part in mapping.get("QuantityDefinitionSequence") or ():
        name = coded(part.get("ConceptNameCodeSequence"))
        if name is not None and name.code == _QUANTITY:
            quantity = coded(part.get("ConceptCodeSequence")) or quantity
    return _Meaning(
        quantity=quantity,
        unit=coded(mapping.get("MeasurementUnitsCodeSequence")) or NO_CODE,
        name=decoded_text(mapping, "LUTExplanation")
        or decoded_text(mapping, "LUTLabel"),
    )


def _values(
    dataset: Dataset, pixels: NDArray[Any], quantity: _Quantity
) -> NDArray[np.float32]:
    kept = [frame for frame in quantity.frames if frame < len(pixels)]
    if not kept:
        msg = "it has no frame of this quantity"
        raise ForeignError(msg)
    found = np.full((len(kept), *pixels.shape[1:]), np.nan, dtype=np.float32)
    for place, frame in enumerate(kept):
        stored = pixels[frame]
        usable = np.isfinite(stored) & ~_padded(dataset, stored)
        for mapping in quantity.frames[frame]:
            _put(mapping, stored, usable, found[place])
    return found


def _padded(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    for keyword, limit in _PADDING:
        if (value := dataset.get(keyword)) is None:
            continue
        first = float(value)
        last = float(dataset.get(limit, first))
        return (stored >= min(first, last)) & (stored <= max(first, last))
    return np.zeros(stored.shape, dtype=np.bool_)


def _put(
    mapping: Dataset,
    stored: NDArray[Any],
    usable: NDArray[np.bool_],
    into: NDArray[np.float32],
) -> None:
    """Write the values that a mapping holds for."""
    span = _span(mapping)
    here = usable
    if span is not None:
        here = usable & (stored >= span[0]) & (stored <= span[1])
    table = mapping.get("RealWorldValueLUTData")
    if table is not None and span is not None:
        values = np.atleast_1d(np.asarray(table, dtype=np.float64))
        at = stored[here].astype(np.int64) - round(span[0])
        into[here] = values[np.clip(at, 0, len(values) - 1)]
        return
    slope = float(mapping.get("RealWorldValueSlope", 1.0))
    intercept = float(mapping.get("RealWorldValueIntercept", 0.0))
    into[here] = stored[here].astype(np.float64) * slope + intercept


def _span(mapping: Dataset) -> tuple[float, float] | None:
    """Return the first and the last stored value that a mapping holds for."""
    for first, last in _RANGES:
        if mapping.get(first) is not None and mapping.get(last) is not None:
            low, high = numbers_of([mapping.get(first), mapping.get(last)])
            return min(low, high), max(low, high)
    return None


def _item(
    dataset: Dataset, pixels: NDArray[Any], quantity: _Quantity, number: int
) -> Item:
    meaning = quantity.meaning
    words = meaning.name or f"Map {number}"
    label = (
        meaning.quantity
        if meaning.quantity != NO_CODE
        else Coded(scheme="", code="", display=words)
    )
    values = _values(dataset, pixels, quantity)
    known = values[np.isfinite(values)]
    item = Item(
        key=f"m{number}", label=label, text=words if words != label.display else ""
    )
    if known.size == 0:
        return replace(item, why_not="It holds no values.")
    groups, shared = _groups(dataset), _shared(dataset)
    frames = [frame for frame in quantity.frames if frame < len(pixels)]
    low, high = _shown(groups[frames[0]], shared, quantity.frames[frames[0]], known)
    places = tuple(place_of(groups[frame], shared) for frame in frames)
    placed = any(one.origin is not None or one.sop_uid for one in places)
    return replace(
        item,
        map=ValueMap(
            number=number,
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            frames=places,
            frame_of_reference_uid=uid_of(dataset, "FrameOfReferenceUID"),
            unit=meaning.unit,
            least=float(known.min()),
            most=float(known.max()),
            low=low,
            high=high,
        ),
        why_not="" if placed else "It does not say where it lies.",
    )


def _shown(
    group: Dataset,
    shared: Dataset,
    mappings: list[Dataset],
    known: NDArray[np.float32],
) -> tuple[float, float]:
    """Return where colours begin and end: its own window, else where most values are.

    Zeros that fill what was not measured do not count as values for that.
    """
    least, most = float(known.min()), float(known.max())
    own = _window(group, shared, mappings)
    if own is not None:
        low, high = own
        fits = low < most and high > least and high - low <= _WIDEST * (most - least)
        if fits and high > low:
            return low, high
    if np.count_nonzero(known == 0) > _MANY_ZEROS * known.size and most != least:
        known = known[known != 0]
    low, high = (float(n) for n in np.percentile(known, _SHOWN))
    if high > low:
        return low, high
    return (least, most) if most > least else (least, least + 1)


def _window(
    group: Dataset, shared: Dataset, mappings: list[Dataset]
) -> tuple[float, float] | None:
    """Return the window of a frame in the quantity's unit; None without one."""
    voi = one_of(group, shared, "FrameVOILUTSequence")
    slope = mappings[0].get("RealWorldValueSlope")
    if voi is None or slope is None or any(one not in voi for one in _WINDOW):
        return None
    centre, width = (_first(voi[keyword].value) for keyword in _WINDOW)
    intercept = float(mappings[0].get("RealWorldValueIntercept", 0.0))
    ends = [float(slope) * (centre + side * width / 2) + intercept for side in (-1, 1)]
    low, high = sorted(numbers_of(ends))
    return low, high


def _first(value: Any) -> float:
    return float(value[0] if isinstance(value, MultiValue) else value)
