"""How the parts of the story are, for the health page."""

from __future__ import annotations

import shutil
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db.models import Min

from apps.core import clock
from apps.core.health import State, register
from apps.inference.models import InferenceRun, ModelImport
from apps.inference.types import UNDER_WAY, ImportState, RunState
from apps.reports.models import ExportedObject, ExportState
from apps.studies.archive import quick_archive
from apps.studies.models import ArrivalFailure
from apps.studies.selectors import arrival_cursor
from apps.workflow.models_health import check_models

SILENT = timedelta(seconds=30)
WORKERS = ("portal", "imports", "pixels", "gpu")
LONG_WAIT = timedelta(minutes=30)


def check_archive() -> tuple[State, str]:
    """Is Orthanc there?"""
    return State.OK, f"Orthanc {quick_archive().ping()}"


def check_arrivals() -> tuple[State, str]:
    """Is somebody reading the archive's change list?"""
    cursor = arrival_cursor()
    if cursor is None or cursor.looked_at is None:
        return State.DEGRADED, "No arrivals were looked for yet."
    silent = clock.now() - cursor.looked_at
    failures = ArrivalFailure.objects.count()
    words = f"Looked {int(silent.total_seconds())} s ago, to be tried again: {failures}"
    if silent > SILENT:
        return State.DOWN, f"{words}. Is the scheduler running?"
    return (State.DEGRADED if failures else State.OK), words


def check_workers() -> tuple[State, str]:
    """Which workers answer?"""
    answers = current_app.control.ping(timeout=0.7)
    names = {name.partition("@")[0] for answer in answers or [] for name in answer}
    missing = [name for name in WORKERS if name not in names]
    if missing:
        return State.DEGRADED, f"No answer from: {', '.join(missing)}"
    return State.OK, f"Answering: {', '.join(sorted(names))}"


def check_inference() -> tuple[State, str]:
    """How much waits for the models?"""
    waiting = InferenceRun.objects.filter(
        state__in=[RunState.QUEUED, RunState.RUNNING]
    ).count()
    failed = InferenceRun.objects.filter(state=RunState.FAILED).count()
    state = State.DEGRADED if failed else State.OK
    return state, f"Runs waiting: {waiting}, given up: {failed}"


def check_imports() -> tuple[State, str]:
    """How much waits to be imported as a model, and since when?"""
    under_way = ModelImport.objects.filter(state__in=list(UNDER_WAY))
    running = under_way.filter(state=ImportState.RUNNING).count()
    waiting = under_way.filter(state=ImportState.WAITING)
    words = f"Imports of models running: {running}, waiting: {waiting.count()}"
    oldest = waiting.aggregate(at=Min("asked_at"))["at"]
    if oldest is None:
        return State.OK, words
    since = clock.now() - oldest
    minutes = int(since.total_seconds() // 60)
    long = since > LONG_WAIT and not running
    return (
        State.DEGRADED if long else State.OK,
        f"{words}; the oldest for {minutes} min",
    )


def check_exports() -> tuple[State, str]:
    """Does everything of ours leave for the archive, checked?"""
    if shutil.which(settings.DCIODVFY) is None:
        return (
            State.DOWN,
            "dciodvfy is missing, nothing can leave: install dicom3tools.",
        )
    failed = ExportedObject.objects.filter(state=ExportState.FAILED).count()
    waiting = ExportedObject.objects.filter(state=ExportState.PENDING).count()
    state = State.DEGRADED if failed else State.OK
    return state, f"Objects waiting: {waiting}, failed: {failed}"


def register_checks() -> None:
    """Put these parts on the health page."""
    register("archive", check_archive)
    register("arrivals", check_arrivals)
    register("workers", check_workers)
    register("inference", check_inference)
    register("models", check_models)
    register("imports", check_imports)
    register("exports", check_exports)
