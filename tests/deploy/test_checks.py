"""Counting tests, and the table of a benchmark."""

from pathlib import Path

import pytest

from deploy.local.checks import Tally, free_base, own_folder
from deploy.local.layout import port_is_free
from tests.benchmarks.harness import Metric, table

REPORT = """<testsuites><testsuite>
<testcase classname="a" name="good"/>
<testcase classname="a" name="bad"><failure message="x"/></testcase>
<testcase classname="a" name="broken"><error message="x"/></testcase>
<testcase classname="a" name="wrong"><failure message="x">first

E   {long}</failure></testcase>
<testcase classname="a" name="later"><skipped message="no data"/></testcase>
</testsuite></testsuites>"""


def test_every_kind_of_outcome_is_counted(tmp_path: Path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT.format(long="1" * 900))
    tally = Tally()
    tally.add("ruff", ok=True)
    tally.add_junit(report)
    assert tally.last_line() == "2 passed, 3 failed, 1 skipped"
    assert tally.names[:2] == ["a.bad", "a.broken"]
    lines = tally.names[2].splitlines()
    assert lines[:2] == ["a.wrong", "    first"], "with the end of its report"
    assert lines[2].strip().startswith("E   111")
    assert len(lines[2]) < 210, "however long its lines are"


def test_seven_ports_in_a_row_are_free():
    base = free_base()
    assert all(port_is_free(base + step) for step in range(7))


def test_servers_beside_others_get_other_ports(monkeypatch: pytest.MonkeyPatch):
    asked = iter([21000, 21006, 20994, 21007])
    monkeypatch.setattr("random.randrange", lambda *_: next(asked))
    monkeypatch.setattr("deploy.local.checks.port_is_free", lambda _: True)
    assert free_base(beside=21000) == 21007


def test_two_counts_are_joined():
    one, other = Tally(passed=2, skipped=1), Tally()
    other.add("browser", ok=False, why="why")
    one.join(other)
    assert one.last_line() == "2 passed, 1 failed, 1 skipped"
    assert one.names == ["browser\nwhy"]


def test_a_metric_says_whether_its_goal_is_met():
    good = Metric.at_most("first image", 1.5, "s", 2.0, peer=3.0)
    bad = Metric.at_least("frames", 900.0, "frames/s", 1000.0)
    assert (good.met, good.ratio, good.goal) == (True, 0.5, "≤ 2")
    assert (bad.met, bad.ratio, bad.goal) == (False, None, "≥ 1000")
    lines = table([good, bad]).splitlines()
    assert lines[0].split() == [
        *("metric", "value", "unit", "peer", "ratio", "goal", "met")
    ]
    assert lines[2].endswith("yes")
    assert lines[3].endswith("NO")


def test_two_runs_at_once_have_folders_of_their_own(tmp_path: Path):
    with own_folder(tmp_path) as first, own_folder(tmp_path) as second:
        assert (first.name, second.name) == ("test", "test-2")
    with own_folder(tmp_path) as again:
        assert again == first
