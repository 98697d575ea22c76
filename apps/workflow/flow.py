"""The whole story of a study: what follows what. Every function may run twice."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction

from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading
from apps.annotations.protocols import clinical_protocol
from apps.annotations.services import commit_reading, sign_reading
from apps.annotations.types import DisplayMode
from apps.core import clock
from apps.core.errors import Conflict, DomainError
from apps.core.permissions import Permission
from apps.core.queue import enqueue, messages_waiting, send
from apps.core.steps import Step
from apps.inference import selectors as inference
from apps.inference.renewing import renew_run
from apps.inference.results import record_results
from apps.inference.services import RUN_STALE, open_runs, start_run
from apps.inference.slots import (
    adopt_slots,
    note_settled,
    unsettled_ids,
    unsettled_sites,
)
from apps.inference.types import FINAL_STATES
from apps.interop.types import ArchiveError, ArchiveUnavailable, NotInArchive
from apps.reports.selectors import exports_due, own_sop_uids
from apps.studies import decisions
from apps.studies import selectors as studies
from apps.studies.archive import archive
from apps.studies.conflicts import take_held_arrivals
from apps.studies.failures import plain_reason
from apps.studies.locks import only_one
from apps.studies.machine import READ_INSTANCES, issue_token
from apps.studies.models import StudyRevision
from apps.studies.pack_files import packs_to_remove, remove_packs
from apps.studies.pack_retries import renew_pack
from apps.studies.renewing import is_outdated
from apps.studies.services import (
    PACK_STALE,
    clear_failure,
    finish_pack,
    move_cursor,
    note_failure,
    note_reconciled,
    register_study,
    start_pack,
    withhold_series,
)
from apps.studies.tombstones import bury_study, forget_held
from apps.studies.types import Registered, Renewal
from apps.workflow.answers import show_ai, show_ai_of
from apps.workflow.asking import ask_result
from apps.workflow.critical.services import raise_critical
from apps.workflow.explaining import ask_explanations, sweep_explanations
from apps.workflow.exporting import (
    EXPORT_QUEUE,
    GO_FIRST,
    LOST_IN_A_QUEUE,
    export_each_soon,
    export_soon,
)
from apps.workflow.longitudinal.comparing import ask_comparisons, send_overdue
from apps.workflow.reporting.services import settle_report
from apps.workflow.segments.interpolation import send_waiting
from apps.workflow.urgency import LAST
from apps.workflow.visibility import live_findings, shown_findings, withheld_of
from apps.worklist.selectors import (
    access_item,
    expired_leases,
    items_of_revision,
    unasked_revisions,
    unread_items,
    unread_revisions,
)
from apps.worklist.services import (
    announce_item,
    complete_item,
    expire_lease,
    place_item,
    relist_study,
    require_lease,
    restore_study,
    withdraw_study,
)
from workers.contracts import (
    QUEUE_GPU,
    QUEUE_PIXELS,
    TASK_PACK,
    InferResult,
    PackRequest,
    PackResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apps.accounts.types import Actor

log = logging.getLogger(__name__)
BATCH = 50
LOST_AFTER = timedelta(seconds=20)
DELETED = "The study was deleted from the archive."
# What one odd study may raise. Not every exception: a time limit must end the step.
ODDITIES = (
    ArchiveError,
    DomainError,
    DatabaseError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
)


# --- arrival


def take_arrivals() -> int:
    """Register what became stable in the archive since the cursor.

    Each study has a transaction of its own. The cursor moves when all were taken or
    noted as failures: whoever dies on the way leaves the rest to the next.
    """
    _attempt(take_held_arrivals)
    with only_one("take_arrivals") as is_ours:
        if not is_ours:
            return 0
        since = studies.cursor_position()
        arrivals = archive().stable_studies(since=since, limit=BATCH)
        for archive_id in arrivals.study_ids:
            take_one(archive_id=archive_id)
        move_cursor(seq=arrivals.cursor)
    if arrivals.history_lost:
        enqueue(Step.RECONCILE)
    elif not arrivals.done:
        enqueue(Step.TAKE_ARRIVALS)
    return len(arrivals.study_ids)


def take_one(*, archive_id: str) -> None:
    """Register one study; its failure is noted and never stops its neighbours."""
    try:
        with transaction.atomic():
            take_study(archive_id=archive_id)
            clear_failure(archive_id=archive_id)
    except NotInArchive:
        clear_failure(archive_id=archive_id)
        _attempt(bury, archive_id=archive_id)
    except ArchiveUnavailable:
        raise
    except ODDITIES as error:
        log.warning("study %s not registered: %s", archive_id, type(error).__name__)
        note_failure(archive_id=archive_id, reason=plain_reason(error))


def take_study(*, archive_id: str) -> None:
    """Read one study's header, register it, and put its new revision on the list."""
    header = archive().study_header(archive_id)
    outcome = register_study(
        actor=SYSTEM,
        header=header,
        own_sop_uids=own_sop_uids(study_uid=header.study_uid),
    )
    if not isinstance(outcome, Registered):
        return
    restore_study(study_id=outcome.study_id)
    relist_study(study_id=outcome.study_id)
    if outcome.revision_id is not None:
        place_revision(revision_id=outcome.revision_id)


