"""Saved layouts: rules as JSON, and the verbs that keep them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import Site
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.studies.selectors import access_study
from apps.workflow.hanging.choose import list_shots, rule_for
from apps.workflow.hanging.regions import region_of
from apps.workflow.hanging.types import GreyWindow, PaneRule, Pick, Protocol, Scope
from apps.workflow.models import SavedLayout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from apps.accounts.types import Actor
    from apps.studies.models import Study
    from apps.workflow.hanging.types import Shot

MOST: Final = 60
"""Layouts that a person or a site may keep."""
_SIDES: Final = frozenset({1, 2, 3})


def write_rules(rules: Sequence[PaneRule]) -> list[dict[str, Any]]:
    """Return rules as JSON."""
    return [asdict(rule) for rule in rules]


def read_rules(raw: Sequence[Mapping[str, Any]]) -> tuple[PaneRule, ...]:
    """Return the rules that `write_rules` wrote."""
    return tuple(
        PaneRule(
            picks=tuple(_read_pick(pick) for pick in row["picks"]),
            window=GreyWindow(**row["window"]) if row["window"] else None,
            lean=row["lean"],
            over=_read_pick(row["over"]) if row["over"] else None,
            reuse=row["reuse"],
        )
        for row in raw
    )


def _read_pick(raw: Mapping[str, Any]) -> Pick:
    lists = ("modality", "view", "words", "without")
    return Pick(**{**raw, **{name: tuple(raw[name]) for name in lists}})


def protocol_of(layout: SavedLayout) -> Protocol:
    """Return a saved layout as a rule to hang by."""
    return Protocol(
        id=str(layout.id),
        name=layout.name,
        scope=Scope.USER if layout.owner_id else Scope.SITE,
        is_default=layout.is_default,
        modalities=tuple(layout.modalities),
        region=layout.region,
        rows=layout.rows,
        columns=layout.columns,
        panes=read_rules(layout.rules),
    )


def layouts_for(*, actor: Actor, site_id: UUID) -> list[SavedLayout]:
    """Return what a person may hang studies of a site by, the newest first."""
    mine = Q(owner_id=actor.user_id) if actor.user_id else Q(pk=None)
    return list(
        SavedLayout.objects.filter(mine | Q(site_id=site_id)).order_by("-updated_at")
    )


@transaction.atomic
def save_layout(*, actor: Actor, study_id: UUID, wanted: Mapping[str, Any]) -> Protocol:
    """Keep what the viewports show of a study as a way to hang the like of it.

    A layout of the same name and owner is replaced. Of several defaults for the same
    modalities and region, the one saved last is used.

    Args:
        actor: Who saves; for a site it takes `layout:manage` there.
        study_id: The study that is shown.
        wanted: `name`, `scope`, `is_default`, `any_region`, `rows`, `columns`, and
            `panes` of `series_uid`, `sop_uid`, `window`, `lean`, `over_uid`.

    Raises:
        Forbidden: The site's layouts are not the actor's to change.
        Invalid: The viewports do not fit the grid, or show no series of the study.
        Conflict: There are too many already.
    """
    study = access_study(
        actor=actor, study_id=study_id, need=Permission.STUDY_PIXELS_READ
    )
    whose = _owner(actor=actor, study=study, scope=wanted["scope"])
    rows, columns = wanted["rows"], wanted["columns"]
    if not {rows, columns} <= _SIDES or len(wanted["panes"]) > rows * columns:
        raise Invalid("invalid", "A layout has 1 to 3 rows and columns.")
    shots = list_shots(acquired_series(study))
    rules = [_rule(pane, shots) for pane in wanted["panes"]]
    if not any(rule.picks for rule in rules):
        raise Invalid("invalid", "No viewport shows a series of this study.")
    if SavedLayout.objects.filter(**whose).count() >= MOST:
        raise Conflict("too_many", f"There are {MOST} layouts already; delete one.")
    layout, created = SavedLayout.objects.update_or_create(
        **whose,
        name=wanted["name"].strip(),
        defaults={
            "saved_by_id": actor.person_id,
            "is_default": wanted["is_default"],
            "modalities": sorted(
                {m for r in rules for p in r.picks for m in p.modality}
            ),
            "region": "" if wanted["any_region"] else region_of_study(study),
            "rows": rows,
            "columns": columns,
            "rules": write_rules(rules),
        },
    )
    record(
        actor=actor,
        event=Event.LAYOUT_SAVE,
        site_id=study.site_id,
        object_kind="layout",
        object_id=layout.id,
        detail={"scope": wanted["scope"], "new": created},
    )
    return protocol_of(layout)


def _owner(*, actor: Actor, study: Study, scope: str) -> dict[str, Any]:
    if scope == Scope.USER:
        return {"owner_id": actor.person_id}
    if scope != Scope.SITE:
        raise Invalid("invalid", "scope: user or site.")
    if not actor.can(Permission.LAYOUT_MANAGE, study.site_id):
        raise Forbidden(
            "forbidden", "The site's layouts are kept by its clinical lead."
        )
    return {"site_id": study.site_id}


def region_of_study(study: Study) -> str:
    """Name the region of a study."""
    return region_of(
        study.body_part, study.description, modality="/".join(study.modalities)
    )


def acquired_series(study: Study) -> list[dict[str, Any]]:
    """Return the headers of a study's newest images, without what is withheld.

    What may be an AI's picture is never hung: `StudyRevision.withheld`.
    """
    revision = study.revisions.order_by("-number").first()
    if revision is None:
        return []
    return [one for one in revision.series if one["uid"] not in revision.withheld]


def _rule(pane: Mapping[str, Any], shots: Sequence[Shot]) -> PaneRule:
    """Return the rule of one viewport; without picks when it shows nothing."""
    shown = _find(shots, pane["series_uid"], pane["sop_uid"])
    if shown is None:
        return PaneRule(picks=())
    window = GreyWindow(**pane["window"]) if pane["window"] else None
    rule = rule_for(shot=shown, window=window, lean=pane["lean"])
    over = _find(shots, pane["over_uid"], "")
    if over is None:
        return rule
    return PaneRule(
        picks=rule.picks,
        window=rule.window,
        lean=rule.lean,
        over=Pick(modality=(over.modality,)),
        reuse=True,
    )


def _find(shots: Sequence[Shot], series_uid: str, sop_uid: str) -> Shot | None:
    of_series = [shot for shot in shots if shot.series_uid == series_uid]
    exact = (shot for shot in of_series if shot.sop_uid == sop_uid)
    return next(exact, of_series[0] if of_series else None)


@transaction.atomic
def delete_layout(*, actor: Actor, layout_id: UUID) -> None:
    """Delete one layout: one's own, or the site's with `layout:manage`.

    Raises:
        NotFound: There is none, or it is somebody else's.
        Forbidden: It is the site's, and not the actor's to change.
    """
    layout = SavedLayout.objects.filter(id=layout_id).first()
    mine = layout is not None and layout.owner_id == actor.person_id
    if layout is None or not (mine or (layout.site_id in actor.site_ids)):
        raise NotFound("not_found", "There is no such layout, or it is not yours.")
    if not mine and not actor.can(Permission.LAYOUT_MANAGE, _site_of(layout).id):
        raise Forbidden(
            "forbidden", "The site's layouts are kept by its clinical lead."
        )
    record(
        actor=actor,
        event=Event.LAYOUT_DELETE,
        site_id=layout.site_id,
        object_kind="layout",
        object_id=layout.id,
    )
    layout.delete()


def _site_of(layout: SavedLayout) -> Site:
    site = layout.site
    if site is None:
        raise NotFound("not_found", "There is no such layout, or it is not yours.")
    return site


@transaction.atomic
def reset_layouts(*, actor: Actor) -> int:
    """Delete all of one's own layouts; from here on the site's and ours are used."""
    count, _ = SavedLayout.objects.filter(owner_id=actor.person_id).delete()
    record(actor=actor, event=Event.LAYOUT_DELETE, detail={"n": count})
    return count
