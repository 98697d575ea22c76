"""Structured reports of others: TID 1500 first, and what can be had of the rest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pydicom.dataset import Dataset

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.foreign.header import (
    NO_CODE,
    as_box,
    circle_as_ellipse,
    coded,
    creator_of,
    moment_of,
    points_of,
    title_of,
    uid_of,
    unique,
)
from apps.interop.dicom.foreign.types import (
    Coded,
    Evaluation,
    ForeignObject,
    Item,
    Mark,
    MarkKind,
    Measurement,
    SegmentRef,
)

_GROUP: Final = "125007"
_TRACKING_ID: Final = "112039"
_TRACKING_UID: Final = "112040"
_FINDING: Final = "121071"
_CATEGORY: Final = frozenset({"276214006", "M-01000"})
_STRUCTURAL: Final = frozenset({"130400"})
"""Codes about how the report is built: the geometric purpose of a region."""
_SITE: Final = frozenset({"363698007", "G-C0E3"})
_PERSON: Final = "121008"
_ALGORITHM: Final = "111001"
_VERSION: Final = "111003"
_DEVICE_NAME: Final = "121013"
_DEVICE_MODEL: Final = "121015"
_LIBRARY: Final = "111028"
_MAX_DEPTH: Final = 24
_MAX_ITEMS: Final = 2_000
_LONG: Final = 2_000
_COORDINATES: Final = frozenset({"SCOORD", "SCOORD3D"})


@dataclass(slots=True)
class _Gathered:
    """A measurement group while it is read."""

    texts: list[str] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    segments: list[SegmentRef] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    codes: dict[str, Coded] = field(default_factory=dict)
    tracking_uid: str = ""
    tracking_id: str = ""


def read_report(dataset: Dataset) -> ForeignObject:
    """Read a structured report.

    Raises:
        ValueError: It has no content.
    """
    if not dataset.get("ContentSequence"):
        msg = "the report has no content"
        raise ValueError(msg)
    groups = [item for item in _walk(dataset) if _name(item) == _GROUP]
    items = [
        _read_group(dataset, group, number) for number, group in enumerate(groups, 1)
    ]
    if not groups:
        items = _plain_items(dataset)
    algorithm, version = _algorithm(dataset)
    title = title_of(dataset, "SeriesDescription", "ContentDescription")
    heading = coded(dataset.get("ConceptNameCodeSequence"))
    person = next(
        (_person(item) for item in _walk(dataset) if _name(item) == _PERSON), ""
    )
    return ForeignObject(
        study_uid=uid_of(dataset, "StudyInstanceUID"),
        series_uid=uid_of(dataset, "SeriesInstanceUID"),
        sop_uid=uid_of(dataset, "SOPInstanceUID"),
        sop_class_uid=uid_of(dataset, "SOPClassUID"),
        kind="sr",
        title=title or (heading.display if heading else ""),
        creator=creator_of(
            dataset, algorithm=algorithm, version=version, person=person, title=title
        ),
        made_at=moment_of(dataset, ("ContentDate", "ContentTime")),
        items=tuple(items[:_MAX_ITEMS]),
        notes=()
        if len(items) <= _MAX_ITEMS
        else (f"Only the first {_MAX_ITEMS} of {len(items)} findings are listed.",),
    )


def _walk(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """Yield every content item below one, but for the list of images."""
    if depth > _MAX_DEPTH:
        return
    for child in item.get("ContentSequence") or ():
        if _name(child) == _LIBRARY:
            continue
        yield child
        yield from _walk(child, depth + 1)


def _name(item: Dataset) -> str:
    name = coded(item.get("ConceptNameCodeSequence"))
    return name.code if name else ""


def _value_type(item: Dataset) -> str:
    return str(item.get("ValueType") or "").strip()


def _person(item: Dataset) -> str:
    return decoded_text(item, "PersonName") or decoded_text(item, "TextValue")


def _algorithm(dataset: Dataset) -> tuple[str, str]:
    """Return name and version of the algorithm or device that speaks; '' and ''."""
    said = {
        name: decoded_text(item, "TextValue")
        for item in _walk(dataset)
        if (name := _name(item)) in {_ALGORITHM, _VERSION, _DEVICE_NAME, _DEVICE_MODEL}
    }
    device = said.get(_DEVICE_NAME) or said.get(_DEVICE_MODEL, "")
    return said.get(_ALGORITHM) or device, said.get(_VERSION, "")


def _read_group(root: Dataset, group: Dataset, number: int) -> Item:
    """Read one measurement group: what of it is broken is said, the rest is kept."""
    got = _Gathered()
    for child in group.get("ContentSequence") or ():
        try:
            _take(root, child, got)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            got.notes.append(f"A part of it could not be read: {error}.")
    label = got.codes.get("finding") or Coded(
        scheme="", code="", display=got.tracking_id or f"Finding {number}"
    )
    return Item(
        key=f"g{number}",
        label=label,
        tracking_uid=got.tracking_uid,
        tracking_id=got.tracking_id,
        category=got.codes.get("category"),
        site=got.codes.get("site"),
        text="\n".join(got.texts)[:_LONG],
        measurements=tuple(got.measurements),
        evaluations=tuple(got.evaluations),
        marks=tuple(got.marks),
        images=unique(got.images),
        segments=tuple(got.segments),
        why_not=" ".join(got.notes),
    )


def _take(root: Dataset, item: Dataset, got: _Gathered) -> None:
    """Put one child of a group where it belongs."""
    kind = _value_type(item)
    if kind == "NUM":
        _take_number(root, item, got)
    elif kind == "CODE":
        _take_code(item, got)
    elif kind in {"TEXT", "UIDREF"}:
        _take_text(item, got)
    elif kind in _COORDINATES:
        _take_marks(root, item, got)
    elif kind == "IMAGE":
        _take_image(item, got)


def _take_number(root: Dataset, item: Dataset, got: _Gathered) -> None:
    values = item.get("MeasuredValueSequence")
    name = coded(item.get("ConceptNameCodeSequence")) or NO_CODE
    if values and values[0].get("NumericValue") is not None:
        value = values[0].NumericValue
        got.measurements.append(
            Measurement(
                name=name,
                value=float(value[0] if isinstance(value, list) else value),
                unit=coded(values[0].get("MeasurementUnitsCodeSequence")) or NO_CODE,
            )
        )
    for child in item.get("ContentSequence") or ():
        if _value_type(child) in _COORDINATES:
            _take_marks(root, child, got)


def _take_code(item: Dataset, got: _Gathered) -> None:
    name = coded(item.get("ConceptNameCodeSequence"))
    value = coded(item.get("ConceptCodeSequence"))
    if name is None or value is None or name.code in _STRUCTURAL:
        return
    if name.code == _FINDING:
        got.codes["finding"] = value
    elif name.code in _CATEGORY:
        got.codes["category"] = value
    elif name.code in _SITE:
        got.codes["site"] = value
    else:
        got.evaluations.append(Evaluation(name=name, value=value))


def _take_text(item: Dataset, got: _Gathered) -> None:
    name = _name(item)
    if name == _TRACKING_UID:
        got.tracking_uid = uid_of(item, "UID")
    elif name == _TRACKING_ID:
        got.tracking_id = decoded_text(item, "TextValue")
    elif name not in {_ALGORITHM, _VERSION} and item.get("TextValue"):
        got.texts.append(decoded_text(item, "TextValue"))


def _take_image(item: Dataset, got: _Gathered) -> None:
    for ref in item.get("ReferencedSOPSequence") or ():
        uid = uid_of(ref, "ReferencedSOPInstanceUID")
        numbers = ref.get("ReferencedSegmentNumber")
        if numbers in (None, ""):
            got.images.append(uid)
            continue
        several = numbers if isinstance(numbers, list | tuple) else [numbers]
        try:
            got.segments += [SegmentRef(sop_uid=uid, number=int(n)) for n in several]
        except TypeError:
            got.segments += [SegmentRef(sop_uid=uid, number=int(n)) for n in numbers]


def _take_marks(root: Dataset, item: Dataset, got: _Gathered) -> None:
    if _value_type(item) == "SCOORD3D":
        got.marks += _patient_marks(item)
        return
    for ref in _sources(root, item):
        frames = ref.get("ReferencedFrameNumber") or 1
        frame = int(frames if isinstance(frames, int | str) else frames[0])
        uid = uid_of(ref, "ReferencedSOPInstanceUID")
        got.marks += _image_marks(item, sop_uid=uid, frame=frame)


def _sources(root: Dataset, item: Dataset) -> list[Any]:
    """Return the references to the image that a shape was drawn on."""
    found: list[Any] = []
    for child in item.get("ContentSequence") or ():
        path = child.get("ReferencedContentItemIdentifier")
        target = _resolve(root, path) if path else child
        if target is not None:
            found += target.get("ReferencedSOPSequence") or ()
    return found[:1]


def _resolve(root: Dataset, path: Any) -> Dataset | None:
    """Follow a reference by its position in the tree; it begins with the root, 1."""
    steps = [path] if isinstance(path, int) else list(path)
    at = root
    for step in steps[1:]:
        children = at.get("ContentSequence") or ()
        if not 1 <= int(step) <= len(children):
            return None
        at = children[int(step) - 1]
    return at


def _image_marks(item: Dataset, *, sop_uid: str, frame: int) -> list[Mark]:
    points = points_of(item.get("GraphicData"), 2)
    kind = str(item.get("GraphicType") or "")
    shapes: list[tuple[MarkKind, tuple[tuple[float, ...], ...]]]
    box = as_box(points) if kind == "POLYLINE" else None
    if kind in {"POINT", "MULTIPOINT"}:
        shapes = [("point", (point,)) for point in points]
    elif kind == "CIRCLE":
        shapes = [("ellipse", circle_as_ellipse(points))]
    elif kind == "ELLIPSE" and len(points) == 4:
        shapes = [("ellipse", points)]
    elif box is not None:
        shapes = [("box", box)]
    elif kind == "POLYLINE":
        shapes = [("polyline", points)]
    else:
        msg = f"a shape of the kind {kind or 'nothing'} with {len(points)} points"
        raise ValueError(msg)
    return [
        Mark(kind=k, space="image", points=p, sop_uid=sop_uid, frame=frame)
        for k, p in shapes
    ]


def _patient_marks(item: Dataset) -> list[Mark]:
    points = points_of(item.get("GraphicData"), 3)
    kind = str(item.get("GraphicType") or "")
    reference = uid_of(item, "ReferencedFrameOfReferenceUID")
    shapes: list[tuple[MarkKind, tuple[tuple[float, ...], ...]]]
    if kind in {"POINT", "MULTIPOINT"}:
        shapes = [("point", (point,)) for point in points]
    elif kind == "ELLIPSE" and len(points) == 4:
        shapes = [("ellipse", points)]
    elif kind == "POLYGON":
        closed = points if points[0] == points[-1] else (*points, points[0])
        shapes = [("polyline", closed)]
    elif kind == "POLYLINE":
        shapes = [("polyline", points)]
    else:
        msg = f"a shape in space of the kind {kind.lower() or 'nothing'} is not drawn"
        raise ValueError(msg)
    uid = next(
        (
            uid_of(ref, "ReferencedSOPInstanceUID")
            for child in item.get("ContentSequence") or ()
            for ref in child.get("ReferencedSOPSequence") or ()
        ),
        "",
    )
    return [
        Mark(
            kind=k,
            space="patient",
            points=p,
            sop_uid=uid,
            frame_of_reference_uid=reference,
        )
        for k, p in shapes
    ]


def _plain_items(dataset: Dataset) -> list[Item]:
    """Read a report without measurement groups: its texts, numbers and shapes."""
    items: list[Item] = []
    for item in _walk(dataset):
        got = _Gathered()
        kind = _value_type(item)
        if kind not in {"TEXT", "NUM", "CODE", *_COORDINATES}:
            continue
        if str(item.get("RelationshipType") or "") not in {"CONTAINS", "INFERRED FROM"}:
            continue
        try:
            _take(dataset, item, got)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            got.notes.append(f"A part of it could not be read: {error}.")
        name = coded(item.get("ConceptNameCodeSequence"))
        items.append(
            Item(
                key=f"i{len(items) + 1}",
                label=name or Coded(scheme="", code="", display="Text"),
                text=(
                    "\n".join(got.texts)
                    or "; ".join(e.value.display for e in got.evaluations)
                )[:_LONG],
                measurements=tuple(got.measurements),
                marks=tuple(got.marks),
                why_not=" ".join(got.notes),
            )
        )
    return items
