"""Waiting: the published tables, the simulator against them, and its rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.measures.estimate import MeasureError
from workers.measures.queueing import (
    ReadingRoom,
    accumulating,
    fifo,
    nonpreemptive,
    preemptive,
)
from workers.measures.reading_room import (
    AccumulatingPriority,
    FirstCome,
    Place,
    Ranked,
    Roster,
    Stream,
    StrictPriority,
    daily_roster,
    every_day,
    poisson_stream,
    simulate,
    waited,
)
from workers.measures.triage_reader import TriageReader

# STATISTICS, "Triage as a queue": π .1, Se .9, FPF .1912, 10-minute reads.
SP = 1 - 0.1912


def room(load: float, readers: int = 1) -> ReadingRoom:
    return ReadingRoom(
        load=load, readers=readers, read_time=10, sensitivity=0.9, specificity=SP
    )


@pytest.mark.parametrize(
    ("load", "readers", "rule", "expected"),
    [
        (0.8, 1, preemptive, (40.000, 2.653, 53.264, -32.286)),
        (0.8, 1, nonpreemptive, (40.000, 10.122, 50.611, -25.829)),
        (0.8, 2, preemptive, (17.778, 0.460, 23.928, -14.971)),
        (0.5, 1, preemptive, (10.000, 1.508, 13.016, -7.341)),
    ],
)
def test_the_formulas_give_the_published_waits(load, readers, rule, expected):
    waits = rule(room=room(load, readers))
    got = (waits.fifo, waits.flagged, waits.unflagged, waits.gain)
    assert got == pytest.approx(expected, abs=5e-4)
    assert 0.1 * waits.diseased + 0.9 * waits.healthy == pytest.approx(waits.fifo)


@pytest.mark.parametrize(
    ("ratio", "flagged", "unflagged"),
    [(2, 26.81, 44.68), (5, 17.30, 48.06), (10, 13.80, 49.30), (50, 10.87, 50.34)],
)
def test_ageing_gives_the_published_waits(ratio, flagged, unflagged):
    waits = accumulating(room=room(0.8), rates=(1, ratio))
    assert (waits.flagged, waits.unflagged) == pytest.approx(
        (flagged, unflagged), abs=6e-3
    )


def steady(load: float, readers: int, n: int):
    stream, draw = poisson_stream(seed=3, n=n, rate=load * readers / 10, read_time=10.0)
    said = TriageReader(prevalence=0.1, sensitivity=0.9, specificity=SP)
    flagged = said.read(n=n, draw=draw).flagged
    return stream, flagged


def mean_waits(stream, line, flagged, readers=1):
    day = simulate(stream=stream, line=line, roster=Roster.steady(readers))
    got = waited(day=day, groups={"flagged": flagged, "rest": ~flagged})
    return got["flagged"], got["rest"]


@pytest.mark.parametrize(("load", "readers"), [(0.8, 1), (0.8, 2), (0.5, 1)])
def test_the_simulator_meets_the_formulas_within_two_percent(load, readers):
    stream, flagged = steady(load, readers, 300_000)
    classes = np.where(flagged, 0, 1).tolist()
    for rule, line in (
        (preemptive, StrictPriority(classes=classes, preemptive=True)),
        (nonpreemptive, StrictPriority(classes=classes)),
    ):
        wanted = rule(room=room(load, readers))
        first, rest = mean_waits(stream, line, flagged, readers)
        assert first.mean == pytest.approx(wanted.flagged, rel=0.02)
        assert rest.mean == pytest.approx(wanted.unflagged, rel=0.02)


def test_ageing_in_the_simulator_and_what_its_mean_hides():
    stream, flagged = steady(0.8, 1, 300_000)
    line = AccumulatingPriority(
        arrived=stream.arrived.tolist(),
        classes=flagged.astype(int).tolist(),
        rates=(1, 10),
    )
    wanted = accumulating(room=room(0.8), rates=(1, 10))
    first, rest = mean_waits(stream, line, flagged)
    assert first.mean == pytest.approx(wanted.flagged, rel=0.02)
    assert rest.mean == pytest.approx(wanted.unflagged, rel=0.02)
    _, before = mean_waits(stream, FirstCome(), flagged)
    # STATISTICS: the routine's p99 grows from 213 to 273 minutes.
    assert before.p99 == pytest.approx(213, rel=0.05)
    assert rest.p99 == pytest.approx(273, rel=0.05)


def test_the_order_of_reads_changes_nobodys_total():
    stream, flagged = steady(0.9, 1, 2_000)
    roster = Roster.steady(1)
    classes = np.where(flagged, 0, 1).tolist()
    total = [
        np.sum(simulate(stream=stream, line=line, roster=roster).wait + stream.read)
        for line in (FirstCome(), StrictPriority(classes=[0] * 2_000))
    ]
    assert total[0] == pytest.approx(total[1])
    ends = [
        np.max(stream.arrived + day.wait + stream.read)
        for line in (FirstCome(), StrictPriority(classes=classes, preemptive=True))
        for day in [simulate(stream=stream, line=line, roster=roster)]
    ]
    assert ends[0] == pytest.approx(ends[1])


def test_the_reader_flags_as_often_as_it_says_and_knows_how_sure_it_is():
    said = TriageReader(prevalence=0.2, sensitivity=0.8, specificity=0.9).read(
        n=400_000, draw=np.random.default_rng(5)
    )
    assert said.flagged[said.diseased].mean() == pytest.approx(0.8, abs=0.005)
    assert said.flagged[~said.diseased].mean() == pytest.approx(0.1, abs=0.005)
    for low in (0.1, 0.4, 0.7):
        near = (said.probability >= low) & (said.probability < low + 0.1)
        assert said.diseased[near].mean() == pytest.approx(
            said.probability[near].mean(), abs=0.01
        )


def test_nobody_reads_at_night_and_the_morning_begins_with_the_backlog():
    by_hour = [1.0] * 24
    readers = [0] * 8 + [1] * 10 + [0] * 6
    stream, _ = every_day(days=3, by_hour=by_hour, seed=2, read_time=5, hour=60)
    roster = daily_roster(days=4, by_hour=readers, hour=60)
    day = simulate(stream=stream, line=FirstCome(), roster=roster)
    hour = day.began % (24 * 60) / 60
    assert np.all((hour >= 8) & (hour < 18))
    at_night = stream.arrived % (24 * 60) / 60 < 8
    assert np.min(day.wait[at_night]) >= 0
    assert np.mean(day.wait[at_night]) > np.mean(day.wait[~at_night])


def test_what_nobody_reads_is_counted_and_late():
    stream = Stream(arrived=np.array([0.0, 1.0]), read=np.array([5.0, 5.0]))
    roster = Roster(changes=[(0.0, 1), (2.0, 0)])
    day = simulate(stream=stream, line=FirstCome(), roster=roster)
    got = waited(
        day=day, groups={"all": np.array([True, True])}, deadline=np.array([9.0, 9.0])
    )["all"]
    assert (got.n, got.unread, got.mean, got.late) == (2, 1, 0.0, 0.5)


studies = st.lists(
    st.tuples(st.floats(0, 50), st.floats(0.5, 20), st.booleans(), st.floats(1, 100)),
    min_size=1,
    max_size=60,
)


def ranked_of(rows, *, limit, stat=True):
    rows = sorted(rows)
    places = [
        Place(
            rank_class=1 if urgent and stat else 2,
            sort_at=at + allowed,
            stat=urgent and stat,
            deadline=at + allowed,
        )
        for at, _, urgent, allowed in rows
    ]
    stream = Stream(
        arrived=np.array([row[0] for row in rows]),
        read=np.array([row[1] for row in rows]),
    )
    return stream, places, Ranked(places=places, stat_in_a_row=limit)


@given(rows=studies, limit=st.integers(1, 4))
def test_a_flood_of_stats_delays_nothing_overdue_beyond_n_reads(rows, limit):
    stream, places, line = ranked_of(rows, limit=limit)
    day = simulate(stream=stream, line=line, roster=Roster.steady(1))
    order = np.argsort(day.began, kind="stable")
    row = 0
    for study in order:
        now = day.began[study]
        waiting = (stream.arrived <= now) & (day.began > now)
        overdue = [
            one
            for one in np.flatnonzero(waiting)
            if not places[one].stat and places[one].deadline < now
        ]
        if places[study].stat:
            row += 1
            assert not overdue or row <= limit
        else:
            row = 0


@given(rows=studies)
def test_without_stats_no_other_order_is_less_late_by_more_than_one_read(rows):
    stream, places, line = ranked_of(rows, limit=3, stat=False)
    due = np.array([place.sort_at for place in places])

    def lateness(line):
        day = simulate(stream=stream, line=line, roster=Roster.steady(1))
        return np.max(stream.arrived + day.wait + stream.read - due)

    urgent = [0 if row[2] else 1 for row in sorted(rows)]
    ours = lateness(line)
    for other in (FirstCome(), StrictPriority(classes=urgent)):
        assert ours <= lateness(other) + stream.read.max() + 1e-6


@settings(max_examples=50)
@given(rows=studies)
def test_every_study_is_read_once_under_every_rule(rows):
    stream, _, line = ranked_of(rows, limit=2)
    n = len(rows)
    for one in (line, FirstCome(), StrictPriority(classes=[0] * n, preemptive=True)):
        day = simulate(stream=stream, line=one, roster=Roster.steady(2))
        assert np.all(day.wait >= -1e-9)
        assert np.all(day.began >= stream.arrived)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"load": 1.0}, "load"),
        ({"readers": 0}, "readers"),
        ({"prevalence": 2.0}, "prevalence"),
    ],
)
def test_a_room_without_a_steady_state_is_refused(change, says):
    with pytest.raises(MeasureError, match=says):
        ReadingRoom(**{"load": 0.5, "read_time": 10, **change})


def test_formulas_refuse_what_they_do_not_cover():
    with pytest.raises(MeasureError, match="one reader"):
        accumulating(room=room(0.8, 2), rates=(1, 2))
    with pytest.raises(MeasureError, match="rising"):
        accumulating(room=room(0.8), rates=(2, 1))
    with pytest.raises(MeasureError, match="24"):
        every_day(days=1, by_hour=[1.0], seed=1, read_time=1, hour=60)
    with pytest.raises(MeasureError, match="order"):
        Stream(arrived=np.array([2.0, 1.0]), read=np.ones(2))
    assert fifo(room=room(0.5)) == pytest.approx(10)