@transaction.atomic
def bury(*, archive_id: str) -> bool:
    """Take a study that the archive has no longer off the list; it stays on record."""
    study = bury_study(actor=SYSTEM, archive_id=archive_id)
    if study is None:
        return False
    withdraw_study(actor=SYSTEM, study_id=study.id, reason=DELETED)
    transaction.on_commit(partial(_attempt, remove_packs, study_id=study.id))
    return True


@transaction.atomic
def place_revision(*, revision_id: UUID) -> None:
    """Put a revision on the worklist, then ask for its pack and its inference."""
    revision = studies.access_revision(
        actor=SYSTEM, revision_id=revision_id, need=Permission.MACHINE_WORK
    )
    newest = revision.study.revisions.order_by("-number").first()
    if newest is None or newest.id != revision.id:
        return
    known = {item.id for item in items_of_revision(revision_id=revision.id)}
    item = place_item(
        actor=SYSTEM,
        revision=revision,
        protocol=clinical_protocol(
            site=revision.study.site, modalities=revision.study.modalities
        ),
    )
    if item.id not in known:
        if item.case.protocol.display_mode != DisplayMode.CONCURRENT:
            withhold_series(
                actor=SYSTEM,
                revision_id=revision.id,
                series_uids=withheld_of(revision=revision),
            )
        enqueue(Step.REQUEST_INFERENCE, revision_id=str(revision.id))
        enqueue(Step.REQUEST_PACK, revision_id=str(revision.id))


def reconcile() -> int:
    """Compare the whole archive with the portal's rows and take what differs."""
    known = studies.registered_archive_stamps()
    held = studies.held_archive_stamps()
    there: set[str] = set()
    taken = 0
    for summary in archive().all_studies():
        there.add(summary.orthanc_id)
        stamps = (known.get(summary.orthanc_id), held.get(summary.orthanc_id))
        if summary.last_update in stamps or not summary.is_stable:
            continue
        take_one(archive_id=summary.orthanc_id)
        taken += 1
    taken += sum(bury(archive_id=gone) for gone in known.keys() - there)
    forget_held(there=there)
    note_reconciled()
    return taken


def finish_accept(*, quarantine_id: UUID) -> None:
    """Put what a person accepted in place, and its new revision on the list."""
    with only_one(f"accept {quarantine_id}") as is_ours:
        if not is_ours:
            return
        archive_id = decisions.finish_accept(actor=SYSTEM, quarantine_id=quarantine_id)
        if archive_id:
            take_one(archive_id=archive_id)


