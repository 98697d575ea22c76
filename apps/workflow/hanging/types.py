"""What is hung, where and by which rule. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Whose rule it is; a person's goes before the site's, that before the built-in."""

    USER = "user"
    SITE = "site"
    BUILT_IN = "built_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class GreyWindow:
    """A grey-scale window in the image's own units (Hounsfield units for CT)."""

    width: float
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A window with a name, as it is offered to readers."""

    name: str
    width: float
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What one viewport can hold: a series, or one image of a series of projections.

    Attributes:
        series_uid: Series Instance UID.
        sop_uid: The image, where a series holds several views; else ''.
        modality: Of the series.
        body_part: Body Part Examined, as stated.
        description: Series Description.
        view: View Position in capitals, or ''.
        laterality: ``L``, ``R``, ``B`` or ''.
        plane: ``axial``, ``coronal``, ``sagittal`` or ''.
        is_localizer: A scout view.
        n_images: Images of the series.
        frame_of_reference_uid: '' when not said.
    """

    series_uid: str
    sop_uid: str = ""
    modality: str
    body_part: str = ""
    description: str = ""
    view: str = ""
    laterality: str = ""
    plane: str = ""
    is_localizer: bool = False
    n_images: int = 1
    frame_of_reference_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Which shots a viewport may take. An empty attribute asks for nothing.

    Attributes:
        modality: One of these.
        view: One of these views.
        laterality: This side.
        plane: This plane.
        words: One of these is in the description, in small letters.
        without: None of these is.
        min_images: At least so many images in the series.
    """

    modality: tuple[str, ...] = ()
    view: tuple[str, ...] = ()
    laterality: str = ""
    plane: str = ""
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    min_images: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PaneRule:
    """What one viewport asks for.

    Attributes:
        picks: The first that finds a shot counts.
        window: To begin with; None leaves the image's own.
        lean: The edge that the image touches, ``left`` or ``right``; '' centres it.
        over: A second series laid over the first in colour (PET over CT).
        reuse: Another viewport may show the same already.
    """

    picks: tuple[Pick, ...]
    window: GreyWindow | None = None
    lean: str = ""
    over: Pick | None = None
    reuse: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A way to hang studies of some modality and region.

    Attributes:
        id: UUID text of a saved one; a name of ours for a built-in one.
        name: As readers see it.
        scope: Whose it is.
        is_default: Chosen by itself where it fits; else only offered.
        modalities: The study must have all of them; empty fits any.
        region: As `region_of` names it; '' fits any.
        rows: 1 to 3.
        columns: 1 to 3.
        panes: Row by row; at most rows × columns.
        least: Viewports that must find something, or it does not fit.
    """

    id: str
    name: str
    scope: Scope
    is_default: bool = True
    modalities: tuple[str, ...] = ()
    region: str = ""
    rows: int
    columns: int
    panes: tuple[PaneRule, ...]
    least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HungPane:
    """What one viewport shows; no shot leaves it empty."""

    shot: Shot | None = None
    window: GreyWindow | None = None
    lean: str = ""
    over_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """A protocol applied to one study."""

    protocol: Protocol
    panes: tuple[HungPane, ...]

    @property
    def n_filled(self) -> int:
        """Viewports that show something."""
        return sum(pane.shot is not None for pane in self.panes)
