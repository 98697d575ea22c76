"""What an object of another maker says, as frozen values.

Coordinates are ours: space ``image`` is (column, row) in pixels with (0, 0) the top
left corner of the top left pixel; space ``patient`` is (x, y, z) in millimetres, LPS,
in the named frame of reference.
"""

from dataclasses import dataclass
from typing import Literal

MarkKind = Literal["box", "point", "polyline", "ellipse", "text"]
ObjectKind = Literal["sr", "seg", "rtstruct", "gsps", "kos", "pm", "other"]
Origin = Literal["ai", "person", "unknown"]


class ForeignError(ValueError):
    """An object cannot be read; the text says why, in plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A code with its scheme and its words; code and scheme may be ''."""

    scheme: str
    code: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One shape.

    Attributes:
        kind: A box is two corners; an ellipse the two ends of its major axis, then
            of its minor one; a polyline is closed when its last point is its first;
            a text is written at its one point.
        space: ``image`` or ``patient``.
        points: Two numbers each in an image, three in the patient.
        sop_uid: The image; in the patient it may be ''.
        frame: Of the image, from 1.
        frame_of_reference_uid: In the patient.
        text: What is written.
        filled: The shape is an area.
    """

    kind: MarkKind
    space: Literal["image", "patient"]
    points: tuple[tuple[float, ...], ...]
    sop_uid: str = ""
    frame: int = 1
    frame_of_reference_uid: str = ""
    text: str = ""
    filled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A number with its coded name and unit."""

    name: Coded
    value: float
    unit: Coded


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A coded question and answer."""

    name: Coded
    value: Coded


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFrame:
    """Where one frame of a mask lies.

    Attributes:
        sop_uid: The image that it was drawn on; '' when it does not say.
        frame: Of that image, from 1.
        origin: Centre of its first pixel, mm; None without a place.
        row: Unit vector along its rows (to the next column).
        column: Unit vector along its columns (to the next row).
        row_spacing: Between rows, mm.
        column_spacing: Between columns, mm.
    """

    sop_uid: str
    frame: int
    origin: tuple[float, float, float] | None = None
    row: tuple[float, float, float] = (1.0, 0.0, 0.0)
    column: tuple[float, float, float] = (0.0, 1.0, 0.0)
    row_spacing: float = 1.0
    column_spacing: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment: its size and its frames that hold something.

    Attributes:
        number: Segment Number.
        rows: Of each frame.
        columns: Of each frame.
        frames: In the order of the mask's bytes.
        frame_of_reference_uid: '' when it has none.
        fractional: Values between 0 and 1 were cut at one half.
        volume_ml: Of its voxels; None where a voxel has no size.
    """

    number: int
    rows: int
    columns: int
    frames: tuple[SegmentFrame, ...]
    frame_of_reference_uid: str = ""
    fractional: bool = False
    volume_ml: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueMap:
    """One quantity of a parametric map: its size, its frames, what its values are.

    Attributes:
        number: Of the quantity in its object, from 1.
        rows: Of each frame.
        columns: Of each frame.
        frames: In the order of the values' bytes.
        frame_of_reference_uid: '' when it has none.
        unit: UCUM as a rule; '' where the object does not say.
        least: Lowest value there is.
        most: Highest value there is.
        low: Where the colours begin, as it is to be shown at first.
        high: Where the colours end.
    """

    number: int
    rows: int
    columns: int
    frames: tuple[SegmentFrame, ...]
    frame_of_reference_uid: str
    unit: Coded
    least: float
    most: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRef:
    """A segment of another object."""

    sop_uid: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that the object says.

    Attributes:
        key: Names it within its object, at most 16 characters; never changes.
        label: What it is.
        tracking_uid: '' when it has none.
        tracking_id: The same for people.
        category: What kind of thing, coded.
        site: Where in the body, coded.
        text: Further words.
        colour: As recommended, ``#rrggbb`` or ''.
        measurements: Numbers with units.
        evaluations: Coded answers.
        marks: Shapes.
        images: Images that it is about, without a place on them.
        segments: Segments of other objects that it points at.
        segment: Its own mask.
        map: Its own values, place by place.
        why_not: Why it is listed and not drawn; ''.
    """

    key: str
    label: Coded
    tracking_uid: str = ""
    tracking_id: str = ""
    category: Coded | None = None
    site: Coded | None = None
    text: str = ""
    colour: str = ""
    measurements: tuple[Measurement, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    marks: tuple[Mark, ...] = ()
    images: tuple[str, ...] = ()
    segments: tuple[SegmentRef, ...] = ()
    segment: Segment | None = None
    map: ValueMap | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One area that a shutter leaves open, in image space.

    Attributes:
        kind: How it is drawn.
        points: (column, row): a rectangle's two corners, a circle's centre, a polygon's
            corners.
        radius: Of a circle, in columns; it is round in the patient.
    """

    kind: Literal["rectangle", "circle", "polygon"]
    points: tuple[tuple[float, ...], ...]
    radius: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitmap:
    """Pixels that a shutter covers one by one.

    Attributes:
        rows: Of the bitmap.
        columns: Of the bitmap.
        left: Columns of the image before its first one.
        top: Rows of the image before its first one.
        runs: Lengths of runs of pixels, row by row: open and covered in turn, open
            first; together rows x columns.
    """

    rows: int
    columns: int
    left: int
    top: int
    runs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutter:
    """What of an image is covered: all outside any opening, and what a bitmap says.

    Attributes:
        openings: At least one, or a bitmap.
        level: Grey of what is covered, 0 (black) to 255.
        bitmap: What is covered pixel by pixel.
    """

    openings: tuple[Opening, ...]
    level: int = 0
    bitmap: Bitmap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How some images are to be shown; what is None or False is left as it is.

    Attributes:
        images: (SOP Instance UID, frame) of each; frame 0 is every frame.
        window: Centre and width, in the images' own values.
        inverse: Bright is shown dark.
        rotation: Degrees clockwise: 0, 90, 180 or 270.
        flip: Mirrored left to right, after turning.
        area: Two corners of what is to be seen, in image space.
        shutter: What is covered instead of by the image's own shutter.
    """

    images: tuple[tuple[str, int], ...]
    window: tuple[float, float] | None = None
    inverse: bool = False
    rotation: int = 0
    flip: bool = False
    area: tuple[tuple[float, float], tuple[float, float]] | None = None
    shutter: Shutter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Creator:
    """Who made it, as far as it says.

    Attributes:
        origin: ``ai`` when an algorithm or its maker is named.
        name: Of the person, or of the algorithm.
        version: Of the algorithm.
        maker: Manufacturer of the object.
        model: Its model name.
    """

    origin: Origin
    name: str = ""
    version: str = ""
    maker: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignObject:
    """An object of another maker.

    Attributes:
        study_uid: Study Instance UID.
        series_uid: Series Instance UID.
        sop_uid: SOP Instance UID.
        sop_class_uid: SOP Class UID.
        kind: What of it can be done here.
        modality: As sent.
        title: What it calls itself.
        creator: Who made it.
        made_at: ``YYYY-MM-DD`` or ``YYYY-MM-DDTHH:MM:SS``, local, as sent; ''.
        items: What it says.
        presentations: How images are to be shown.
        trouble: Why it cannot be read; ''.
        notes: What of it is not shown, in plain words.
    """

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str
    kind: ObjectKind
    modality: str = ""
    title: str = ""
    creator: Creator = Creator(origin="unknown")
    made_at: str = ""
    items: tuple[Item, ...] = ()
    presentations: tuple[Presentation, ...] = ()
    trouble: str = ""
    notes: tuple[str, ...] = ()
