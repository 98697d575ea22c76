"""Verbs on work items: place, rank, lease, set the band, complete."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.annotations.models import Reading, ReadingProtocol
from apps.annotations.services import start_reading
from apps.annotations.types import DisplayMode, ReadingState
from apps.audit.events import Event
from apps.audit.services import Subject, record_each
from apps.core import clock
from apps.core.errors import Conflict, Forbidden
from apps.core.permissions import Permission
from apps.core.realtime import publish_changes
from apps.core.rows import update_each
from apps.inference.tiers import Tier
from apps.inference.types import AiSummary
from apps.studies.models import Study
from apps.worklist.listed import list_item, listed_columns, stale_items
from apps.worklist.models import Case, WorkItem
from apps.worklist.priority import AiInput, Rank, compute_rank
from apps.worklist.selectors import access_item, policy_of
from apps.worklist.types import ON_LIST, Band, ItemReason, ItemState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.accounts.types import Actor
    from apps.studies.models import StudyRevision

LEASE = timedelta(minutes=5)
SUPERSEDED = "A newer revision of the study took its place."
_GONE = "There is no such work item, or it is not yours to see."


def ai_input_of(*, item: WorkItem) -> AiInput | None:
    """Return what of the AI may rank an item; None where there is nothing.

    Under a protocol that hides the AI an item ranks without it, so that the
    order of the list says nothing either.
    """
    hidden = item.case.protocol.display_mode != DisplayMode.CONCURRENT
    if hidden or item.ai_state != "done" or item.ai_probability is None:
        return None
    return AiInput(
        probability=item.ai_probability,
        acuity=item.ai_acuity,
        positive=item.ai_positive,
    )


def rank_now(*, item: WorkItem) -> Rank:
    """Return the rank that an item's stored inputs give."""
    return compute_rank(
        arrived_at=item.arrived_at,
        policy=policy_of(site=item.site),
        ai=ai_input_of(item=item),
        clinician_band=Band(item.clinician_band) if item.clinician_band else None,
    )


RANKED = (
    "rank_class",
    "sort_at",
    "due_at",
    "deadline_at",
    "allowance_s",
    "band",
    "band_source",
)
"""What of an item its rank decides."""


def apply_rank(item: WorkItem) -> bool:
    """Write the rank that an item's inputs give onto it; say whether it moved."""
    rank = rank_now(item=item)
    fresh = {
        "rank_class": rank.rank_class,
        "sort_at": rank.sort_at,
        "due_at": rank.due_at,
        "deadline_at": rank.deadline_at,
        "allowance_s": rank.allowance_s,
        "band": rank.band.value,
        "band_source": rank.band_source.value,
    }
    moved = any(getattr(item, name, None) != value for name, value in fresh.items())
    for name, value in fresh.items():
        setattr(item, name, value)
    return moved


def audit_item(*, actor: Actor, event: Event, item: WorkItem, **detail: object) -> None:
    """Put an event about one item on the record."""
    record_each(actor=actor, event=event, about=[_about(item, **detail)])


def _about(item: WorkItem, **detail: object) -> Subject:
    study = item.case.revision.study
    return Subject(
        site_id=item.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="work_item",
        object_id=item.id,
        detail=detail,
    )


def _publish(item: WorkItem) -> None:
    """Tell the list of an item, and of each row that looks otherwise because of it."""
    _publish_all([item])


def _publish_all(items: Sequence[WorkItem]) -> None:
    """Do the same for many: one site after the other, each in one go.

    A read that is to be done without AI hides the AI in the other rows of its study,
    for as long as it is on the list (`visible_ai`).
    """
    by_site: dict[UUID, list[UUID]] = defaultdict(list)
    for item in items:
        by_site[item.site_id].append(item.id)
        if item.shows_ai:
            continue
        others = WorkItem.objects.filter(study_id=item.study_id, state__in=ON_LIST)
        for other in others.exclude(id=item.id).order_by("id"):
            by_site[other.site_id].append(other.id)
    for site_id in sorted(by_site):
        publish_changes(site_id=site_id, kind="item", object_ids=by_site[site_id])


def save_item(item: WorkItem) -> None:
    """Save a change that people can see, and tell the list of it."""
    item.version += 1
    item.save()
    _publish(item)


