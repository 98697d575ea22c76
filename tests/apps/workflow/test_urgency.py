"""The models' queue: by the study's band, hurried when it is raised, and how it is."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from threading import Semaphore

import pytest
import redis
from django.conf import settings as django_settings

from apps.accounts.models import Role
from apps.core import clock, queue
from apps.core.queue import messages_kept, waiting_by_priority
from apps.core.steps import Step
from apps.inference.models import InferenceRun, ModelImport
from apps.interop.types import ArchiveError
from apps.workflow import exporting, flow, tasks
from apps.workflow.health import WORKERS, check_imports
from apps.workflow.models_health import check_models
from tests.factories.domain import (
    answer,
    client_for,
    make_item,
    make_model,
    make_person,
)
from workers.announcing import Listener
from workers.contracts import (
    CHANNEL_URGENT,
    QUEUE_GPU,
    TASK_INFER,
    InferRequest,
    worker_key,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(department, tmp_path, settings):
    settings.ARTEFACTS_DIR = tmp_path
    make_model(department.site)
    return make_item(department)


@pytest.fixture
def reader(department):
    return client_for(
        make_person(site=department.site, role=Role.RADIOLOGIST, name="rita")
    )


@pytest.fixture
def sent(django_capture_on_commit_callbacks):
    """Return what a verb sends, in order."""

    def _sent(verb, **given):
        with messages_kept() as kept, django_capture_on_commit_callbacks(execute=True):
            verb(**given)
        return kept

    return _sent


def asked(messages):
    return [
        (InferRequest.from_message(m.kwargs["request"]).priority, m.priority)
        for m in messages
        if m.name == TASK_INFER
    ]


def raise_band(reader, item, band):
    answered = reader.post(
        f"/api/worklist/items/{item.id}/band",
        {"band": band, "reason_code": "clinical_info", "reason_text": ""},
        content_type="application/json",
    )
    assert answered.status_code == 200, answered.content


def test_a_study_is_asked_for_as_urgently_as_it_is(item, sent):
    messages = sent(flow.request_inference, revision_id=item.case.revision_id)
    assert asked(messages) == [(6, 6)]


def test_a_study_that_becomes_stat_while_it_waits_is_asked_for_again(
    item, reader, sent
):
    sent(flow.request_inference, revision_id=item.case.revision_id)
    assert asked(sent(raise_band, reader=reader, item=item, band="PRIORITY")) == [
        (3, 3)
    ]
    assert asked(sent(raise_band, reader=reader, item=item, band="STAT")) == [(0, 0)]
    assert asked(sent(raise_band, reader=reader, item=item, band="ROUTINE")) == []
    assert InferenceRun.objects.get().attempts == 1


def test_what_has_its_answer_is_not_asked_for_again(item, reader, sent):
    sent(flow.request_inference, revision_id=item.case.revision_id)
    flow.accept_result(result=answer(InferenceRun.objects.get()))
    assert asked(sent(raise_band, reader=reader, item=item, band="STAT")) == []


def test_results_go_on_record_before_objects_are_written(item, sent):
    sent(flow.request_inference, revision_id=item.case.revision_id)
    messages = sent(flow.accept_result, result=answer(InferenceRun.objects.get()))
    assert [(m.name, m.priority) for m in messages if m.name == Step.EXPORT_RESULT] == [
        (Step.EXPORT_RESULT, 9)
    ]


def test_what_went_on_record_together_is_written_by_one_message(
    department, item, sent, monkeypatch
):
    items = [item, make_item(department), make_item(department)]
    for one in items:
        flow.request_inference(revision_id=one.case.revision_id)
    runs = list(InferenceRun.objects.order_by("id"))
    messages = sent(flow.accept_results, results=[answer(run) for run in runs])
    (message,) = [m for m in messages if m.name.startswith("workflow.export_result")]
    assert (message.name, message.priority) == (Step.EXPORT_RESULTS, 9)
    assert message.kwargs == {"run_ids": [str(run.id) for run in runs]}

    written = []

    def write(*, actor, run_id):
        written.append(run_id)
        if run_id == runs[1].id:
            raise ArchiveError("the archive is away")

    monkeypatch.setattr(exporting, "export_result", write)
    exporting.send_results(run_ids=[run.id for run in runs])
    assert written == [run.id for run in runs], "one that fails keeps nobody else back"


@pytest.fixture
def written(department, item, sent, monkeypatch):
    """Two studies asked for, the first answered: its run, the other's, and a clock."""
    other = make_item(department)
    for one in (item, other):
        sent(flow.request_inference, revision_id=one.case.revision_id)
    first, second = InferenceRun.objects.order_by("created_at")
    sent(flow.accept_result, result=answer(first))
    first.refresh_from_db()
    return first, second, Pauses(monkeypatch)


class Pauses:
    """A clock that only pauses move."""

    def __init__(self, monkeypatch):
        self.n, self.then, self._now = 0, lambda: None, clock.now()
        monkeypatch.setattr(clock, "now", lambda: self._now)

    def __call__(self, seconds):
        self.n += 1
        self._now += timedelta(seconds=seconds)
        self.then()


def test_reports_wait_while_models_have_studies_in_hand(written, sent):
    first, second, pauses = written
    pauses.then = lambda: (
        pauses.n == 3 and sent(flow.accept_result, result=answer(second))
    )
    exporting.let_models_go_first(run_ids=[first.id], pause=pauses)
    assert pauses.n == 3
    exporting.let_models_go_first(run_ids=[first.id], pause=pauses)
    assert pauses.n == 3, "where models are idle nothing waits"


