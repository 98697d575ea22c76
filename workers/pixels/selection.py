"""Which images of a study a model is given. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from workers.pixels.image import ImageHeader

LATERAL_VIEWS: Final = frozenset({"LATERAL", "LL", "RL", "LLD", "RLD", "LLO", "RLO"})
_NOT_A_FILM: Final = frozenset({"LOCALIZER", "SCREEN SAVE", "SCREENSHOT"})


def select_images(
    headers: Iterable[ImageHeader], *, rules: Mapping[str, Any]
) -> list[ImageHeader]:
    """Return the images of a film study that a model may judge, in order.

    An image stated to be of a view that the model excludes is left out, and so
    is raw detector data; an image whose view is not stated stays (many rooms
    state none).

    Args:
        headers: The study's images.
        rules: The card's `input`: `modalities`, `views_excluded`.
    """
    wanted = {str(name).upper() for name in rules.get("modalities", [])}
    excluded = {str(view).upper() for view in rules.get("views_excluded", [])}
    excluded = excluded or set(LATERAL_VIEWS)
    kept = [
        header
        for header in headers
        if (not wanted or header.modality in wanted)
        and header.view not in excluded
        and not header.is_for_processing
        and not _NOT_A_FILM & set(header.image_type)
    ]
    return sorted(kept, key=lambda h: (h.instance_number, h.sop_uid))