@transaction.atomic
def place_item(
    *, actor: Actor, revision: StudyRevision, protocol: ReadingProtocol
) -> WorkItem:
    """Put a revision on the list, before any AI has seen it.

    An item of an older revision of the same study that nobody holds gives way to
    the new one; a lease in progress survives and is told by its own revision.
    Running it again places nothing twice.
    """
    existing = WorkItem.objects.filter(
        case__revision=revision, reason=ItemReason.CLINICAL
    ).first()
    if existing is not None:  # under whichever version of its protocol it came
        return existing
    case, _ = Case.objects.get_or_create(revision=revision, protocol=protocol)
    item = WorkItem(
        case=case,
        site_id=revision.study.site_id,
        reason=ItemReason.CLINICAL,
        arrived_at=revision.arrived_at,
    )
    item.case, item.site = case, revision.study.site
    list_item(item=item, study=revision.study, protocol=protocol)
    _inherit(item=item, revision=revision, actor=actor)
    apply_rank(item)
    item.save()
    audit_item(actor=actor, event=Event.ITEM_PLACE, item=item, band=item.band)
    _publish(item)
    return item


def _inherit(*, item: WorkItem, revision: StudyRevision, actor: Actor) -> None:
    """Take over arrival and clinician's band from older revisions on the list.

    An open one gives way. A leased one stays with its reader, but its band is not
    lost with it when the reader gives it back.
    """
    older = (
        WorkItem.objects.select_for_update(of=("self",))
        .select_related("site", "case__protocol", "case__revision__study")
        .filter(
            case__revision__study_id=revision.study_id,
            reason=item.reason,
            state__in=ON_LIST,
        )
        .exclude(case=item.case)
        .order_by("-arrived_at")
    )
    for old in older:
        item.arrived_at = min(item.arrived_at, old.arrived_at)
        item.clinician_band = item.clinician_band or old.clinician_band
        item.band_reason_code = item.band_reason_code or old.band_reason_code
        item.band_reason_text = item.band_reason_text or old.band_reason_text
        item.band_by_id = item.band_by_id or old.band_by_id
        _inherit_assignment(item, old)
        if old.state == ItemState.OPEN:
            old.state = ItemState.CANCELLED
            old.cancelled_reason = SUPERSEDED
            save_item(old)
            audit_item(actor=actor, event=Event.ITEM_SUPERSEDE, item=old)


def _inherit_assignment(item: WorkItem, old: WorkItem) -> None:
    if item.assignee_id is None and old.assignee_id is not None:
        item.assignee_id = old.assignee_id
        item.assigned_by_id = old.assigned_by_id
        item.assigned_at = old.assigned_at


@transaction.atomic
def relist_study(*, study_id: UUID) -> int:
    """Let the list say of a study what the study says by now.

    Returns:
        How many items changed.
    """
    study = Study.objects.select_related("patient").get(id=study_id)
    stale = stale_items(study=study)
    items = WorkItem.objects.select_for_update().filter(id__in=stale).order_by("id")
    for item in items:
        for name, value in listed_columns(study=study).items():
            setattr(item, name, value)
        save_item(item)
    return len(stale)


@transaction.atomic
def withdraw_study(*, actor: Actor, study_id: UUID, reason: str) -> int:
    """Take a study off the list: what is open or being read is cancelled.

    Drafts and signed readings stay with their readers and in the audit.

    Returns:
        How many items were cancelled.
    """
    items = list(
        WorkItem.objects.select_for_update(of=("self",))
        .select_related("site", "case__protocol", "case__revision__study")
        .filter(case__revision__study_id=study_id)
        .order_by("id")
    )
    cancelled = [item for item in items if item.state in ON_LIST]
    for item in items:
        item.withdrawn = True
        if item not in cancelled:
            save_item(item)
            continue
        holder = item.lease_holder_id
        item.state = ItemState.CANCELLED
        item.cancelled_reason = reason[:200]
        item.lease_holder = None
        item.lease_since = item.lease_expires_at = None
        save_item(item)
        audit_item(
            actor=actor,
            event=Event.ITEM_CANCEL,
            item=item,
            reason=reason[:200],
            holder=str(holder or ""),
        )
    return len(cancelled)


@transaction.atomic
def restore_study(*, study_id: UUID) -> None:
    """Show what was read of a study again, because the archive has it again."""
    items = WorkItem.objects.select_for_update().filter(
        case__revision__study_id=study_id, withdrawn=True
    )
    for item in items.order_by("id"):
        item.withdrawn = False
        save_item(item)


