"""Which findings are critical at a site, and which results still wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from apps.annotations.truth import says_present
from apps.annotations.types import DisplayMode
from apps.core.errors import Forbidden, NotFound
from apps.core.permissions import Permission
from apps.inference.models import Slot
from apps.inference.selectors import acuity_of
from apps.inference.types import Acuity, SlotKind
from apps.reports.models import CriticalResult, CriticalState
from apps.worklist.models import WorkItem
from apps.worklist.types import ON_LIST

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A critical finding that a reading says is there.

    Attributes:
        source: `finding` or `annotation`.
        source_id: Id of the finding, or of the reader's mark.
        scheme: Coding scheme of the label.
        code: Its code.
        display: What people read.
    """

    source: str
    source_id: str
    scheme: str
    code: str
    display: str


def critical_codes(*, site_id: UUID) -> frozenset[str]:
    """Return the codes of the labels that a site calls critical."""
    tables = Slot.objects.filter(
        site_id=site_id, active=True, kind=SlotKind.LIVE
    ).values_list("acuities", flat=True)
    return frozenset(
        code
        for table in tables
        for code, acuity in table.items()
        if acuity == Acuity.CRITICAL
    )


def critical_statements(*, reading: Reading) -> list[Statement]:
    """Return the critical findings that a signed reading says are there."""
    codes = critical_codes(site_id=reading.revision.study.site_id)
    said = [
        Statement(
            source="finding",
            source_id=str(verdict.finding_id),
            scheme=(verdict.label or {}).get("scheme") or verdict.finding.label_scheme,
            code=(verdict.label or {}).get("code") or verdict.finding.label_code,
            display=(verdict.label or {}).get("display")
            or verdict.finding.label_display,
        )
        for verdict in reading.verdicts.select_related("finding__run__slot")
        if says_present(verdict=verdict) and _is_critical(verdict, codes)
    ]
    said += [
        Statement(
            source="annotation",
            source_id=mark.mark_id,
            scheme=mark.label_scheme,
            code=mark.label_code,
            display=mark.label_display,
        )
        for mark in reading.annotations.all()
        if mark.label_code in codes
    ]
    return said


def _is_critical(verdict: Verdict, codes: frozenset[str]) -> bool:
    label = verdict.label or {}
    if label.get("code"):
        return label["code"] in codes
    return acuity_of(finding=verdict.finding) == Acuity.CRITICAL


def visible_critical(*, actor: Actor) -> QuerySet[CriticalResult]:
    """Return the critical results of the actor's sites.

    Whoever may be given a read of the study that is to be done without knowing what
    others found is not told, except of their own results.

    Raises:
        Forbidden: The actor follows no critical results.
    """
    sites = actor.sites_with(Permission.CRITICAL_READ)
    if not sites:
        raise Forbidden("forbidden", "Your role does not see critical results.")
    blind = WorkItem.objects.filter(
        case__revision__study_id=OuterRef("study_id"),
        state__in=ON_LIST,
        withdrawn=False,
        site_id__in=actor.sites_with(Permission.ITEM_LEASE),
    ).exclude(case__protocol__display_mode=DisplayMode.CONCURRENT)
    rows = CriticalResult.objects.filter(site_id__in=sites)
    return rows.filter(
        Q(reading__reader_id=actor.user_id) | ~Exists(blind)
    ).select_related("site", "study__patient", "reading__reader", "closed_by")


def access_critical(
    *, actor: Actor, critical_id: UUID, need: Permission
) -> CriticalResult:
    """Return one critical result of the actor's sites, locked."""
    row = (
        visible_critical(actor=actor)
        .select_for_update(of=("self",))
        .filter(id=critical_id)
        .first()
    )
    if row is None:
        raise NotFound("not_found", "There is no such result, or it is not yours.")
    if not actor.can(need, row.site_id):
        raise Forbidden("forbidden", "Your role at this site does not allow this.")
    return row


def reminders_due(*, now: datetime, limit: int) -> list[UUID]:
    """Return the open results whose reminder is due, the longest due first."""
    due = CriticalResult.objects.filter(state=CriticalState.OPEN, remind_at__lte=now)
    return list(due.order_by("remind_at").values_list("id", flat=True)[:limit])
