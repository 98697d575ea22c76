"""The simulated list is the list: same rule, same order; and what it says of a site."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from apps.core import clock
from apps.worklist.bands import set_band
from apps.worklist.models import WorkItem
from apps.worklist.selectors import arrivals_by_hour
from apps.worklist.simulation import RULES, Department, compare_rules
from apps.worklist.taking import take_next
from apps.worklist.types import Band
from tests.factories.domain import actor_for, make_item
from workers.measures.estimate import MeasureError
from workers.measures.reading_room import Place, Ranked
from workers.measures.triage_reader import TriageReader

pytestmark = pytest.mark.django_db

AI = TriageReader(prevalence=0.1, sensitivity=0.9, specificity=0.81)
DAYTIME = [0] * 8 + [2] * 10 + [0] * 6


@pytest.mark.parametrize("seed", range(4))
def test_take_next_and_the_simulated_line_hand_out_the_same_order(department, seed):
    actor = actor_for(department.reader)
    draw = random.Random(seed)  # noqa: S311
    for _ in range(14):
        item = make_item(department, age_s=draw.uniform(0, 60_000))
        if draw.random() < 0.6:
            set_band(
                actor=actor,
                item_id=item.id,
                band=draw.choice([Band.STAT, Band.STAT, Band.PRIORITY]),
                reason_code="clinical_info",
                reason_text="",
            )
    items = list(WorkItem.objects.order_by("arrived_at"))
    now = clock.now()
    places = [
        Place(
            rank_class=item.rank_class,
            sort_at=item.sort_at.timestamp(),
            stat=item.band == Band.STAT,
            deadline=item.deadline_at.timestamp(),
        )
        for item in items
    ]
    line = Ranked(places=places, stat_in_a_row=department.site.stat_in_a_row)
    for study in range(len(items)):
        line.add(study)
    order = []
    with clock.standing_at(now):
        while (taken := take_next(actor=actor, site_ids=[])) is not None:
            order.append(taken.id)
    simulated = [items[line.take(now.timestamp())].id for _ in items]
    assert order == simulated
    assert line.take(now.timestamp()) is None


def busy(**change) -> Department:
    said = {
        "arrivals": [2.0] * 8 + [9.0] * 10 + [3.0] * 6,
        "readers": DAYTIME,
        "read_time": 8.0,
        "ai": AI,
        "days": 4,
    }
    return Department(**{**said, **change})


def test_the_rules_are_compared_on_the_same_studies():
    table = compare_rules(department=busy(), repetitions=3)
    assert tuple(table) == RULES
    for groups in table.values():
        assert set(groups) == {"all", "clinician_stat", "diseased", "flagged", "rest"}
    n = {rule: groups["all"].n for rule, groups in table.items()}
    assert len(set(n.values())) == 1
    ours, fifo = table["overread"], table["fifo"]
    assert ours["clinician_stat"].late <= fifo["clinician_stat"].late
    assert ours["flagged"].mean.value < fifo["flagged"].mean.value
    assert ours["diseased"].mean.low < ours["diseased"].mean.high
    # AI off: what a clinician did not send is read in order of arrival.
    off = table["overread_ai_off"]
    assert off["flagged"].mean.value == pytest.approx(
        fifo["flagged"].mean.value, rel=0.15
    )


def test_under_a_flood_the_rest_is_read_sooner_than_under_strict_priority():
    table = compare_rules(
        department=busy(flood=0.9, arrivals=[6.0] * 24), repetitions=3
    )
    assert table["overread"]["rest"].longest < table["strict"]["rest"].longest
    assert table["overread"]["rest"].late < table["strict"]["rest"].late + 1e-9


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"read_time": 20.0}, "reader hours a day"),
        ({"readers": [0] * 24}, "reader hours a day"),
        ({"acuity": "grave"}, "acuity"),
        ({"flood": 2.0}, "flood"),
        ({"arrivals": [0.0] * 24}, "arrivals"),
    ],
)
def test_a_department_that_cannot_be_is_refused(change, says):
    with pytest.raises(MeasureError, match=says):
        busy(**change)


def test_arrivals_are_counted_by_the_hour_of_one_site(department):
    now = clock.now()
    for hours in (1, 1, 5, 24 * 40):
        make_item(department, age_s=timedelta(hours=hours).total_seconds())
    got = arrivals_by_hour(site_id=department.site.id, days=10)
    assert sum(got) == pytest.approx(0.3)
    assert got[(now - timedelta(hours=1)).hour] == pytest.approx(0.2)
    assert got[(now - timedelta(hours=5)).hour] == pytest.approx(0.1)


def run(*options: str) -> str:
    out = StringIO()
    call_command("simulate_triage", *options, stdout=out)
    return out.getvalue()


def test_the_command_sets_formula_and_simulation_side_by_side():
    rows = json.loads(run("--published", "--studies", "20000", "--json"))
    rules = {row["rule"] for row in rows}
    assert {"pre-emptive", "non-pre-emptive", "accumulating 1 : 10"} < rules
    assert all(np.isfinite(row["off"]) for row in rows)
    [formula] = {
        round(row["formula"], 3)
        for row in rows
        if row["room"] == "ρ .8, one reader"
        and (row["rule"], row["group"]) == ("pre-emptive", "flagged")
    }
    assert formula == pytest.approx(2.653, abs=2e-3)


def test_the_command_takes_a_sites_settings_and_says_what_is_wrong(department):
    for hour in range(0, 48, 2):
        make_item(department, age_s=hour * 3600)
    said = run(
        *("--site", department.site.code, "--history-days", "2"),
        *("--repetitions", "2", "--days", "3"),
    )
    assert "12 a day" in said
    assert "Overread's rule, AI off" in said
    with pytest.raises(CommandError, match="no site NOWHERE"):
        run("--site", "NOWHERE")
    with pytest.raises(CommandError, match="list only grows"):
        run("--read-minutes", "60", "--repetitions", "2")
