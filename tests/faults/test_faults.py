"""Bad days, on the real stack: nothing is lost, nothing happens twice.

Each test counts what was sent and what arrived, then holds the archive, the portal's
rows, the runs and the audit log against each other (`Running.check_balance`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from celery import Celery

from apps.core.steps import Step
from tests.faults.running import (
    make_bystanders,
    make_films,
    make_study,
    pictures,
    wait_until,
)

if TYPE_CHECKING:
    from tests.faults.running import Running

pytestmark = [pytest.mark.stack, pytest.mark.real_data]


def ask_for_arrivals(running: Running, times: int) -> None:
    """Tell the portal `times` times, at once, that something arrived."""
    app = Celery(broker=running.env["REDIS_URL"])
    for _ in range(times):
        app.send_task(Step.TAKE_ARRIVALS.value, queue="portal")


# --- processes that die


def test_a_gpu_worker_killed_during_inference(running):
    films = make_films(4)
    running.send(films)
    running.wait_running(films)
    running.kill("worker-gpu")
    running.wait_done(films)
    running.check_once(films)
    running.check_balance()


def test_a_portal_worker_killed_while_studies_arrive(running):
    films = make_films(4)
    running.send(films)
    running.kill("worker-portal")
    running.wait_done(films)
    running.check_once(films)
    running.check_balance()


def test_the_portal_is_down_while_200_studies_arrive(running):
    """Frozen while they come, killed, started again: it takes all of them."""
    studies = [*make_films(20), *make_bystanders(180)]
    parts = ("portal", "sockets", "worker-portal", "beat")
    with running.stopped(*parts):
        running.send(studies)
        assert running.known(studies) == 0
        for part in parts:
            running.kill(part)
    running.wait_back(*parts)
    took = running.wait_done(studies)
    running.check_once(studies)
    running.say(f"200 sent, {running.known(studies)} on the list, {took:.0f} s")
    running.check_balance()


def test_killed_between_commit_and_publish(running):
    """The rows are committed, Redis is silent, and the worker dies waiting for it."""
    films = make_films(4)
    with running.stopped_redis_at_commit(films):
        assert running.known(films) > 0
        assert running.states(films) == [], "the next step was not told to anybody"
        running.kill("worker-portal")
    running.wait_back("worker-portal")
    running.wait_done(films)
    running.check_once(films)
    running.check_balance()


# --- messages that are lost, or come again


def test_redis_emptied_while_studies_wait(running):
    films = make_films(4)
    running.send(films)
    running.wait_running(films)
    running.redis().flushall()
    running.wait_done(films)
    running.check_once(films)
    running.check_balance()


def test_one_event_delivered_five_times_at_once(running):
    """The change list is read again from its start, by five at a time."""
    films = make_films(2)
    with running.stopped("worker-portal"):
        running.send(films)
        wait_until(
            lambda: all(running.archive_studies().values()), "the archive is quiet"
        )
        ask_for_arrivals(running, 5)
    ask_for_arrivals(running, 5)
    running.wait_done(films)
    running.check_once(films)
    before = running.check_balance()
    running.rows("UPDATE studies_arrivalcursor SET seq = 0 RETURNING seq")
    ask_for_arrivals(running, 5)
    wait_until(
        lambda: running.count("SELECT seq FROM studies_arrivalcursor") > 0,
        "the list was read",
    )
    time.sleep(3)
    running.check_once(films)
    assert running.check_balance() == before


def test_the_list_of_changes_cleared(running):
    """An operator empties Orthanc's change list, before and after studies came."""
    before, after = make_films(2), make_films(2)
    with running.stopped("worker-portal", "beat"), running.archive() as archive:
        running.send(before)
        wait_until(
            lambda: all(running.archive_studies().values()), "the archive is quiet"
        )
        archive.delete("/changes").raise_for_status()
        running.send(after)
    running.wait_done([*before, *after])
    running.check_once([*before, *after])
    running.check_balance()


# --- the archive


def test_the_archive_stopped_for_a_minute(running):
    films = make_films(4)
    running.send(films)
    with running.stopped("orthanc"):
        time.sleep(60)
    more = make_films(2)
    running.send(more)
    running.wait_done(films + more)
    running.check_once(films + more)
    running.check_balance()


def test_late_images_make_a_new_revision(running, reader):
    """Images after the study was complete: superseded, never changed in place."""
    first = make_films(1)
    running.send(first)
    running.wait_done(first)
    running.check_once(first)
    was = reader.row_of(first[0].patient_id)
    late = make_study(
        pictures(2)[1], study_uid=first[0].uid, patient_id=first[0].patient_id
    )
    running.send([late])
    query = """
        SELECT count(*) FROM studies_studyrevision r
        JOIN studies_study s ON s.id = r.study_id WHERE s.study_uid = %s
    """
    wait_until(
        lambda: running.count(query, first[0].uid) == 2, "there is a second revision"
    )
    wait_until(
        lambda: (
            len(running.states(first)) == 2
            and all(s[1:] == ("done", "stored") for s in running.states(first))
        ),
        lambda: str(running.states(first)),
    )
    running.check_once(first, revisions=2)
    row = reader.row_of(first[0].patient_id)
    assert was is not None
    assert row is not None
    assert row["study"]["revision"] == 2
    assert row["study"]["n_images"] == 2
    assert row["id"] != was["id"]
    before = running.check_balance()
    running.send([*first, late])
    time.sleep(5)
    assert running.check_balance() == before, "the same again changes nothing"
