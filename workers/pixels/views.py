"""What a film shows and from where: view, side, which way the picture lies. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workers.pixels.image import ImageHeader
from workers.pixels.selection import LATERAL_VIEWS

_FRONTAL: Final = frozenset({"AP", "PA"})
_BREAST: Final = frozenset(
    {"CC", "MLO", "ML", "LM", "LMO", "XCCL", "XCCM", "XCC", "FB", "SIO", "ISO", "CV"}
)
_OPPOSITE: Final = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmView:
    """How a film was taken, and how its picture lies.

    Attributes:
        view: Such as AP, PA, LL, CC, MLO; '' when nothing says it.
        kind: `frontal`, `lateral`, `breast`, `other` or '' when not known.
        side: L, R, B (both) or '' when not stated.
        left: What the picture's left edge is of the patient: L, R, A, P, H, F; ''
            when not stated.
        top: What its upper edge is.
    """

    view: str
    kind: str
    side: str
    left: str
    top: str

    @property
    def is_mirrored(self) -> bool:
        """Whether a frontal film has the patient's left on the picture's left."""
        return self.kind == "frontal" and self.left == "L"

    @property
    def is_upside_down(self) -> bool:
        """Whether the feet are at the top."""
        return self.top == "F"


def view_of(header: ImageHeader) -> FilmView:
    """Return how a film was taken, from what its header states."""
    view = header.view
    across, down = (*header.patient_orientation, "", "")[:2]
    return FilmView(
        view=view,
        kind=_kind(view, header.modality),
        side=header.laterality if header.laterality in {"L", "R", "B"} else "",
        left=_OPPOSITE.get(across[:1], ""),
        top=_OPPOSITE.get(down[:1], ""),
    )


def _kind(view: str, modality: str) -> str:
    if view in _BREAST or modality == "MG":
        return "breast"
    if view in _FRONTAL:
        return "frontal"
    if view in LATERAL_VIEWS:
        return "lateral"
    return "other" if view else ""
