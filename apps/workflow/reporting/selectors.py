"""What a report is drafted from: templates, answers, earlier reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.annotations.content import ReadingContent
from apps.annotations.models import Reading
from apps.annotations.types import DisplayMode, ReadingState, VerdictKind
from apps.inference.selectors import is_positive
from apps.reports.drafting import Said, choose_template
from apps.reports.models import ReportTemplate
from apps.reports.shipped import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from apps.annotations.content import VerdictContent
    from apps.inference.models import Finding
    from apps.worklist.models import WorkItem


def templates_of(*, site_id: UUID) -> list[dict[str, Any]]:
    """Return a site's templates: its own first, then the shipped ones they leave."""
    rows = ReportTemplate.objects.filter(site_id=site_id).order_by("code", "-version")
    newest = {row.code: row for row in reversed(list(rows))}
    own = [
        {"code": row.code, "version": row.version, **row.body}
        for row in newest.values()
        if row.active
    ]
    taken = {template["code"] for template in own}
    return [*own, *(one for one in SHIPPED if one["code"] not in taken)]


def template_for(*, item: WorkItem) -> Mapping[str, Any]:
    """Return the template of an item's study."""
    study = item.case.revision.study
    return choose_template(
        templates=templates_of(site_id=item.site_id),
        modalities=study.modalities,
        body_part=study.body_part,
        protocol=item.case.protocol.code,
    )


def said_in(
    *,
    content: ReadingContent,
    findings: Mapping[str, Finding],
    changes: Mapping[str, str] | None = None,
) -> list[Said]:
    """Return what a reading says is there or is not: answers first, then marks.

    Args:
        content: The reading.
        findings: What its reader was shown of the AI, by id.
        changes: What became of findings since an earlier study, in words, by id.
    """
    answered = [
        _answer(
            verdict,
            findings[verdict.finding_id],
            (changes or {}).get(verdict.finding_id),
        )
        for verdict in content.verdicts
        if verdict.finding_id in findings
    ]
    own = [
        Said(
            scheme=mark.label.scheme,
            code=mark.label.code,
            display=mark.label.display,
            present=True,
            source="reader",
            source_id=mark.id,
            note=mark.text,
        )
        for mark in content.annotations
    ]
    return sorted([*answered, *own], key=lambda one: not one.present)


def _answer(
    verdict: VerdictContent, finding: Finding, change: str | None = None
) -> Said:
    label, positive = verdict.label, is_positive(finding=finding)
    agrees = verdict.verdict is VerdictKind.ACCEPT
    return Said(
        scheme=label.scheme if label else finding.label_scheme,
        code=label.code if label else finding.label_code,
        display=label.display if label else finding.label_display,
        present=verdict.verdict is VerdictKind.MODIFY or agrees == positive,
        source="ai",
        source_id=verdict.finding_id,
        note=change if change and agrees else "",
    )


def earlier_readings(*, item: WorkItem, limit: int) -> list[Reading]:
    """Return the signed readings of the patient's other studies, newest first.

    None is of the study that is read: who reads it may have to read it unaided. One
    that another study's blind read still waits for is left out too.
    """
    study = item.case.revision.study
    rows = (
        Reading.objects.select_related("revision__study", "protocol", "verification")
        .filter(
            state=ReadingState.SIGNED,
            revision__study__patient_id=study.patient_id,
            revision__study__site_id=item.site_id,
        )
        .exclude(amended_by__signed_at__isnull=False)
        .exclude(revision__study_id=study.id)
        .exclude(
            revision__study__revisions__cases__items__state__in=["open", "leased"],
            revision__study__revisions__cases__protocol__display_mode__in=[
                DisplayMode.AFTER_COMMIT,
                DisplayMode.NONE,
            ],
        )
        .order_by("-signed_at")
    )
    return list(rows[:limit])