def notice_deleted() -> int:
    """Find studies that vanished, without waiting for the next full comparison.

    The archive's own count is asked first: fewer studies than we know of means that
    some were deleted.
    """
    known = studies.registered_archive_stamps()
    held = studies.held_archive_stamps()
    if archive().statistics().studies >= len(known.keys() | held.keys()):
        return 0
    there = set(archive().all_study_ids())
    forget_held(there=there)
    return sum(bury(archive_id=gone) for gone in known.keys() - there)


# --- pixels


@transaction.atomic
def request_pack(*, revision_id: UUID) -> None:
    """Ask a pixels worker to build the pack of a revision."""
    revision = start_pack(actor=SYSTEM, revision_id=revision_id)
    if revision is None:
        return
    request = PackRequest(
        request_id=f"pack-{revision.id}",
        revision_id=str(revision.id),
        token=issue_token(
            request_id=f"pack-{revision.id}",
            revision_id=revision.id,
            verbs=[READ_INSTANCES],
        ),
        portal_url=settings.PORTAL_URL,
        source_hash=revision.image_hash,
    )
    send(TASK_PACK, queue=QUEUE_PIXELS, kwargs={"request": request.to_message()})


@transaction.atomic
def accept_pack(*, result: PackResult) -> None:
    """Record that a pack is ready, or why it is not; outdated, ask for it again."""
    revision_id = UUID(str(result.revision_id))
    if is_outdated(result) and _renew_pack(revision_id=revision_id):
        return
    finish_pack(
        actor=SYSTEM,
        revision_id=revision_id,
        ready=result.state == "ready",
        reason=result.reason,
    )


def _renew_pack(*, revision_id: UUID) -> bool:
    """Ask for a pack whose request had waited too long; False when it has failed."""
    renewal = renew_pack(actor=SYSTEM, revision_id=revision_id)
    if renewal is Renewal.SEND:
        request_pack(revision_id=revision_id)
    return renewal is not Renewal.FAIL


# --- inference


@transaction.atomic
def request_inference(*, revision_id: UUID, cause: str = "ai") -> None:
    """Open the runs of a revision and send those that wait to the GPU queue."""
    opened = open_runs(actor=SYSTEM, revision_id=revision_id)
    for run_id in opened.run_ids:
        send_run(run_id=run_id)
    for run_id in opened.rejected_ids:
        export_soon(run_id=run_id)
    show_ai(revision_id=revision_id, refusals=opened.refusals, cause=cause)


def settle_slots(*, site_id: UUID) -> int:
    """Let what nobody has begun to read be read by the slots that hold now.

    Returns:
        How many studies are read otherwise.
    """
    waiting = unsettled_ids(site_id=site_id)
    if not waiting:
        return 0
    settled = [
        settle_revision(revision_id=revision_id)
        for revision_id in unread_revisions(site_id=site_id)
    ]
    note_settled(site_id=site_id, slot_ids=waiting)
    return sum(settled)


@transaction.atomic
def settle_revision(*, revision_id: UUID) -> bool:
    """Read one study anew, unless somebody has begun to read it."""
    if not unread_items(revision_id=revision_id):
        return False
    if not adopt_slots(revision_id=revision_id):
        return False
    request_inference(revision_id=revision_id, cause="slot")
    return True


@transaction.atomic
def send_run(*, run_id: UUID) -> None:
    """Send one run to the GPU queue, unless it has ended or was just sent."""
    run = start_run(actor=SYSTEM, run_id=run_id)
    if run is None:
        return
    if run.state in FINAL_STATES:
        show_ai(revision_id=run.revision_id)
        export_soon(run_id=run.id)
        return
    ask_result(run=run)


