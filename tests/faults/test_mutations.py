"""Two thousand hostile files, through both doors: nothing dies, nothing hangs.

`python -m tests.faults.mutation_doors` prints the whole table.
"""

from __future__ import annotations

import pytest

from tests.factories.mutations import TOTAL
from tests.factories.sound_files import SECRET_NAME
from tests.faults.mutation_doors import run_doors, table

LIMIT_S = 10.0
LIMIT_BYTES = 200 << 20


@pytest.fixture(scope="module")
def reports():
    found = run_doors(count=TOTAL)
    print(table(found))  # noqa: T201  what was found is the point: pytest -s
    return {report.door: report for report in found}


@pytest.mark.parametrize("door", ["portal", "pixels"])
def test_no_file_ends_the_process_and_sound_ones_beside_it_are_right(reports, door):
    report = reports[door]
    assert report.status == 0, report.said
    assert len(report.rows) == TOTAL == 2000
    crashed = [row for row in report.rows if row["outcome"].startswith("crash")]
    assert crashed == []


@pytest.mark.parametrize("door", ["portal", "pixels"])
def test_no_file_takes_long_or_much_memory(reports, door):
    report = reports[door]
    assert max(row["seconds"] for row in report.rows) < LIMIT_S
    assert report.worst_growth() < LIMIT_BYTES, report.memory


@pytest.mark.parametrize("door", ["portal", "pixels"])
def test_each_file_is_shown_or_has_a_reason_in_plain_words(reports, door):
    patient = SECRET_NAME.split("^")[0]
    for row in reports[door].rows:
        was_shown = row["outcome"] in {"shown", "accepted, shown"}
        assert was_shown or len(row["reason"]) > len("damaged"), row
        assert patient not in row["reason"]
        assert "Error" not in row["reason"]
        assert "<" not in row["reason"]
