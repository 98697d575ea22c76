"""Packs, comparisons and fillings that waited until their token had ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.test import Client

from apps.annotations.models import Reading, SegmentInterpolation
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.errors import Forbidden
from apps.inference.models import Comparison, InferenceRun, Slot
from apps.studies.machine import LIFETIME_S, read_token
from apps.studies.models import Study, StudyRevision
from apps.studies.renewing import MAX_RENEWALS
from apps.workflow import flow
from apps.workflow.longitudinal.comparing import accept_comparison, send_comparison
from apps.workflow.segments.interpolation import accept_filled, send_interpolation
from tests.factories.domain import make_item, make_model, make_revision
from workers.attempts import LOST
from workers.compare_contracts import CompareRequest, CompareResult
from workers.contracts import OUTDATED, PackRequest, PackResult
from workers.packs.isolation import IsolatedDecoder
from workers.segment_contracts import InterpolateRequest, InterpolateResult
from workers.settings import read_settings
from workers.tasks_compare import compare
from workers.tasks_pixels import make_pack
from workers.tasks_segments import interpolate

pytestmark = pytest.mark.django_db
DAY = timedelta(seconds=LIFETIME_S + 1)


class Portal(httpx.BaseTransport):
    """The portal itself, as a worker's HTTP reaches it."""

    def handle_request(self, request):
        answer = Client().generic(
            request.method,
            request.url.path,
            request.read(),
            headers={"Authorization": request.headers["Authorization"]},
        )
        return httpx.Response(answer.status_code, content=answer.content)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of work: its row, how it is sent, done by a worker, and answered."""

    name: str
    row: Any
    prefix: str
    sent_at: str
    send: Any
    work: Any
    answer: Any
    gave_up: str
    unwant: Any

    def field(self, name):
        self.row.refresh_from_db()
        return getattr(self.row, self.prefix + name)

    def put(self, **fields):
        named = {self.prefix + key: value for key, value in fields.items()}
        type(self.row).objects.filter(id=self.row.id).update(**named)

    def wait(self, by=DAY):
        type(self.row).objects.filter(id=self.row.id).update(
            **{self.sent_at: clock.now() - by}
        )


def pack_kind(revision):
    def result(reason):
        return PackResult(
            request_id=f"pack-{revision.id}",
            revision_id=str(revision.id),
            state="failed",
            reason=reason,
        )

    return Kind(
        name="pack",
        row=StudyRevision.objects.get(id=revision.id),
        prefix="pack_",
        sent_at="pack_requested_at",
        send=lambda: flow.request_pack(revision_id=revision.id),
        work=lambda request: make_pack(
            PackRequest.from_message(request),
            settings=read_settings(),
            decoder=IsolatedDecoder(),
            transport=Portal(),
        ),
        answer=lambda reason: flow.accept_pack(result=result(reason)),
        gave_up="gave up after 5 attempts",
        unwant=lambda: Study.objects.update(deleted_at=clock.now()),
    )


def comparison_kind(department, revision, model):
    slot = Slot.objects.get(model_version=model)
    common = {"model_version": model, "slot": slot, "state": "done"}
    prior = InferenceRun.objects.create(revision=make_revision(department), **common)
    run = InferenceRun.objects.create(revision=revision, **common)
    row = Comparison.objects.create(run=run, prior_run=prior, days=40)

    def result(reason):
        return CompareResult(comparison_id=str(row.id), state="failed", reason=reason)

    return Kind(
        name="comparison",
        row=row,
        prefix="",
        sent_at="requested_at",
        send=lambda: send_comparison(comparison_id=row.id),
        work=lambda request: compare(
            CompareRequest.from_message(request),
            decoder=IsolatedDecoder(),
            transport=Portal(),
        ),
        answer=lambda reason: accept_comparison(result=result(reason)),
        gave_up="no worker answered",
        unwant=lambda: InferenceRun.objects.filter(id=prior.id).update(
            set_aside_at=clock.now()
        ),
    )


def segment_kind(department, item):
    reading = Reading.objects.create(
        revision=item.case.revision,
        protocol=item.case.protocol,
        reader=department.reader,
        saved_at=clock.now(),
    )
    row = SegmentInterpolation.objects.create(
        reading=reading,
        series_uid="1.2.3",
        rows=2,
        columns=2,
        number=1,
        slices={},
        asked_at=clock.now(),
    )

    def result(reason):
        return InterpolateResult(job_id=str(row.id), state="failed", reason=reason)

    return Kind(
        name="segment",
        row=row,
        prefix="",
        sent_at="asked_at",
        send=lambda: send_interpolation(job_id=row.id),
        work=lambda request: interpolate(
            InterpolateRequest.from_message(request), transport=Portal()
        ),
        answer=lambda reason: accept_filled(result=result(reason)),
        gave_up="No worker answered. Try again; what you drew is kept.",
        unwant=lambda: Reading.objects.update(state="signed", signed_at=clock.now()),
    )


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Do something, and what waits for its commit."""

    def do(step, *args):
        with django_capture_on_commit_callbacks(execute=True):
            return step(*args)

    return do


