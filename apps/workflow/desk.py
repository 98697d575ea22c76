"""What a person asks of the worklist and the reading room, one verb each.

Everything here that is derived from AI has passed `visible_ai`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction

from apps.annotations.services import save_draft
from apps.annotations.types import AMEND_REASONS, BAND_REASONS, REJECT_REASONS
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Invalid, NotFound, PreconditionFailed
from apps.core.permissions import Permission
from apps.core.queue import announce_urgent
from apps.inference.artefacts import read_artefact
from apps.inference.selectors import finding_artefact, known_labels, reread_run
from apps.inference.tiers import Tier
from apps.studies.selectors import access_study, opened_revision
from apps.studies.services import open_study
from apps.workflow import flow
from apps.workflow.measuring import checked_content
from apps.workflow.notices.telling import tell_stat
from apps.workflow.rows import (
    build_ai,
    build_manifest,
    build_reading,
    build_row,
    show_choices,
)
from apps.workflow.signed.services import amend_item
from apps.workflow.urgency import URGENCY
from apps.workflow.visibility import visible_ai
from apps.worklist import selectors as worklist
from apps.worklist import services, taking
from apps.worklist.bands import set_band
from apps.worklist.priority import compute_rank, explain
from apps.worklist.site_policy import set_ai_ordering
from apps.worklist.types import Band, ItemState

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.worklist.models import WorkItem


def _uuids(values: list[str], field: str) -> tuple[UUID, ...]:
    try:
        return tuple(UUID(value) for value in values)
    except ValueError as error:
        raise Invalid("invalid", f"{field}: is an id.", field=field) from error


def _row(*, actor: Actor, item: WorkItem) -> dict[str, Any]:
    return build_row(actor=actor, item=item, rank=worklist.rank_of(item=item))


def _audit_view(*, actor: Actor, event: Event, item: WorkItem) -> None:
    study = item.case.revision.study
    record(
        actor=actor,
        event=event,
        site_id=item.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="work_item",
        object_id=item.id,
    )


@transaction.atomic
def show_item(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Return one row."""
    item = worklist.access_item(
        actor=actor, item_id=item_id, need=Permission.WORKLIST_READ
    )
    _audit_view(actor=actor, event=Event.WORKLIST_LIST, item=item)
    return _row(actor=actor, item=item)


