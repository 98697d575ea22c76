"""The steps of the story as Celery tasks: thin, named, repeatable."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.accounts.sessions import forget_ended_sessions
from apps.accounts.types import SYSTEM
from apps.annotations.segments import forget_slices as forget
from apps.audit.seals import check_audit, check_audit_when_due, seal_audit
from apps.core.niceness import asked_steps
from apps.core.steps import Step
from apps.core.tasks import task
from apps.workflow import explaining, exporting, flow
from apps.workflow.critical.services import remind_critical as remind
from apps.workflow.flood import watch_stat_share
from apps.workflow.intake.upload import abandon_uploads as abandon
from apps.workflow.intake.watch import watch_folders as look
from apps.workflow.longitudinal import comparing
from apps.workflow.segments.interpolation import accept_filled
from workers.compare_contracts import CompareResult
from workers.contracts import InferResult, PackResult
from workers.segment_contracts import InterpolateResult

CHECK_SOFT_S = 3000
"""Some 20,000 records a second: a log of tens of millions fits."""
CHECK_HARD_S = 3060


@task(name=Step.TAKE_ARRIVALS)
def take_arrivals() -> None:
    """Register what arrived in the archive."""
    flow.take_arrivals()


@task(name=Step.RECONCILE)
def reconcile() -> None:
    """Compare archive and portal in full."""
    flow.reconcile()


@task(name=Step.SWEEP)
def sweep() -> None:
    """Set going again what was lost."""
    flow.sweep()


@task(name=Step.EXPIRE_LEASES)
def expire_leases() -> None:
    """Put items whose lease ran out back on the list."""
    flow.expire_leases()


@task(name=Step.REMIND_CRITICAL)
def remind_critical() -> None:
    """Remind of critical results that nobody has been told of."""
    remind()


@task(name=Step.WATCH_STAT_SHARE)
def watch_flood() -> None:
    """Tell leads of sites that AI floods with STAT."""
    watch_stat_share()


@task(name=Step.FINISH_ACCEPT)
def finish_accept(*, quarantine_id: str) -> None:
    """Put what a person accepted in the place of what was there."""
    flow.finish_accept(quarantine_id=UUID(quarantine_id))


@task(name=Step.REQUEST_PACK)
def request_pack(*, revision_id: str) -> None:
    """Ask for a pixel pack."""
    flow.request_pack(revision_id=UUID(revision_id))


@task(name=Step.ACCEPT_PACK)
def accept_pack(*, result: dict[str, Any]) -> None:
    """Take a worker's word about a pack."""
    flow.accept_pack(result=PackResult.from_message(result))


@task(name=Step.REQUEST_INFERENCE)
def request_inference(*, revision_id: str) -> None:
    """Ask for inference."""
    flow.request_inference(revision_id=UUID(revision_id))


@task(name=Step.SETTLE_SLOTS)
def settle_slots(*, site_id: str) -> None:
    """Let the open list follow a change of slots."""
    flow.settle_slots(site_id=UUID(site_id))


@task(name=Step.ACCEPT_RESULTS)
def accept_results(*, results: list[dict[str, Any]]) -> None:
    """Take a worker's results."""
    flow.accept_results(results=[InferResult.from_message(one) for one in results])


@task(name=Step.EXPORT_RESULT)
def export_result(*, run_id: str) -> None:
    """Write an AI result into the archive."""
    if asked_steps():
        exporting.let_models_go_first(run_ids=[UUID(run_id)])
    exporting.send_result(run_id=UUID(run_id))


@task(name=Step.EXPORT_RESULTS)
def export_results(*, run_ids: list[str]) -> None:
    """Write AI results that went on record together."""
    written = [UUID(run_id) for run_id in run_ids]
    if asked_steps():
        exporting.let_models_go_first(run_ids=written)
    exporting.send_results(run_ids=written)


@task(name=Step.EXPORT_READING)
def export_reading(*, reading_id: str) -> None:
    """Write a signed verdict into the archive."""
    exporting.send_reading(reading_id=UUID(reading_id))


@task(name=Step.EXPORT_COMPARISON)
def export_comparison(*, comparison_id: str) -> None:
    """Write what became of a result since an earlier study into the archive."""
    exporting.send_change(comparison_id=UUID(comparison_id))


@task(name=Step.SEAL_AUDIT)
def seal_audit_log() -> None:
    """Seal what came since the last seal."""
    seal_audit()


@task(name=Step.CHECK_AUDIT, soft_limit_s=CHECK_SOFT_S, hard_limit_s=CHECK_HARD_S)
def check_audit_log(*, now: bool = False) -> None:
    """Compare the audit log with its seals: once a day, or because one asked."""
    if now:
        check_audit(actor=SYSTEM)
    else:
        check_audit_when_due(actor=SYSTEM)


@task(name=Step.FORGET_SESSIONS)
def forget_sessions() -> None:
    """Remove the rows of sessions that ended."""
    forget_ended_sessions()


@task(name=Step.ABANDON_UPLOADS)
def abandon_uploads() -> None:
    """End uploads that nobody touched for a day."""
    abandon()


@task(name=Step.WATCH_FOLDERS)
def watch_folders() -> None:
    """Take what lies in the watched folders."""
    look()


@task(name=Step.ACCEPT_INTERPOLATION)
def accept_interpolation(*, result: dict[str, Any]) -> None:
    """Take a worker's word about an interpolation."""
    accept_filled(result=InterpolateResult.from_message(result))


@task(name=Step.SEND_EXPLANATIONS)
def send_explanations() -> None:
    """Ask workers where findings come from, as many as may be under way."""
    explaining.send_explanations()


@task(name=Step.ACCEPT_EXPLANATION)
def accept_explanation(*, result: dict[str, Any]) -> None:
    """Take a worker's word about where findings come from."""
    explaining.accept_explanation(result=InferResult.from_message(result))


@task(name=Step.REQUEST_COMPARISON)
def request_comparison(*, run_id: str) -> None:
    """Have a result compared with the patient's earlier one."""
    comparing.request_comparison(run_id=UUID(run_id))


@task(name=Step.ACCEPT_COMPARISON)
def accept_comparison(*, result: dict[str, Any]) -> None:
    """Take a worker's word about what changed."""
    comparing.accept_comparison(result=CompareResult.from_message(result))


@task(name=Step.FORGET_SLICES)
def forget_slices() -> None:
    """Remove label maps that no draft named."""
    forget()
