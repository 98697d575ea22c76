"""Work that was given up, in the browser: many rows are tried again at once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.e2e.test_accessibility import _violations

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = [pytest.mark.stack, pytest.mark.browser]
N = 3


def _row(n: int) -> dict[str, object]:
    return {
        "id": str(uuid4()),
        "state": "failed",
        "reason": "The worker was lost three times on this study.",
        "attempts": 1 + n,
        "requested_at": "2026-11-22T09:00:00Z",
        "changed_at": "2026-11-22T09:01:00Z",
        "study": {
            "id": str(uuid4()),
            "uid": f"2.25.{n}51087019224150781825529767193780968{n}",
            "modality": "CT",
            "revision": 1,
        },
        "site": {"id": str(uuid4()), "name": "Northfield General"},
    }


def test_what_was_given_up_is_tried_again_at_once(new_reader):
    """The portal's answers are a test's own: a study that kills workers takes minutes.

    (`tests/faults/test_faults_poison.py` has one; `test_dead_letters.py` the answers.)
    """
    admin = new_reader()
    admin.login("admin")
    page, left, asked = admin.page, [_row(n) for n in range(N)], []

    def listed(route: Route) -> None:
        body = json.dumps({"items": left, "next_cursor": None})
        route.fulfill(status=200, content_type="application/json", body=body)

    def retried(route: Route) -> None:
        name = route.request.url.split("/")[-2]
        asked.append(name)
        if len(asked) == 2:  # one cannot be asked for again, and stays
            body = json.dumps({"code": "busy", "detail": "Not now."})
            route.fulfill(status=409, content_type="application/json", body=body)
            return
        left[:] = [row for row in left if row["id"] != name]
        route.fulfill(status=200, content_type="application/json", body="{}")

    page.route(re.compile(r"/api/packs\?"), listed)
    page.route(re.compile(r"/api/packs/[^/]+/retry$"), retried)
    page.goto(f"{admin.stack.url}/admin/work")
    packs = page.get_by_role("region", name="Pixel packs")
    expect(packs.get_by_role("row")).to_have_count(1 + N)
    expect(packs.get_by_text("3 times")).to_be_visible()
    assert _violations(page) == []
    admin.picture("given-up")
    packs.get_by_role("button", name="Try these 3 again: Pixel packs").click()
    expect(packs.get_by_text("1 of 3 could not be asked for again")).to_be_visible()
    expect(packs.get_by_role("status")).to_have_text(re.compile("^Asked for again"))
    expect(packs.get_by_role("row")).to_have_count(2)
    assert len(asked) == len(set(asked)) == N
    again = packs.get_by_role("button", name=re.compile("^Try again: the pack of CT"))
    again.click()
    expect(packs.get_by_text("No pixel pack is given up.")).to_be_visible()
    expect(packs.get_by_text("could not be asked")).to_have_count(0)