@transaction.atomic
def hurry_runs(*, revision_id: UUID) -> None:
    """Ask again, as urgently as the study is now, for what nobody has answered yet.

    The earlier request stays in its place: whichever comes first is answered, and the
    other one's answer is that of a run that has ended.
    """
    for run in inference.unanswered_runs(revision_id=revision_id):
        ask_result(run=run)


@transaction.atomic
def accept_result(*, result: InferResult) -> None:
    """Record a worker's answer once, rank the study again, and export it.

    An answer that says that the request's token had ended is none: it is sent again.
    """
    if is_outdated(result) and _renew(run_id=UUID(result.run_id)):
        return
    _accept([result])


def _renew(*, run_id: UUID) -> bool:
    """Send a request that had waited too long once more; False when it has failed."""
    renewal = renew_run(actor=SYSTEM, run_id=run_id)
    if renewal is Renewal.SEND:
        send_run(run_id=run_id)
        show_ai(revision_id=inference.run_of(actor=SYSTEM, run_id=run_id).revision_id)
    return renewal is not Renewal.FAIL


def accept_results(*, results: Sequence[InferResult]) -> None:
    """Do the same with several answers in one go.

    Where that fails each is recorded by itself, so that only the answer at fault is
    not; the sweep asks for that one again.
    """
    together = [one for one in results if not is_outdated(one)]
    alone = [one for one in results if is_outdated(one)]
    try:
        with transaction.atomic():
            _accept(together)
    except (DomainError, DatabaseError):
        if len(results) == 1:
            raise
        alone = list(results)
    _accept_each(alone)


def _accept_each(results: Sequence[InferResult]) -> None:
    refused: DomainError | DatabaseError | None = None
    for result in results:
        try:
            accept_result(result=result)
        except (DomainError, DatabaseError) as error:
            log.warning("an answer was not recorded: %s", type(error).__name__)
            refused = error
    if refused is not None:
        raise refused


def _accept(results: Sequence[InferResult]) -> None:
    runs = record_results(actor=SYSTEM, results=results)
    if not runs:
        return
    show_ai_of(revision_ids=[run.revision_id for run in runs])
    export_each_soon(run_ids=[run.id for run in runs])
    ask_comparisons(runs=runs)
    ask_explanations(runs=runs)


# --- reading


@transaction.atomic
def commit_item(
    *, actor: Actor, item_id: UUID, expected_version: int, raw: object
) -> Reading:
    """End the unaided read of an item; from now on its reader sees the AI."""
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.READING_WRITE, lock=True
    )
    require_lease(actor=actor, item=item)
    if item.reading is None:
        raise Conflict("lease_lost", "Nobody has begun a reading of this study.")
    before = item.reading.version
    reading = commit_reading(
        actor=actor,
        reading_id=item.reading.id,
        expected_version=expected_version,
        raw=raw,
        ai_state=item.ai_state,
        findings=live_findings(item=item),
    )
    if reading.version != before:
        announce_item(item=item)
    return reading


@transaction.atomic
def sign_item(
    *,
    actor: Actor,
    item_id: UUID,
    expected_version: int,
    raw: object,
    told: object = None,
) -> Reading:
    """Sign the reading of an item, complete the item, and export the verdict.

    `told` says of its critical findings who was told (`critical.types.parse_told`);
    those that it leaves out stay open, with a reminder.
    """
    item = access_item(
        actor=actor, item_id=item_id, need=Permission.READING_SIGN, lock=True
    )
    require_lease(actor=actor, item=item)
    if item.reading is None:
        raise Conflict("lease_lost", "Nobody has begun a reading of this study.")
    findings = shown_findings(actor=actor, item=item)
    reading = sign_reading(
        actor=actor,
        reading_id=item.reading.id,
        expected_version=expected_version,
        raw=settle_report(actor=actor, item=item, raw=raw, findings=findings),
        findings=findings,
    )
    complete_item(actor=actor, item_id=item.id, reading=reading)
    raise_critical(actor=actor, item=item, reading=reading, told=told)
    enqueue(Step.EXPORT_READING, reading_id=str(reading.id))
    return reading