@transaction.atomic
def explain_rank(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Return why an item is where it is; without the AI where it is hidden."""
    item = worklist.access_item(
        actor=actor, item_id=item_id, need=Permission.WORKLIST_READ
    )
    _audit_view(actor=actor, event=Event.WORKLIST_LIST, item=item)
    policy = worklist.policy_of(site=item.site)
    rank = services.rank_now(item=item)
    sight = visible_ai(actor=actor, item=item)
    counts = sight.visible and rank.probability_source == "finding"
    without = compute_rank(
        arrived_at=item.arrived_at,
        policy=policy,
        clinician_band=Band(item.clinician_band) if item.clinician_band else None,
    )
    above, below = worklist.neighbours(item=item)
    model = f"{item.ai_model_name} {item.ai_model_version}" if counts else ""
    reason = item.band_reason_text or BAND_REASONS.get(item.band_reason_code, "")
    return {
        "rank": worklist.rank_of(item=item),
        "band": rank.band,
        "band_source": rank.band_source,
        "band_reason": reason,
        "arrived_at": item.arrived_at,
        "allowance_s": rank.allowance_s,
        "due_at": rank.due_at,
        "deadline_at": rank.deadline_at,
        "acuity": item.ai_acuity if counts else "",
        "acuity_weight": rank.weight,
        "probability": rank.probability,
        "probability_source": rank.probability_source,
        "neighbours": {"above": above, "below": below},
        "without_ai": {
            "rank": worklist.place_of(
                item=item,
                key=(without.rank_class, without.sort_at, item.arrived_at, item.id),
            ),
            "due_at": without.due_at,
        },
        "model": {"name": item.ai_model_name, "version": item.ai_model_version}
        if counts
        else None,
        "rule": [
            *explain(
                rank=rank,
                policy=policy,
                acuity=item.ai_acuity,
                model=model,
                reason=reason,
            ),
            *(_reread(item) if counts else ()),
            *(TIER_WORDS[item.tier] if sight.visible else ()),
        ],
    }


TIER_WORDS: Final[dict[str, tuple[str, ...]]] = {
    Tier.ANYBODY: (),
    Tier.RESIDENT: (
        "The model is sure of it: by the slot's rule a resident reads it first, and an"
        " attending verifies that.",
    ),
    Tier.SPECIALIST: (
        "The model is unsure of it: by the slot's rule it is for a specialist.",
    ),
}


def _reread(item: WorkItem) -> list[str]:
    """Say by which version of its slot an item was read anew, where it was."""
    run = reread_run(
        revision_id=item.case.revision_id,
        name=item.ai_model_name,
        version=item.ai_model_version,
    )
    if run is None or run.reread_at is None:
        return []
    why = f": “{run.slot.reason}”" if run.slot.reason else ""
    return [
        f"Read anew at {run.reread_at:%H:%M} UTC on {run.reread_at:%d %b %Y}, when"
        f" version {run.slot.number} of the slot took over{why}. Its threshold here is"
        f" {item.ai_threshold:.2f}."
    ]


def _opened(*, actor: Actor, item: WorkItem) -> dict[str, Any]:
    open_study(
        actor=actor,
        study_id=item.case.revision.study_id,
        revision_id=item.case.revision_id,
    )
    row = _row(actor=actor, item=item)
    reading = _own_reading(item=item)
    return {
        "lease": row["lease"],
        "item": row,
        "reading": build_reading(reading=reading, item=item),
    }


def _own_reading(*, item: WorkItem) -> Reading:
    if item.reading is None:
        raise NotFound("not_found", "Nobody has begun a reading of this study.")
    return item.reading


@transaction.atomic
def open_item(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Lease an item and open its study."""
    item = services.lease_item(actor=actor, item_id=item_id)
    return _opened(actor=actor, item=item)


@transaction.atomic
def open_next(*, actor: Actor, site_ids: list[UUID]) -> dict[str, Any] | None:
    """Lease the next item and open its study; None when nothing is free."""
    item = taking.take_next(actor=actor, site_ids=site_ids)
    return None if item is None else _opened(actor=actor, item=item)


@transaction.atomic
def open_amendment(
    *, actor: Actor, item_id: UUID, reason_code: str, reason_text: str
) -> dict[str, Any]:
    """Take a done item in hand to amend its reading, and open its study."""
    amend_item(
        actor=actor, item_id=item_id, reason_code=reason_code, reason_text=reason_text
    )
    item = worklist.access_item(
        actor=actor, item_id=item_id, need=Permission.READING_SIGN
    )
    return _opened(actor=actor, item=item)


@transaction.atomic
def keep_item(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Renew a lease."""
    item = services.renew_lease(actor=actor, item_id=item_id)
    lease: dict[str, Any] = build_row(actor=actor, item=item)["lease"]
    return lease


def give_back_item(*, actor: Actor, item_id: UUID, number: int | None = None) -> None:
    """Release a lease, or with `number` only that taking of it."""
    services.release_lease(actor=actor, item_id=item_id, number=number)


def change_band(
    *, actor: Actor, item_id: UUID, band: str, reason_code: str, reason_text: str
) -> dict[str, Any]:
    """Set a clinician's band.

    The models are asked when it is on record, before the answer is made up; what is to
    be STAT is announced to them at once.
    """
    if band == Band.STAT and actor.sites_with(Permission.ITEM_BAND):
        announce_urgent()
    with transaction.atomic():
        change = set_band(
            actor=actor,
            item_id=item_id,
            band=band,
            reason_code=reason_code,
            reason_text=reason_text,
        )
        item = change.item
        tell_stat(item=item, before=change.before, by=actor.user_id)
        if URGENCY[Band(item.band)] < URGENCY[Band(change.before)]:
            flow.hurry_runs(revision_id=item.case.revision_id)
    return _row(actor=actor, item=item)


def switch_ai(*, actor: Actor, site_id: UUID, enabled: bool, reason: str) -> bool:
    """Switch AI ordering of a site on or off."""
    site = set_ai_ordering(actor=actor, site_id=site_id, enabled=enabled, reason=reason)
    return site.ai_ordering


@transaction.atomic
def show_ai(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Return the findings that the actor may see."""
    item = worklist.access_item(
        actor=actor, item_id=item_id, need=Permission.STUDY_READ
    )
    body = build_ai(actor=actor, item=item)
    if body["visible"]:
        _audit_view(actor=actor, event=Event.AI_VIEW, item=item)
    return body


@transaction.atomic
def read_picture(
    *, actor: Actor, item_id: UUID, artefact_id: UUID
) -> tuple[bytes, str]:
    """Return a saliency picture or a mask, and its media type."""
    item = worklist.access_item(
        actor=actor, item_id=item_id, need=Permission.STUDY_PIXELS_READ
    )
    if not visible_ai(actor=actor, item=item).visible:
        raise NotFound("not_found", "There is no such picture on this study.")
    artefact = finding_artefact(
        revision_id=item.case.revision_id, artefact_id=artefact_id
    )
    _audit_view(actor=actor, event=Event.ARTEFACT_READ, item=item)
    return read_artefact(sha256=artefact.sha256), artefact.media_type


def _reading_item(
    *, actor: Actor, item_id: UUID, need: Permission, lock: bool = False
) -> WorkItem:
    item = worklist.access_item(actor=actor, item_id=item_id, need=need, lock=lock)
    if item.reading is not None and item.reading.reader_id == actor.user_id:
        return item
    if item.state == ItemState.OPEN:
        raise Conflict("lease_lost", "Your lease on this study has ended.", holder=None)
    services.require_lease(actor=actor, item=item)
    return item


@transaction.atomic
def show_reading(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Return the actor's reading of an item."""
    item = _reading_item(actor=actor, item_id=item_id, need=Permission.READING_WRITE)
    _audit_view(actor=actor, event=Event.READING_READ, item=item)
    return build_reading(reading=_own_reading(item=item), item=item)


@transaction.atomic
def save_reading(
    *, actor: Actor, item_id: UUID, expected_version: int, raw: object
) -> dict[str, Any]:
    """Save the actor's draft of an item."""
    item = _reading_item(
        actor=actor, item_id=item_id, need=Permission.READING_WRITE, lock=True
    )
    services.require_lease(actor=actor, item=item)
    mine = _own_reading(item=item)
    try:
        reading = save_draft(
            actor=actor,
            reading_id=mine.id,
            expected_version=expected_version,
            raw=raw,
        )
    except PreconditionFailed as error:
        mine.refresh_from_db()
        error.extra["current"] = build_reading(reading=mine, item=item)
        raise
    return build_reading(reading=reading, item=item)


@transaction.atomic
def commit(
    *, actor: Actor, item_id: UUID, expected_version: int, raw: object
) -> dict[str, Any]:
    """Commit the unaided read; the answer is the first that shows the AI."""
    try:
        reading = flow.commit_item(
            actor=actor,
            item_id=item_id,
            expected_version=expected_version,
            raw=checked_content(actor=actor, item_id=item_id, raw=raw),
        )
    except PreconditionFailed as error:
        item = _reading_item(
            actor=actor, item_id=item_id, need=Permission.READING_WRITE
        )
        error.extra["current"] = build_reading(
            reading=_own_reading(item=item), item=item
        )
        raise
    item = worklist.access_item(
        actor=actor, item_id=item_id, need=Permission.WORKLIST_READ
    )
    return {
        "reading": build_reading(reading=reading, item=item),
        "item": _row(actor=actor, item=item),
    }


def sign(
    *,
    actor: Actor,
    item_id: UUID,
    expected_version: int,
    raw: object,
    told: object = None,
) -> dict[str, Any]:
    """Sign, and say what the reader may open next."""
    reading = flow.sign_item(
        actor=actor,
        item_id=item_id,
        expected_version=expected_version,
        raw=checked_content(actor=actor, item_id=item_id, raw=raw),
        told=told,
    )
    item = worklist.access_item(
        actor=actor, item_id=item_id, need=Permission.WORKLIST_READ
    )
    upcoming = taking.peek_next(actor=actor)
    return {
        "reading": build_reading(reading=reading, item=item),
        "next": None if upcoming is None else show_item(actor=actor, item_id=upcoming),
    }


@transaction.atomic
def open_study_for(
    *, actor: Actor, study_id: UUID, ahead: bool = False
) -> dict[str, Any]:
    """Open a study to look at it, or to fetch its images `ahead` of that."""
    revision = open_study(actor=actor, study_id=study_id, ahead=ahead)
    return build_manifest(actor=actor, revision=revision)


def show_manifest(*, actor: Actor, study_id: UUID, revision: str) -> dict[str, Any]:
    """Return the manifest of a study that this session has opened."""
    study = access_study(
        actor=actor, study_id=study_id, need=Permission.STUDY_PIXELS_READ
    )
    wanted = _uuids([revision], "revision")[0] if revision else None
    return build_manifest(
        actor=actor,
        revision=opened_revision(actor=actor, study=study, revision_id=wanted),
    )


def vocabulary(*, actor: Actor) -> dict[str, Any]:
    """Return the codes that people choose from at the actor's sites."""
    return {
        "reject_reasons": show_choices(REJECT_REASONS),
        "band_reasons": show_choices(BAND_REASONS),
        "amend_reasons": show_choices(AMEND_REASONS),
        "labels": known_labels(actor=actor),
    }