def test_reports_are_written_all_the_same_where_models_are_never_idle(written):
    first, _, pauses = written
    exporting.let_models_go_first(run_ids=[first.id], pause=pauses)
    assert pauses.n * exporting.GO_FIRST_LOOK_S == pytest.approx(
        exporting.GO_FIRST.total_seconds(), abs=1
    )
    waited = pauses.n
    exporting.let_models_go_first(run_ids=[first.id], pause=pauses)
    assert pauses.n == waited, "what is that old waits no more"


def test_only_a_worker_that_may_wait_lets_models_go_first(written, monkeypatch):
    first, _, _ = written
    asked_of, exported = [], []
    monkeypatch.setattr(
        exporting, "let_models_go_first", lambda *, run_ids: asked_of.append(run_ids)
    )
    monkeypatch.setattr(
        exporting, "send_result", lambda *, run_id: exported.append(run_id)
    )
    for niceness in ("0", "5"):
        monkeypatch.setenv("OVERREAD_WORKER_NICENESS", niceness)
        tasks.export_result(run_id=str(first.id))
        tasks.export_results(run_ids=[str(first.id)])
    assert asked_of == [[first.id]] * 2
    assert exported == [first.id] * 4


# --- announced


@pytest.fixture
def heard():
    """Listen as a worker of models does; what it hears is counted."""
    said = Semaphore(0)
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    before = _listeners(client)
    listener = Listener(broker_url=django_settings.REDIS_URL, heard=said.release)
    listener.start()
    deadline = time.monotonic() + 20
    while _listeners(client) <= before:
        assert time.monotonic() < deadline, "nobody listens"
        time.sleep(0.01)
    yield lambda within_s: said.acquire(timeout=within_s)
    listener.stop()


def _listeners(client):
    return dict(client.pubsub_numsub(CHANNEL_URGENT))[CHANNEL_URGENT.encode()]


def test_what_is_to_be_stat_is_announced_to_the_models_at_once(
    department, item, reader, heard
):
    raise_band(reader, item, "PRIORITY")
    assert not heard(0.2)
    raise_band(reader, item, "STAT")
    assert heard(10)
    admin = make_person(site=department.site, role=Role.ADMIN, name="adm")
    answered = client_for(admin).post(
        f"/api/worklist/items/{item.id}/band",
        {"band": "STAT", "reason_code": "clinical_info", "reason_text": ""},
        content_type="application/json",
    )
    assert answered.status_code == 403
    assert not heard(0.2), "nobody makes the models wait who may not band"


def test_a_study_is_made_stat_although_nobody_can_be_told(item, reader, monkeypatch):
    away = redis.Redis.from_url("redis://127.0.0.1:1/0")
    monkeypatch.setattr(queue, "_announcer", lambda: away)
    raise_band(reader, item, "STAT")
    item.refresh_from_db()
    assert item.band == "STAT"


# --- how it is


@pytest.fixture
def client():
    found = redis.Redis.from_url(django_settings.REDIS_URL)
    keys = [worker_key("gpu@here"), *_lists()]
    found.delete(*keys)
    yield found
    found.delete(*keys)


def _lists():
    return [QUEUE_GPU, *(f"{QUEUE_GPU}\x06\x16{step}" for step in (3, 6, 9))]


def test_the_queue_is_counted_by_urgency(client):
    for name, n in zip(_lists(), (1, 2, 3, 0), strict=True):
        for _ in range(n):
            client.lpush(name, "x")
    assert waiting_by_priority(client, QUEUE_GPU) == {0: 1, 3: 2, 6: 3, 9: 0}
    state, words = check_models()
    assert words.startswith("Waiting: STAT 1, PRIORITY 2, ROUTINE 3.")
    assert (state, "No worker tells" in words) == ("degraded", True)


def test_a_worker_says_how_it_is(client, item, monkeypatch):
    flow.request_inference(revision_id=item.case.revision_id)
    asked_at = InferenceRun.objects.get().created_at
    monkeypatch.setattr(clock, "now", lambda: asked_at + timedelta(seconds=7))
    told = {
        "device": "cpu (2 threads)",
        "models": [["paediatric-pneumonia 1.0", 3 << 20]],
        "batches": 4,
        "images": 26,
        "memory_mb": 700,
        "in_hand": 5,
        "restarts": 1,
        "per_minute": 61.5,
        "answers": {"done": 24, "failed": 2},
    }
    client.set(worker_key("gpu@here"), json.dumps(told))
    state, words = check_models()
    assert state == "ok"
    assert "; the oldest for 7 s." in words
    assert words.endswith(
        "gpu@here (cpu (2 threads)): in hand 5, 61.5 studies a minute, 4 batches of 6.5"
        " images, models: paediatric-pneumonia 1.0 3.0 MB, memory 700 MB, given up 2,"
        " started again 1 times."
    )


def test_the_health_page_tells_of_imports_that_wait(department):
    assert check_imports() == ("ok", "Imports of models running: 0, waiting: 0")
    person = make_person(site=department.site, role=Role.ADMIN, name="adm")
    asked_at = clock.now() - timedelta(minutes=45)
    waiting = ModelImport.objects.create(by=person, state="waiting", asked_at=asked_at)
    state, words = check_imports()
    assert (state, words) == (
        "degraded",
        "Imports of models running: 0, waiting: 1; the oldest for 45 min",
    )
    ModelImport.objects.create(by=person, state="running", asked_at=asked_at)
    assert check_imports()[0] == "ok", "one at a time: it waits its turn"
    waiting.delete()
    assert "imports" in WORKERS
