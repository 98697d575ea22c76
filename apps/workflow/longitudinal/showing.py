"""What a reader is shown of a comparison. The study's AI must be visible before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.core.permissions import Permission
from apps.inference.models import Comparison
from apps.inference.types import ComparisonState, SlotKind
from apps.reports.models import ExportedObject
from apps.studies.selectors import visible_studies
from apps.workflow.visibility import visible_study
from workers.measures.change import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.types import Actor
    from apps.inference.models import Finding, InferenceRun
    from apps.studies.models import Study

_SHOWN = (
    *("now", "then", "now_at", "then_at", "tracking_uid", "kind"),
    *("change_ml", "percent", "percent_low", "percent_high", "doubling_days"),
)


def newest_comparison(*, actor: Actor, run: InferenceRun) -> Comparison | None:
    """Return the comparison of a run with the newest earlier study, if it may be seen.

    What AI said of the earlier study must be this person's to see as well: while
    somebody has to read that one unaided, nothing of the comparison leaves.
    """
    comparison = (
        Comparison.objects.select_related(
            "prior_run__revision__study", "prior_run__model_version"
        )
        .filter(
            run=run,
            prior_run__set_aside_at__isnull=True,
            prior_run__slot__kind=SlotKind.LIVE,
        )
        .order_by(
            "-prior_run__revision__study__study_date",
            "-prior_run__revision__study__study_time",
            "-prior_run__revision__arrived_at",
            "-created_at",
        )
        .first()
    )
    if comparison is None:
        return None
    study = comparison.prior_run.revision.study
    return comparison if _may_know(actor=actor, earlier=study) else None


def _may_know(*, actor: Actor, earlier: Study) -> bool:
    """Say whether a person may know what AI found on an earlier study."""
    theirs = visible_studies(actor=actor, need=Permission.STUDY_PIXELS_READ)
    if not theirs.filter(id=earlier.id).exists():
        return False
    return visible_study(actor=actor, study=earlier).visible


def withheld_changes(*, actor: Actor, study: Study) -> frozenset[str]:
    """Return the series of reports of change that a person may not be given.

    They say what AI found on an earlier study, which may be hidden from a person who
    may see the AI of this one.

    Args:
        actor: Who asks.
        study: The study that the reports belong to.
    """
    rows = ExportedObject.objects.filter(
        study=study, comparison__isnull=False
    ).select_related("comparison__prior_run__revision__study__patient")
    return frozenset(
        row.series_uid
        for row in rows
        if row.comparison is not None
        and not _may_know(actor=actor, earlier=row.comparison.prior_run.revision.study)
    )


def show_comparison(*, actor: Actor, run: InferenceRun) -> dict[str, Any] | None:
    """Return a run's comparison as its reader is shown it; None when there is none."""
    comparison = newest_comparison(actor=actor, run=run)
    if comparison is None:
        return None
    prior = comparison.prior_run
    findings = [*prior.findings.all(), *run.findings.all()]
    labels = {finding.label_code: finding for finding in findings}
    ids = {finding.label_code: finding.id for finding in run.findings.all()}
    return {
        "id": comparison.id,
        "state": comparison.state,
        "reason": comparison.reason,
        "days": comparison.days,
        "prior": {
            "study_id": prior.revision.study_id,
            "study_date": prior.revision.study.study_date,
            "model": {
                "name": prior.model_version.name,
                "version": prior.model_version.version,
            },
            "same_version": prior.model_version_id == run.model_version_id,
        },
        "registration": comparison.registration or None,
        "lesions": [
            _lesion(lesion, comparison.repeatability)
            | {
                "finding_id": ids.get(lesion["label_code"]),
                "label": _label(labels[lesion["label_code"]]),
            }
            for lesion in comparison.lesions
        ],
    }


def changes_in_words(
    *, actor: Actor, findings: Mapping[str, Finding]
) -> dict[str, str]:
    """Return what became of findings since an earlier study, in words, by finding.

    For a report's draft. Of several lesions each is told; what the measurement cannot
    tell from no change is called unchanged.

    Args:
        actor: Whose report it is.
        findings: What this person is shown of the AI of the study, by id.
    """
    runs = {finding.run_id: finding.run for finding in findings.values()}
    words: dict[str, str] = {}
    for run in runs.values():
        shown = show_comparison(actor=actor, run=run)
        if shown is None or shown["state"] != ComparisonState.DONE:
            continue
        date = shown["prior"]["study_date"]
        for name, finding in findings.items():
            if finding.run_id == run.id:
                told = [
                    _words(lesion)
                    for lesion in shown["lesions"]
                    if lesion["finding_id"] == finding.id
                ]
                if told:
                    day = f"{date.day} {date:%b %Y}"
                    words[name] = f"{'; '.join(told)} (since {day})"
    return words


def _words(lesion: Mapping[str, Any]) -> str:
    now, then = lesion["now"], lesion["then"]
    if then is None:
        return f"{_ml(now)}, new"
    if now is None:
        return f"{_ml(then)}, gone"
    sizes = f"{_ml(now)}, was {_ml(then)}"
    kind = str(lesion["kind"])
    if kind == Change.UNCHANGED:
        return f"{sizes}: unchanged"
    return f"{sizes}: {kind} by {abs(lesion['percent']):.0f}%"


def _ml(size: Mapping[str, Any]) -> str:
    volume = float(size["volume_ml"])
    return f"{volume:.{2 if volume < 10 else 1}f} ml"


def _lesion(
    lesion: Mapping[str, Any], repeatability: Mapping[str, Any]
) -> dict[str, Any]:
    shown = {name: lesion[name] for name in _SHOWN}
    return shown | {"repeatability": repeatability[lesion["label_code"]]}


def _label(finding: Any) -> dict[str, str]:
    return {
        "scheme": finding.label_scheme,
        "code": finding.label_code,
        "display": finding.label_display,
    }