# --- the sweep: the row's state is the truth, the queue is a hint


def sweep() -> dict[str, int]:
    """Find what was lost on the way and set it going again."""
    now = clock.now()
    found: dict[str, list[Any]] = {
        "arrivals": studies.retries_due(now=now, limit=BATCH),
        "unasked": unasked_revisions(before=now - LOST_AFTER, limit=BATCH),
        "packs": studies.stale_packs(
            absent_before=now - LOST_AFTER,
            building_before=now - _patience(queue=QUEUE_PIXELS, alone=PACK_STALE),
            limit=BATCH,
        ),
        "runs": inference.stale_runs(
            unsent_before=now - LOST_AFTER,
            sent_before=now - _patience(queue=QUEUE_GPU, alone=RUN_STALE),
            limit=BATCH,
        ),
        "slots": unsettled_sites(before=now - LOST_AFTER, limit=BATCH),
        "exports": exports_due(
            now=now,
            before=now - LOST_AFTER,
            results_before=now
            - _patience(queue=EXPORT_QUEUE, alone=LOST_AFTER + GO_FIRST),
            limit=BATCH,
        ),
    }
    _attempt(notice_deleted)
    for quarantine_id in decisions.accepting():
        _attempt(finish_accept, quarantine_id=quarantine_id)
    for archive_id in found["arrivals"]:
        _attempt(take_one, archive_id=archive_id)
    for revision_id in found["unasked"]:
        _attempt(request_inference, revision_id=revision_id)
    for revision_id in found["packs"]:
        _attempt(request_pack, revision_id=revision_id)
    for study_id in packs_to_remove(limit=BATCH):
        _attempt(remove_packs, study_id=study_id)
    for run_id in found["runs"]:
        _attempt(send_run, run_id=run_id)
    _attempt(send_waiting, now=now, limit=BATCH)
    _attempt(send_overdue, now=now, limit=BATCH)
    _attempt(sweep_explanations, now=now, limit=BATCH)
    again = [(Step.SETTLE_SLOTS, "site_id", site_id) for site_id in found["slots"]]
    for step, field, source_id in [*again, *found["exports"]]:
        _attempt(_send_again, step=step, field=field, source_id=source_id)
    return {name: len(rows) for name, rows in found.items()}


def _send_again(*, step: Step, field: str, source_id: UUID) -> None:
    if step is Step.EXPORT_RESULT:
        export_soon(run_id=source_id)
    else:
        given: dict[str, Any] = {field: str(source_id)}
        if step is Step.EXPORT_COMPARISON:
            given |= {"queue": EXPORT_QUEUE, "priority": LAST}
        enqueue(step=step, **given)


def _patience(*, queue: str, alone: timedelta) -> timedelta:
    """Return after how long a request counts as lost.

    While others wait in the queue it is most likely one of them: sending it again
    would only make the queue longer. An empty queue has lost it.
    """
    return alone if messages_waiting(queue) == 0 else LOST_IN_A_QUEUE


def expire_leases() -> int:
    """Put items whose lease ran out back on the list; their drafts stay."""
    ended = expired_leases(now=clock.now(), limit=BATCH)
    for item_id in ended:
        _attempt(expire_lease, actor=SYSTEM, item_id=item_id)
    return len(ended)


def _attempt(verb: Callable[..., object], **kwargs: object) -> None:
    """Do one of several things; its failure is logged and never stops the others."""
    try:
        verb(**kwargs)
    except (ArchiveError, DomainError, DatabaseError) as error:
        log.warning("%s failed: %s", verb.__name__, type(error).__name__)


def revision_of_study(*, study_uid: str) -> StudyRevision | None:
    """Return the newest revision of a study, for the story and for imports."""
    study = studies.find_study(study_uid=study_uid)
    return study.revisions.order_by("-number").first() if study else None
