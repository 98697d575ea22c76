"""A request that waited until its token had ended is sent again, and answered once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.errors import Forbidden, NotFound
from apps.inference.models import Finding, InferenceRun
from apps.inference.services import RUN_MAX_ATTEMPTS
from apps.reports.models import ExportedObject
from apps.studies.machine import LIFETIME_S, read_token
from apps.studies.renewing import MAX_RENEWALS
from apps.workflow import flow
from tests.factories.domain import answer, make_item, make_model
from workers.attempts import LOST
from workers.contracts import OUTDATED, InferRequest, InferResult

pytestmark = pytest.mark.django_db
DAY = timedelta(seconds=LIFETIME_S + 1)


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Do something, and what waits for its commit."""

    def do(step, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return step(**kwargs)

    return do


@pytest.fixture
def item(department, broker, committed):
    make_model(department.site)
    found = make_item(department)
    committed(flow.request_inference, revision_id=found.case.revision_id)
    return found


@pytest.fixture
def run(item):
    return InferenceRun.objects.select_related("model_version").get()


def sent(broker):
    return [InferRequest.from_message(one["request"]) for _, one in broker.take("gpu")]


def outdated(run):
    return InferResult(
        run_id=str(run.id),
        package_hash=run.model_version.package_hash,
        state="failed",
        reason=OUTDATED,
    )


def wait_a_day(run, by=DAY):
    InferenceRun.objects.filter(id=run.id).update(requested_at=clock.now() - by)


def test_it_is_sent_again_with_a_fresh_token_and_is_under_way(
    run, item, broker, committed, monkeypatch
):
    (first,) = sent(broker)
    wait_a_day(run)
    tomorrow = clock.now() + DAY
    monkeypatch.setattr("time.time", tomorrow.timestamp)
    with pytest.raises(Forbidden, match="has ended"):
        read_token(token=first.token)
    committed(flow.accept_results, results=[outdated(run)])
    (again,) = sent(broker)
    assert (again.run_id, again.package_hash) == (first.run_id, first.package_hash)
    scope = read_token(token=again.token)
    assert (scope.request_id, scope.revision_id) == (str(run.id), run.revision_id)
    run.refresh_from_db()
    assert (run.state, run.attempts, run.renewals) == ("running", 1, 1)
    item.refresh_from_db()
    assert item.ai_state == "running"
    (record,) = AuditRecord.objects.filter(event="inference:renew")
    assert (record.object_id, record.detail["renewals"]) == (run.id, 1)
    assert not AuditRecord.objects.filter(event="inference:result").exists()


def test_of_several_that_waited_alike_one_is_sent_and_one_result_kept(
    run, item, broker, committed
):
    sent(broker)
    wait_a_day(run)
    committed(flow.accept_results, results=[outdated(run), outdated(run)])
    committed(flow.accept_results, results=[outdated(run)])
    assert len(sent(broker)) == 1
    for _ in range(2):
        committed(flow.accept_results, results=[answer(run)])
    committed(flow.accept_results, results=[outdated(run)])
    run.refresh_from_db()
    assert (run.state, run.renewals) == ("done", 1)
    assert InferenceRun.objects.count() == 1
    labels = Finding.objects.filter(run=run).values_list("label_code", flat=True)
    assert len(labels) == len(set(labels)) > 0
    assert AuditRecord.objects.filter(event="inference:result").count() == 1
    assert sent(broker) == []
    assert ExportedObject.objects.count() <= 1


def test_what_was_given_up_for_want_of_an_answer_is_taken_up_again(
    run, item, broker, committed
):
    InferenceRun.objects.update(attempts=RUN_MAX_ATTEMPTS)
    wait_a_day(run, by=timedelta(hours=2))
    committed(flow.send_run, run_id=run.id)
    run.refresh_from_db()
    assert (run.state, run.reason[:9]) == ("failed", "no answer")
    item.refresh_from_db()
    assert item.ai_state == "failed"
    sent(broker)
    wait_a_day(run)
    committed(flow.accept_results, results=[outdated(run)])
    assert len(sent(broker)) == 1
    item.refresh_from_db()
    assert item.ai_state == "running"
    committed(flow.accept_results, results=[answer(run)])
    item.refresh_from_db()
    assert item.ai_state == "done"


def test_what_kills_workers_is_not_taken_up_again(run, broker, committed):
    poison = outdated(run)
    lost = InferResult(
        run_id=poison.run_id,
        package_hash=poison.package_hash,
        state="failed",
        reason=LOST,
    )
    committed(flow.accept_results, results=[lost])
    sent(broker)
    wait_a_day(run)
    committed(flow.accept_results, results=[poison])
    run.refresh_from_db()
    assert (run.state, run.reason, sent(broker)) == ("failed", LOST, [])


def test_it_ends(run, item, broker, committed):
    for number in range(1, MAX_RENEWALS + 1):
        sent(broker)
        wait_a_day(run)
        committed(flow.accept_results, results=[outdated(run)])
        run.refresh_from_db()
        assert (run.state, run.renewals) == ("running", number)
    sent(broker)
    wait_a_day(run)
    committed(flow.accept_results, results=[outdated(run)])
    run.refresh_from_db()
    assert (run.state, run.reason, sent(broker)) == ("failed", OUTDATED, [])
    item.refresh_from_db()
    assert (item.ai_state, item.ai_reason) == ("failed", OUTDATED)
    assert AuditRecord.objects.filter(event="inference:renew").count() == MAX_RENEWALS


def test_what_nobody_wants_any_more_is_not_sent_again(run, broker, committed):
    sent(broker)
    wait_a_day(run)
    InferenceRun.objects.update(set_aside_at=clock.now())
    committed(flow.accept_results, results=[outdated(run)])
    run.refresh_from_db()
    assert (run.state, sent(broker)) == ("failed", [])


def test_neighbours_in_one_message_are_recorded(run, department, broker, committed):
    other = make_item(department)
    committed(flow.request_inference, revision_id=other.case.revision_id)
    beside = InferenceRun.objects.exclude(id=run.id).select_related("model_version")
    sent(broker)
    wait_a_day(run)
    committed(flow.accept_results, results=[outdated(run), answer(beside.get())])
    assert beside.get().state == "done"
    (request,) = sent(broker)
    assert request.run_id == str(run.id)


def test_an_answer_of_no_run_is_refused(db):
    strange = InferResult(
        run_id="1c6de3a5-6a8f-4c43-9a62-6f0d2ed7a4c1",
        package_hash="0" * 64,
        state="failed",
        reason=OUTDATED,
    )
    with pytest.raises(NotFound):
        flow.accept_result(result=strange)