@transaction.atomic
def apply_ai_each(
    *, actor: Actor, shown: Sequence[tuple[WorkItem, AiSummary]], cause: str = "ai"
) -> None:
    """Write what the AI says onto items and rank them again, all in one go.

    Args:
        actor: The portal.
        shown: Items, locked and read by `lock_items`, each with what the AI says.
        cause: What made it say so, for the record: `ai` or `slot`.
    """
    changed: list[WorkItem] = []
    told: list[WorkItem] = []
    moves: list[Subject] = []
    tiers = {item.id: item.tier for item, _ in shown}
    for item, summary in shown:
        if not actor.can(Permission.MACHINE_WORK, item.site_id):
            raise Forbidden("forbidden", "Only the portal says what the AI says.")
        fresh = _ai_columns(summary, shows_ai=item.shows_ai)
        if all(getattr(item, name) == value for name, value in fresh.items()):
            continue
        for name, value in fresh.items():
            setattr(item, name, value)
        before = (item.band, item.due_at.isoformat())
        if item.state in ON_LIST and apply_rank(item):
            after = (item.band, item.due_at.isoformat())
            moves.append(_about(item, before=before, after=after, cause=cause))
        changed.append(item)
        if not _tells_nobody(item):
            item.version += 1
            told.append(item)
    if not changed:
        return
    update_each(changed, fields=_BY_AI)
    record_each(actor=actor, event=Event.ITEM_RANK, about=moves)
    sent = [
        _about(item, before=tiers[item.id], after=item.tier, cause=cause)
        for item in changed
        if item.tier != tiers[item.id]
    ]
    record_each(actor=actor, event=Event.ITEM_TIER, about=sent)
    _publish_all(told)  # last: whoever else changes the site's list waits from now on


def _ai_columns(summary: AiSummary, *, shows_ai: bool = True) -> dict[str, Any]:
    """Return what an item says of the AI.

    Under a protocol that hides it the way of a study tells nothing of it either.
    """
    return {
        "ai_state": summary.state,
        "ai_reason": summary.reason,
        "ai_label": summary.label,
        "ai_probability": summary.probability,
        "ai_threshold": summary.threshold,
        "ai_acuity": summary.acuity,
        "ai_positive": summary.positive,
        "ai_n_more": summary.n_more,
        "ai_model_name": summary.model_name,
        "ai_model_version": summary.model_version,
        "tier": summary.tier if shows_ai else "",
    }


_BY_AI = (*_ai_columns(AiSummary(state="none")), *RANKED, "version", "updated_at")
"""What of an item the AI's word may change."""


def _tells_nobody(item: WorkItem) -> bool:
    """Say whether the AI's word on an item is hidden from everybody who lists it.

    Then the item must not stir when it comes: that a result came, and how many
    times, is a hint at what it says.
    """
    if item.case.protocol.display_mode == DisplayMode.CONCURRENT:
        return False
    seen = (ReadingState.REVEALED, ReadingState.SIGNED)
    return not item.case.revision.readings.filter(
        protocol_id=item.case.protocol_id, state__in=seen
    ).exists()


def announce_item(*, item: WorkItem) -> None:
    """Tell the list that what somebody may see of an item has changed."""
    save_item(item)


def lease_words(item: WorkItem) -> Conflict:
    """Return the refusal that names who holds an item."""
    holder = item.lease_holder
    name = holder.display_name if holder else "someone"
    since = item.lease_since.strftime("%H:%M UTC") if item.lease_since else ""
    return Conflict(
        "leased",
        f"{name} has been reading this study since {since}.",
        holder={
            "id": str(holder.id) if holder else "",
            "display_name": name,
            "initials": holder.initials if holder else "",
        },
        since=item.lease_since.isoformat() if item.lease_since else None,
        expires_at=item.lease_expires_at.isoformat() if item.lease_expires_at else None,
    )


@transaction.atomic
def lease_item(*, actor: Actor, item_id: UUID) -> WorkItem:
    """Give one reader the item; whoever comes second is told who has it.

    The holder may call it again; the lease is renewed. The reader's draft on the
    item, if there is one from before, goes on.

    Raises:
        Conflict: `leased` with the holder and since when, or `not_open`.
    """
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.ITEM_LEASE, lock=True
    )
    require_tier(actor=actor, item=item)
    return take_item(actor=actor, item=item)


def require_tier(*, actor: Actor, item: WorkItem) -> None:
    """Refuse a resident what is for a specialist, unless a lead assigned it to them.

    Who may verify reads what they choose; a rule only says what they are handed.
    """
    if item.tier != Tier.SPECIALIST or not item.site.ai_ordering:
        return
    mine = actor.user_id in (item.assignee_id, item.lease_holder_id)
    if not mine and not actor.can(Permission.READING_VERIFY, item.site_id):
        raise Forbidden(
            "for_specialist", "Your department gives this study to a specialist."
        )


def take_item(*, actor: Actor, item: WorkItem) -> WorkItem:
    """Lease a locked item to a reader."""
    now = clock.now()
    amendment = _begun_amendment(actor=actor, item=item)
    if item.state not in ON_LIST and amendment is None:
        raise Conflict("not_open", f"This study is {item.state}; it is off the list.")
    live = item.lease_expires_at is not None and item.lease_expires_at > now
    mine = item.lease_holder_id == actor.user_id
    if item.in_hand and live and not mine:
        raise lease_words(item)
    if not (mine and item.in_hand and live):
        item.lease_since = now
    item.state = ItemState.LEASED if amendment is None else ItemState.DONE
    item.lease_holder_id = actor.user_id
    item.lease_expires_at = now + LEASE
    item.lease_number += 1
    item.reading = amendment or _draft_of(actor=actor, item=item)
    save_item(item)
    audit_item(actor=actor, event=Event.ITEM_LEASE, item=item)
    return access_item(actor=actor, item_id=item.id, need=Permission.ITEM_LEASE)


