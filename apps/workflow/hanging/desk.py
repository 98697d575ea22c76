"""How one study may be hung, for one reader."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from apps.core.permissions import Permission
from apps.studies.selectors import access_study
from apps.workflow.hanging.choose import choose_hanging, list_shots
from apps.workflow.hanging.defaults import BUILT_IN
from apps.workflow.hanging.presets import presets_for, read_presets
from apps.workflow.hanging.saved import (
    acquired_series,
    layouts_for,
    protocol_of,
    region_of_study,
)
from apps.workflow.hanging.types import Scope

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.types import Actor
    from apps.studies.models import Study
    from apps.workflow.hanging.types import Hanging, HungPane, Preset


@lru_cache(maxsize=4)
def _installed(path: str) -> dict[str, dict[str, tuple[Preset, ...]]]:
    """Return the installation's own presets; a file that is wrong stops the portal."""
    return read_presets(json.loads(Path(path).read_text())) if path else {}


def show_hanging(*, actor: Actor, study_id: UUID) -> dict[str, Any]:
    """Return how a study is hung, what else fits, and the windows offered.

    It names series and images of the newest revision by their UIDs, no patient.
    """
    study = access_study(
        actor=actor, study_id=study_id, need=Permission.STUDY_PIXELS_READ
    )
    shots = list_shots(acquired_series(study))
    region = region_of_study(study)
    saved = [
        protocol_of(layout)
        for layout in layouts_for(actor=actor, site_id=study.site_id)
    ]
    chosen, fitting = choose_hanging(
        protocols=[*saved, *BUILT_IN], shots=shots, region=region
    )
    presets = presets_for(
        modalities=tuple(dict.fromkeys(shot.modality for shot in shots)),
        region=region,
        settings=_installed(settings.WINDOW_PRESETS_FILE),
    )
    return {
        "region": region,
        "chosen": chosen.protocol.id if chosen else None,
        "may_manage_site": actor.can(Permission.LAYOUT_MANAGE, study.site_id),
        "items": [_shown(one, actor=actor, study=study) for one in fitting],
        "presets": [
            {
                "modality": modality,
                "items": [
                    {"name": p.name, "width": p.width, "level": p.level} for p in rows
                ],
            }
            for modality, rows in presets.items()
        ],
    }


def _shown(hanging: Hanging, *, actor: Actor, study: Study) -> dict[str, Any]:
    protocol = hanging.protocol
    may_delete = protocol.scope is Scope.USER or (
        protocol.scope is Scope.SITE
        and actor.can(Permission.LAYOUT_MANAGE, study.site_id)
    )
    return {
        "id": protocol.id,
        "name": protocol.name,
        "scope": protocol.scope,
        "is_default": protocol.is_default,
        "may_delete": may_delete,
        "rows": protocol.rows,
        "columns": protocol.columns,
        "panes": [_pane(pane) for pane in hanging.panes],
    }


def _pane(pane: HungPane) -> dict[str, Any]:
    shot, window = pane.shot, pane.window
    return {
        "series_uid": shot.series_uid if shot else "",
        "sop_uid": shot.sop_uid if shot else "",
        "window": {"width": window.width, "level": window.level} if window else None,
        "lean": pane.lean,
        "over_uid": pane.over_uid,
    }