@pytest.fixture(params=["pack", "comparison", "segment"])
def kind(request, department, broker, committed):
    model = make_model(department.site)
    item = make_item(department)
    found = {
        "pack": lambda: pack_kind(item.case.revision),
        "comparison": lambda: comparison_kind(department, item.case.revision, model),
        "segment": lambda: segment_kind(department, item),
    }[request.param]()
    broker.take("pixels")
    committed(found.send)
    return found


def sent(broker):
    return [kwargs["request"] for _, kwargs in broker.take("pixels")]


def renewed(kind):
    return AuditRecord.objects.filter(event=f"{kind.name}:renew")


def test_a_worker_says_that_its_token_had_ended(kind, broker, monkeypatch):
    (request,) = sent(broker)
    tomorrow = (clock.now() + DAY).timestamp()
    monkeypatch.setattr("time.time", lambda: tomorrow)
    result = kind.work(request)
    assert (result.state, result.reason) == ("failed", OUTDATED)


def test_it_is_sent_again_with_a_fresh_token(kind, broker, committed, monkeypatch):
    (first,) = sent(broker)
    kind.wait()
    state, attempts = kind.field("state"), kind.field("attempts")
    tomorrow = (clock.now() + DAY).timestamp()
    monkeypatch.setattr("time.time", lambda: tomorrow)
    with pytest.raises(Forbidden, match="has ended"):
        read_token(token=first["token"])
    committed(kind.answer, OUTDATED)
    (again,) = sent(broker)
    tokens = {"token", "prior_token"}
    assert {key: first[key] for key in first.keys() - tokens} == {
        key: again[key] for key in again.keys() - tokens
    }
    for name in tokens & again.keys():
        read_token(token=again[name])
    assert (kind.field("state"), kind.field("attempts")) == (state, attempts)
    (record,) = renewed(kind)
    assert record.detail["renewals"] == kind.field("renewals") == 1


def test_of_several_that_waited_alike_one_is_sent(kind, broker, committed):
    sent(broker)
    kind.wait()
    for _ in range(3):
        committed(kind.answer, OUTDATED)
    assert len(sent(broker)) == 1
    assert kind.field("renewals") == 1
    assert kind.field("state") != "failed"


def test_what_was_given_up_for_want_of_an_answer_is_taken_up_again(
    kind, broker, committed
):
    sent(broker)
    kind.put(attempts=5)
    kind.wait(by=timedelta(hours=2))
    committed(kind.send)
    assert (kind.field("state"), kind.field("reason")) == ("failed", kind.gave_up)
    kind.wait()
    committed(kind.answer, OUTDATED)
    assert len(sent(broker)) == 1
    assert (kind.field("state") != "failed", kind.field("reason")) == (True, "")


def test_what_kills_workers_is_not_taken_up_again(kind, broker, committed):
    sent(broker)
    committed(kind.answer, LOST)
    kind.wait()
    committed(kind.answer, OUTDATED)
    assert (kind.field("state"), kind.field("reason")) == ("failed", LOST)
    assert sent(broker) == []


def test_it_ends(kind, broker, committed):
    for number in range(1, MAX_RENEWALS + 1):
        kind.wait()
        committed(kind.answer, OUTDATED)
        assert kind.field("renewals") == number
    sent(broker)
    kind.wait()
    committed(kind.answer, OUTDATED)
    assert (kind.field("state"), kind.field("reason")) == ("failed", OUTDATED)
    assert sent(broker) == []
    assert renewed(kind).count() == MAX_RENEWALS


def test_what_nobody_wants_any_more_is_not_sent_again(kind, broker, committed):
    sent(broker)
    kind.wait()
    kind.unwant()
    committed(kind.answer, OUTDATED)
    assert (kind.field("state"), sent(broker)) == ("failed", [])
    assert not renewed(kind).exists()