def _begun_amendment(*, actor: Actor, item: WorkItem) -> Reading | None:
    """Return the amendment of a done item that the actor has begun, to go on with."""
    if item.state != ItemState.DONE or item.reading is None:
        return None
    signed = item.reading if item.reading.signed_at else item.reading.amends
    return Reading.objects.filter(
        amends=signed, reader_id=actor.user_id, signed_at__isnull=True
    ).first()


def _draft_of(*, actor: Actor, item: WorkItem) -> Reading:
    """Return the actor's unsigned reading of this item, or a new one."""
    draft = (
        Reading.objects.filter(
            revision=item.case.revision,
            protocol=item.case.protocol,
            reader_id=actor.user_id,
            signed_at__isnull=True,
            amends__isnull=True,
        )
        .order_by("-saved_at")
        .first()
    )
    if draft is not None:
        return draft
    return start_reading(
        actor=actor, revision=item.case.revision, protocol=item.case.protocol
    )


def require_lease(*, actor: Actor, item: WorkItem) -> None:
    """Raise `Conflict` `lease_lost` unless the actor holds the item.

    An expired lease that nobody else has taken still counts: the work of a
    reader whose network was away is not refused.
    """
    if item.in_hand and item.lease_holder_id == actor.user_id:
        return
    if item.state == ItemState.DONE:
        raise Conflict("signed", "This study was signed; amend the reading instead.")
    holder = item.lease_holder if item.state == ItemState.LEASED else None
    name = holder.display_name if holder else ""
    raise Conflict(
        "lease_lost",
        f"{name} holds this study now." if name else "Your lease on it has ended.",
        holder={
            "id": str(holder.id),
            "display_name": name,
            "initials": holder.initials,
        }
        if holder
        else None,
    )


@transaction.atomic
def renew_lease(*, actor: Actor, item_id: UUID) -> WorkItem:
    """Keep a lease alive; `Conflict` `lease_lost` when it is another's by now."""
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.ITEM_LEASE, lock=True
    )
    require_lease(actor=actor, item=item)
    item.lease_expires_at = clock.now() + LEASE
    item.save(update_fields=["lease_expires_at", "updated_at"])
    return item


@transaction.atomic
def release_lease(*, actor: Actor, item_id: UUID, number: int | None = None) -> None:
    """Give an item back; releasing what one does not hold is no error.

    Args:
        actor: Who holds it.
        item_id: The item.
        number: Which taking of it is given back. Where it was taken again since, by
            the same page when it was loaded anew or by another window of the same
            reader, nothing happens: a page's last word may come late. None gives
            back any.
    """
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.ITEM_LEASE, lock=True
    )
    if not item.in_hand or item.lease_holder_id != actor.user_id:
        return
    if number is not None and number != item.lease_number:
        return
    _free(item)
    audit_item(actor=actor, event=Event.ITEM_RELEASE, item=item)


def _free(item: WorkItem) -> None:
    item.lease_holder = None
    item.lease_since = item.lease_expires_at = None
    if item.state == ItemState.DONE:  # the amendment stays with who began it
        item.reading = item.reading and (item.reading.amends or item.reading)
        save_item(item)
        return
    newer = item.case.revision.study.revisions.filter(
        number__gt=item.case.revision.number
    )
    item.state = ItemState.OPEN
    if newer.exists():
        item.state, item.cancelled_reason = ItemState.CANCELLED, SUPERSEDED
    save_item(item)


@transaction.atomic
def expire_lease(*, actor: Actor, item_id: UUID) -> bool:
    """Put an item whose lease ran out back on the list; drafts stay."""
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.MACHINE_WORK, lock=True
    )
    ended = item.lease_expires_at is not None and item.lease_expires_at < clock.now()
    if not item.in_hand or not ended:
        return False
    holder = item.lease_holder_id
    _free(item)
    audit_item(
        actor=actor, event=Event.ITEM_LEASE_EXPIRED, item=item, holder=str(holder)
    )
    return True


@transaction.atomic
def complete_item(*, actor: Actor, item_id: UUID, reading: Reading) -> WorkItem:
    """Take an item off the list because its reading is signed.

    An amendment leaves alone when it was done first.
    """
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.READING_SIGN, lock=True
    )
    require_lease(actor=actor, item=item)
    item.state = ItemState.DONE
    item.reading = reading
    item.done_at = item.done_at or clock.now()
    item.lease_holder = None
    item.lease_since = item.lease_expires_at = None
    save_item(item)
    return item
