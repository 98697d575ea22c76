"""Signed readings, as far as a person may know them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.annotations.models import Reading
from apps.annotations.types import DisplayMode
from apps.core.errors import Forbidden, NotFound
from apps.core.permissions import Permission
from apps.worklist.models import WorkItem
from apps.worklist.types import ON_LIST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.types import Actor

Key = tuple[datetime, UUID]


def _blind(*, actor: Actor, study: str) -> QuerySet[WorkItem]:
    """Return the reads on the list that the actor may have to do without AI."""
    return WorkItem.objects.filter(
        case__revision__study_id=OuterRef(study),
        state__in=ON_LIST,
        withdrawn=False,
        site_id__in=actor.sites_with(Permission.ITEM_LEASE),
    ).exclude(case__protocol__display_mode=DisplayMode.CONCURRENT)


def visible_readings(*, actor: Actor) -> QuerySet[Reading]:
    """Return the readings that the actor may see: signed ones, and one's own.

    Whoever may be given a read of the study that is to be done without knowing what
    others found sees none but one's own.

    Raises:
        Forbidden: The actor reads nowhere.
    """
    sites = actor.sites_with(Permission.READING_READ)
    if not sites:
        raise Forbidden("forbidden", "Your role does not see readings.")
    blind = _blind(actor=actor, study="revision__study_id")
    return (
        Reading.objects.filter(revision__study__site_id__in=sites)
        .filter(
            Q(reader_id=actor.user_id) | Q(signed_at__isnull=False) & ~Exists(blind)
        )
        .select_related(
            "revision__study__patient",
            "revision__study__site",
            "protocol",
            "amends",
            "verification",
        )
    )


def access_signed(*, actor: Actor, reading_id: UUID) -> Reading:
    """Return one reading that the actor may see; one's own draft counts."""
    reading = visible_readings(actor=actor).filter(id=reading_id).first()
    if reading is None:
        raise NotFound("not_found", "There is no such reading, or it is not yours.")
    return reading


def is_blinding(*, actor: Actor, item: WorkItem) -> bool:
    """Say whether an item's reading would unblind a read that the actor may get."""
    study_id = item.case.revision.study_id
    return (
        WorkItem.objects.filter(
            case__revision__study_id=study_id,
            state__in=ON_LIST,
            withdrawn=False,
            site_id__in=actor.sites_with(Permission.ITEM_LEASE),
        )
        .exclude(case__protocol__display_mode=DisplayMode.CONCURRENT)
        .exists()
    )


def signed_page(
    *, actor: Actor, mine: bool, text: str, after: Key | None, limit: int
) -> list[Reading]:
    """Return the readings that hold, newest first, at most `limit`."""
    rows = (
        visible_readings(actor=actor)
        .filter(signed_at__isnull=False)
        .exclude(amended_by__signed_at__isnull=False)
    )
    if mine:
        rows = rows.filter(reader_id=actor.user_id)
    study = "revision__study"
    for word in text.split()[:6]:
        rows = rows.filter(
            Q(**{f"{study}__patient__name__icontains": word})
            | Q(**{f"{study}__patient__patient_id__icontains": word})
            | Q(**{f"{study}__accession_number__icontains": word})
            | Q(**{f"{study}__description__icontains": word})
        )
    if after is not None:
        at, last = after
        rows = rows.filter(Q(signed_at__lt=at) | Q(signed_at=at, id__lt=last))
    return list(rows.order_by("-signed_at", "-id")[:limit])


def items_of(*, readings: Iterable[Reading]) -> dict[UUID, WorkItem]:
    """Return the work items of signed readings, by the reading's id.

    While one is amended, its item has the draft in hand.
    """
    ids = [one.id for one in readings]
    rows = WorkItem.objects.filter(
        Q(reading_id__in=ids) | Q(reading__amends_id__in=ids), withdrawn=False
    ).select_related("reading", "lease_holder")
    found: dict[UUID, WorkItem] = {}
    for row in rows:
        if row.reading is None:
            continue
        draft = row.reading.signed_at is None
        key = row.reading.amends_id if draft else row.reading.id
        if key is not None:
            found[key] = row
    return found
