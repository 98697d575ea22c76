"""A lead says who is to read what: many items in one action, undone in one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.accounts.models import Membership, User
from apps.accounts.roles import roles_that_may
from apps.audit.events import Event
from apps.audit.services import Subject, record_each
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.core.realtime import publish_changes
from apps.worklist.models import AssignmentBatch, WorkItem
from apps.worklist.types import ON_LIST, ItemReason, ItemState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from apps.accounts.types import Actor

MOST: Final = 500
"""Items of one action."""
_GONE = "It is no longer on the list."
_NEEDED = (
    *("site", "study", "state", "withdrawn", "assignee", "lease_holder"),
    *("site__name", "study__patient", "lease_holder__display_name"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why one item of an action was left as it is.

    Attributes:
        item_id: Which.
        code: not_found, not_open, leased, not_here, forbidden or changed.
        detail: In plain words.
    """

    item_id: UUID
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """How an action went.

    Attributes:
        batch_id: By which it is undone; None when nothing changed.
        items: Items that say by now what was asked, changed or not; with their
            site, and no more than it takes to know them.
        refused: The others.
    """

    batch_id: UUID | None
    items: list[WorkItem] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def readers_of(*, actor: Actor) -> list[tuple[User, frozenset[UUID]]]:
    """Return who may read where the actor assigns, each with those sites, by name.

    Raises:
        Forbidden: The actor assigns nowhere.
    """
    sites = actor.sites_with(Permission.ITEM_ASSIGN)
    if not sites:
        raise Forbidden("forbidden", "Studies are assigned by the clinical lead.")
    rows = Membership.objects.filter(
        site_id__in=sites,
        role__in=roles_that_may(Permission.ITEM_LEASE),
        user__is_active=True,
    ).select_related("user")
    found: dict[UUID, tuple[User, set[UUID]]] = {}
    for row in rows.order_by("user__display_name", "user_id"):
        found.setdefault(row.user_id, (row.user, set()))[1].add(row.site_id)
    return [(user, frozenset(where)) for user, where in found.values()]


@transaction.atomic
def assign_items(
    *, actor: Actor, item_ids: Sequence[UUID], to: UUID | None
) -> Assigned:
    """Assign items to a reader, or to nobody; what cannot be is told, one by one.

    Args:
        actor: Who assigns; it takes `item:assign` at the item's site.
        item_ids: At most `MOST`.
        to: The reader; None takes the assignment away.

    Raises:
        Forbidden: The actor assigns nowhere.
        Invalid: None or too many items, or nobody who reads at the actor's sites.
    """
    ids = list(dict.fromkeys(item_ids))
    if not 1 <= len(ids) <= MOST:
        raise Invalid("invalid", f"items: 1 to {MOST} at once.", field="items")
    where = _where_they_read(actor=actor, to=to)

    def refuse(item: WorkItem) -> tuple[str, str] | None:
        held = to is not None and item.state == ItemState.LEASED
        if held and item.lease_holder_id != to:
            name = item.lease_holder.display_name if item.lease_holder else "Someone"
            return "leased", f"{name} is reading it."
        if where is not None and item.site_id not in where:
            return "not_here", f"This person does not read at {item.site.name}."
        return None

    items, refused = _sorted_out(actor=actor, ids=ids, refuse=refuse)
    changed = [item for item in items if item.assignee_id != to]
    if not changed:
        return Assigned(batch_id=None, items=items, refused=refused)
    batch = AssignmentBatch.objects.create(
        by_id=actor.person_id,
        to_id=to,
        at=clock.now(),
        entries=[
            {
                "item": str(item.id),
                "before": str(item.assignee_id) if item.assignee_id else None,
            }
            for item in changed
        ],
    )
    _write(
        actor=actor,
        event=Event.ITEM_ASSIGN,
        batch=batch,
        wanted=dict.fromkeys(changed, to),
    )
    return Assigned(batch_id=batch.id, items=items, refused=refused)


def _where_they_read(*, actor: Actor, to: UUID | None) -> frozenset[UUID] | None:
    readers = {user.pk: sites for user, sites in readers_of(actor=actor)}
    if to is None:
        return None
    if to not in readers:
        raise Invalid("invalid", "to: nobody who reads at your sites.", field="to")
    return readers[to]


