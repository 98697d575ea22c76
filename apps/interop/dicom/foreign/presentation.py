"""Presentation states: graphics and text on images, and how these are to be shown."""

from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from pydicom.dataset import Dataset

from apps.interop.dicom.charset import decoded_text
from apps.interop.dicom.foreign.header import (
    as_box,
    circle_as_ellipse,
    creator_of,
    moment_of,
    numbers_of,
    points_of,
    title_of,
    uid_of,
)
from apps.interop.dicom.foreign.shutters import overlay_of, shutter_of
from apps.interop.dicom.foreign.types import (
    Coded,
    ForeignObject,
    Item,
    Mark,
    Presentation,
    Shutter,
)

Images = tuple[tuple[str, int], ...]
Area = tuple[tuple[float, float], tuple[float, float]]
_EVERY_FRAME: Final = 0
_MAX_IMAGES: Final = 500
_MAX_RUNS_TOLD: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What the whole object says of showing.

    Attributes:
        images: All images that it is about.
        areas: Displayed area by images.
        rotation: Degrees clockwise.
        flip: Mirrored after turning.
        shutter: What is covered.
    """

    images: Images
    areas: tuple[tuple[Images, Area], ...]
    rotation: int
    flip: bool
    shutter: Shutter | None

    def area_of(self, image: tuple[str, int]) -> Area | None:
        """Return what of an image is to be seen."""
        for images, area in self.areas:
            if not images or any(_same(image, one) for one in images):
                return area
        return None


def _same(image: tuple[str, int], other: tuple[str, int]) -> bool:
    every = _EVERY_FRAME in {image[1], other[1]}
    return image[0] == other[0] and (every or image[1] == other[1])


def read_presentation(dataset: Dataset) -> ForeignObject:
    """Read a softcopy presentation state."""
    state = _state(dataset)
    items = [
        _annotation(annotation, number, state, dataset)
        for number, annotation in enumerate(
            dataset.get("GraphicAnnotationSequence") or (), 1
        )
    ]
    presentations = tuple(_presentations(dataset, state))
    title = title_of(dataset, "ContentDescription", "ContentLabel", "SeriesDescription")
    return ForeignObject(
        study_uid=uid_of(dataset, "StudyInstanceUID"),
        series_uid=uid_of(dataset, "SeriesInstanceUID"),
        sop_uid=uid_of(dataset, "SOPInstanceUID"),
        sop_class_uid=uid_of(dataset, "SOPClassUID"),
        kind="gsps",
        title=title,
        creator=creator_of(
            dataset, person=decoded_text(dataset, "ContentCreatorName"), title=title
        ),
        made_at=moment_of(
            dataset, ("PresentationCreationDate", "PresentationCreationTime")
        ),
        items=tuple(items),
        presentations=presentations,
        notes=tuple(_notes(dataset, {one.shutter for one in presentations})),
    )


def _state(dataset: Dataset) -> _State:
    found: list[tuple[str, int]] = []
    for series in dataset.get("ReferencedSeriesSequence") or ():
        found += _images(series.get("ReferencedImageSequence"))
    areas = [
        (_images(item.get("ReferencedImageSequence")), _area(item))
        for item in dataset.get("DisplayedAreaSelectionSequence") or ()
    ]
    return _State(
        images=tuple(found),
        areas=tuple(areas),
        rotation=int(dataset.get("ImageRotation") or 0) % 360,
        flip=str(dataset.get("ImageHorizontalFlip") or "") == "Y",
        shutter=_shutter(dataset),
    )


def _shutter(dataset: Dataset) -> Shutter | None:
    """Return the shutter; one that makes no sense is told in the notes."""
    try:
        return shutter_of(dataset)
    except (ValueError, TypeError):
        return None


def _images(items: Any) -> Images:
    found: list[tuple[str, int]] = []
    for item in items or ():
        uid = uid_of(item, "ReferencedSOPInstanceUID")
        frames = item.get("ReferencedFrameNumber")
        if frames in (None, ""):
            found.append((uid, _EVERY_FRAME))
            continue
        several = [frames] if isinstance(frames, int | str) else frames
        found += [(uid, int(frame)) for frame in several]
    return tuple(found)


def _area(item: Dataset) -> Area:
    """Return the displayed area in image space: from pixels' numbers to their edges.

    The corners are numbers of pixels from 1, the first of them on the top left of the
    screen: in a turned or mirrored image it is not that of the lesser numbers.
    """
    (x0, y0) = numbers_of(item.DisplayedAreaTopLeftHandCorner)
    (x1, y1) = numbers_of(item.DisplayedAreaBottomRightHandCorner)

    def edges(first: float, last: float) -> tuple[float, float]:
        return (first - 1, last) if first <= last else (first, last - 1)

    (left, right), (top, bottom) = edges(x0, x1), edges(y0, y1)
    return (left, top), (right, bottom)


def _presentations(dataset: Dataset, state: _State) -> list[Presentation]:
    """Return how the images are shown: one entry for those that are shown alike."""
    windows = [
        (_images(item.get("ReferencedImageSequence")), _window(item))
        for item in dataset.get("SoftcopyVOILUTSequence") or ()
    ]
    inverse = str(dataset.get("PresentationLUTShape") or "") == "INVERSE"
    alike: dict[Any, list[tuple[str, int]]] = {}
    for image in state.images[:_MAX_IMAGES]:
        window = next(
            (
                one
                for images, one in windows
                if not images or any(_same(image, i) for i in images)
            ),
            None,
        )
        alike.setdefault((window, state.area_of(image)), []).append(image)
    shutter = state.shutter
    if shutter and shutter.bitmap:  # it is told with each
        told = len(shutter.bitmap.runs) * len(alike)
        shutter = shutter if told <= _MAX_RUNS_TOLD else None
    return [
        Presentation(
            images=tuple(images),
            window=window,
            inverse=inverse,
            rotation=state.rotation,
            flip=state.flip,
            area=area,
            shutter=shutter,
        )
        for (window, area), images in alike.items()
    ]


def _window(item: Dataset) -> tuple[float, float] | None:
    centre, width = item.get("WindowCenter"), item.get("WindowWidth")
    if centre in (None, "") or width in (None, ""):
        return None

    def first(value: Any) -> float:
        return float(value if isinstance(value, int | float | str) else value[0])

    return first(centre), first(width)


def _notes(dataset: Dataset, shutters: set[Shutter | None]) -> list[str]:
    notes = []
    shown = [one for one in shutters if one is not None]
    covering = overlay_of(dataset) if any(one.bitmap for one in shown) else None
    groups = {element.tag.group for element in dataset} - {covering}
    if any(0x6000 <= group <= 0x60FF for group in groups):
        notes.append("It has a bitmap overlay, which is not shown.")
    if dataset.get("ShutterShape") and not shown:
        notes.append("It has a shutter, which is not shown.")
    if any(
        item.get("VOILUTSequence")
        for item in dataset.get("SoftcopyVOILUTSequence") or ()
    ):
        notes.append("Its grey scale is a table, which is not applied.")
    if dataset.get("CompoundGraphicSequence"):
        notes.append("It has compound graphics, which are not shown.")
    return notes


def _annotation(
    annotation: Dataset, number: int, state: _State, dataset: Dataset
) -> Item:
    images = _images(annotation.get("ReferencedImageSequence")) or state.images
    layer = decoded_text(annotation, "GraphicLayer")
    marks: list[Mark] = []
    troubles: list[str] = []
    for image in images[:_MAX_IMAGES]:
        for item in annotation.get("GraphicObjectSequence") or ():
            try:
                marks += _graphic(item, image, state)
            except (ValueError, TypeError, AttributeError) as error:
                troubles.append(f"A graphic could not be read: {error}.")
        for item in annotation.get("TextObjectSequence") or ():
            try:
                marks += _text(item, image, state)
            except (ValueError, TypeError, AttributeError) as error:
                troubles.append(f"A text could not be read: {error}.")
    words = [mark.text for mark in marks if mark.text]
    label = words[0] if words else layer or f"Graphic {number}"
    return Item(
        key=f"a{number}",
        label=Coded(scheme="", code="", display=" ".join(label.split())[:64]),
        tracking_id=layer,
        text="\n".join(dict.fromkeys(words)),
        colour=_layer_colour(dataset, layer),
        marks=tuple(marks),
        why_not=troubles[0] if troubles else "" if marks else "It draws nothing.",
    )


def _layer_colour(dataset: Dataset, layer: str) -> str:
    """Return a layer's recommended grey; its colour is in CIELab, and left out."""
    for item in dataset.get("GraphicLayerSequence") or ():
        grey = item.get("GraphicLayerRecommendedDisplayGrayscaleValue")
        if decoded_text(item, "GraphicLayer") == layer and grey is not None:
            level = max(0x60, min(255, int(grey) >> 8))
            return f"#{level:02x}{level:02x}{level:02x}"
    return ""


