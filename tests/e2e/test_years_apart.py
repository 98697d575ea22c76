"""A head that bled before and bleeds more now: what the panel says of it, and shows.

Its name makes it the last of the folder: it leaves two STAT studies on the list.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import WAIT_MS, Reader, send
from workers.phantoms.dicom import write_study
from workers.phantoms.head_study import head_study
from workers.phantoms.orders import Order
from workers.phantoms.settings import NORTH, UNSEEN

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.stack, pytest.mark.browser]
PERSON = 7000


def _write(folder: Path, *, visit: int, when: datetime, strength: float) -> None:
    order = Order(
        kind="head-ct",
        seed=PERSON + visit,
        person=PERSON,
        site=NORTH,
        when=when,
        settings=UNSEEN,
        strengths={"intraparenchymal": strength},
        bleed=PERSON,
    )
    write_study(folder, head_study(order))


def _newest(reader: Reader) -> str:
    """Wait until both studies were judged and compared; return the newer one's item."""
    for _ in range(120):
        found = reader.page.request.get(
            f"{reader.stack.url}/api/worklist?q=phantom-{PERSON:06d}"
        ).json()["items"]
        found.sort(key=lambda row: row["study"]["study_date"])
        if len(found) == 2 and all(row["ai"]["state"] == "done" for row in found):
            return str(found[-1]["id"])
        reader.page.wait_for_timeout(1000)
    raise AssertionError("the two heads were not judged in two minutes")


def test_growth_is_told_and_shown_beside(reader: Reader, tmp_path: Path) -> None:
    page = reader.page
    now = datetime.now(UTC).replace(microsecond=0)
    _write(tmp_path / "0", visit=0, when=now - timedelta(days=12), strength=0.55)
    _write(tmp_path / "1", visit=1, when=now - timedelta(hours=1), strength=0.75)
    for visit in ("0", "1"):
        for file in sorted((tmp_path / visit).glob("*.json")):
            file.unlink()
        send(reader.stack, tmp_path / visit)
    reader.login("radiologist")
    item = _newest(reader)
    page.goto(f"{reader.stack.url}/read/{item}")
    changes = page.locator(".changes")
    expect(changes).to_contain_text("Since", timeout=WAIT_MS)
    expect(changes).to_contain_text(re.compile(r"ml, was .* ml: grown by \d+%"))
    expect(changes).to_contain_text("12 days")
    reader.picture("longitudinal-panel")
    changes.get_by_role("button", name="Show both").first.click()
    expect(page.locator(".prior-badge")).to_contain_text("PRIOR")
    expect(page.locator(".pane-over")).to_have_count(2)
    page.wait_for_timeout(3000)
    reader.picture("longitudinal-both")