def _sorted_out(
    *,
    actor: Actor,
    ids: Iterable[UUID],
    refuse: Callable[[WorkItem], tuple[str, str] | None],
) -> tuple[list[WorkItem], list[Refusal]]:
    """Lock the items in one order; return those that may be, and why not the rest."""
    wanted = sorted(ids)
    list(
        WorkItem.objects.select_for_update()
        .filter(id__in=wanted)
        .order_by("id")
        .values_list("id", flat=True)
    )
    rows = (
        WorkItem.objects.filter(id__in=wanted, reason=ItemReason.CLINICAL)
        .select_related("site", "lease_holder", "study")
        .only(*_NEEDED)
    )
    known = {item.id: item for item in rows if actor.is_member(item.site_id)}
    good: list[WorkItem] = []
    refused: list[Refusal] = []
    for one in wanted:
        item = known.get(one)
        why = _why_not(actor, item) or (refuse(item) if item else None)
        if item is not None and why is None:
            good.append(item)
        elif why is not None:
            refused.append(Refusal(item_id=one, code=why[0], detail=why[1]))
    return good, refused


def _why_not(actor: Actor, item: WorkItem | None) -> tuple[str, str] | None:
    if item is None:
        return "not_found", "There is no such work item, or it is not yours to see."
    if not actor.can(Permission.ITEM_ASSIGN, item.site_id):
        return "forbidden", f"You do not assign at {item.site.name}."
    if item.state not in ON_LIST or item.withdrawn:
        return "not_open", _GONE
    return None


def _write(
    *,
    actor: Actor,
    event: Event,
    batch: AssignmentBatch,
    wanted: Mapping[WorkItem, UUID | None],
) -> None:
    """Write for whom locked items are, tell the list, put each on the record.

    A handful of statements however many items there are. For whom an item is changes
    nothing in the other rows of its study, so that these are not told.
    """
    now = clock.now()
    people: dict[UUID | None, list[UUID]] = defaultdict(list)
    sites: dict[UUID, list[UUID]] = defaultdict(list)
    for item, to in wanted.items():
        people[to].append(item.id)
        sites[item.site_id].append(item.id)
    for to, ids in people.items():
        WorkItem.objects.filter(id__in=ids).update(
            assignee_id=to,
            assigned_by_id=actor.person_id if to else None,
            assigned_at=now if to else None,
            version=F("version") + 1,
            updated_at=now,
        )
    record_each(
        actor=actor,
        event=event,
        about=[_subject(item, to=to, batch=batch) for item, to in wanted.items()],
    )
    for site_id in sorted(sites):
        publish_changes(site_id=site_id, kind="item", object_ids=sites[site_id])


def _subject(item: WorkItem, *, to: UUID | None, batch: AssignmentBatch) -> Subject:
    before = item.assignee_id
    return Subject(
        site_id=item.site_id,
        patients=[item.study.patient_id],
        studies=[item.study_id],
        object_kind="work_item",
        object_id=item.id,
        detail={
            "batch": str(batch.id),
            "before": str(before) if before else None,
            "to": str(to) if to else None,
        },
    )


@transaction.atomic
def undo_assignment(*, actor: Actor, batch_id: UUID) -> Assigned:
    """Give every item of one's own action back to whom it was assigned before.

    What somebody assigned elsewhere since is left as it is, and told.

    Raises:
        NotFound: There is none, or it is somebody else's.
        Conflict: It is undone already.
    """
    batch = AssignmentBatch.objects.select_for_update().filter(id=batch_id).first()
    if batch is None or batch.by_id != actor.user_id:
        raise NotFound("not_found", "There is no such assignment, or it is not yours.")
    if batch.undone_at is not None:
        raise Conflict("undone", "This assignment is undone already.")
    before = {
        UUID(e["item"]): UUID(e["before"]) if e["before"] else None
        for e in batch.entries
    }

    def refuse(item: WorkItem) -> tuple[str, str] | None:
        if item.assignee_id != batch.to_id:
            return "changed", "Somebody assigned it anew since."
        return None

    items, refused = _sorted_out(actor=actor, ids=before, refuse=refuse)
    batch.undone_at = clock.now()
    batch.save(update_fields=["undone_at", "updated_at"])
    _write(
        actor=actor,
        event=Event.ITEM_ASSIGN_UNDO,
        batch=batch,
        wanted={item: before[item.id] for item in items},
    )
    return Assigned(batch_id=None, items=items, refused=refused)