def _placed(
    points: tuple[tuple[float, ...], ...],
    units: str,
    image: tuple[str, int],
    state: _State,
) -> tuple[tuple[float, ...], ...]:
    """Return points in image space.

    Raises:
        ValueError: They are in units that are not known here.
    """
    if units == "PIXEL":
        return points
    area = state.area_of(image)
    if units != "DISPLAY" or area is None:
        msg = f"its units are {units or 'not said'}"
        raise ValueError(msg)
    (left, top), (right, bottom) = area
    # In an image on its side, to the right on the screen is along its columns.
    aside = state.rotation in {90, 270}
    return tuple(
        (
            left + (right - left) * (y if aside else x),
            top + (bottom - top) * (x if aside else y),
        )
        for x, y in points
    )


def _graphic(item: Dataset, image: tuple[str, int], state: _State) -> list[Mark]:
    units = str(item.get("GraphicAnnotationUnits") or "")
    raw = points_of(item.get("GraphicData"), int(item.get("GraphicDimensions") or 2))
    points = _placed(raw, units, image, state)
    kind = str(item.get("GraphicType") or "")
    filled = str(item.get("GraphicFilled") or "") == "Y"
    box = as_box(points) if kind == "POLYLINE" else None
    shape: tuple[Literal["box", "polyline", "ellipse"], tuple[tuple[float, ...], ...]]
    if kind == "POINT":
        return [_mark("point", (p,), image) for p in points]
    if kind == "CIRCLE":
        shape = ("ellipse", circle_as_ellipse(points))
    elif kind == "ELLIPSE" and len(points) == 4:
        shape = ("ellipse", points)
    elif box is not None:
        shape = ("box", box)
    elif kind in {"POLYLINE", "INTERPOLATED"}:
        shape = ("polyline", points)
    else:
        msg = f"it is of the kind {kind or 'nothing'}"
        raise ValueError(msg)
    return [_mark(shape[0], shape[1], image, filled=filled)]


def _text(item: Dataset, image: tuple[str, int], state: _State) -> list[Mark]:
    words = decoded_text(item, "UnformattedTextValue")
    marks: list[Mark] = []
    box = item.get("BoundingBoxTopLeftHandCorner")
    anchor = item.get("AnchorPoint")
    at: tuple[tuple[float, ...], ...] = ()
    if box is not None:
        units = str(item.get("BoundingBoxAnnotationUnits") or "")
        at = _placed(points_of(box, 2), units, image, state)
    if anchor is not None:
        units = str(item.get("AnchorPointAnnotationUnits") or "")
        end = _placed(points_of(anchor, 2), units, image, state)
        if at and str(item.get("AnchorPointVisibility") or "") == "Y":
            marks.append(_mark("polyline", (at[0], end[0]), image))
        at = at or end
    if not at:
        msg = "it has no place"
        raise ValueError(msg)
    return [*marks, _mark("text", at[:1], image, text=words)]


def _mark(
    kind: str,
    points: tuple[tuple[float, ...], ...],
    image: tuple[str, int],
    **more: Any,
) -> Mark:
    return Mark(
        kind=cast("Any", kind),
        space="image",
        points=points,
        sop_uid=image[0],
        frame=image[1] or 1,
        **more,
    )
