"""The study that comes next is brought in, and painted before anything is asked."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import WAIT_MS, Reader, film, send
from tests.factories.dicom import make_dx, to_bytes

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.real_data]


def _send(reader: Reader) -> str:
    """Send films of two patients of one family; return what finds both."""
    family = f"NEXT{uuid4().hex[:8].upper()}"
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate((f"{family}ONE", f"{family}TWO")):
            dataset = make_dx(
                film(number), patient_name=name, patient_id=name, age="044Y"
            )
            Path(folder, f"{name}.dcm").write_bytes(to_bytes(dataset))
        send(reader.stack, Path(folder))
    return family


def test_the_next_study_is_painted_before_its_lease_is_given(reader: Reader) -> None:
    page = reader.page
    reader.login("radiologist2")
    family = _send(reader)
    reader.find(family)
    for name in ("ONE", "TWO"):
        expect(reader.row(family + name)).to_be_visible()
    log = reader.stack.state / "log" / "nginx-access.log"
    since = len(log.read_text())
    reader.row(f"{family}ONE").dblclick()
    page.wait_for_url(re.compile("/read/"))
    first = page.url
    expect(page.locator(".pane-over").first).to_be_visible()
    # The other film comes while this one is on the screen.
    # Threads of the page fetch it, of which neither page nor Playwright tells.
    end = time.monotonic() + WAIT_MS / 1000
    packs: list[str] = []
    while len(set(packs)) < 2 and time.monotonic() < end:
        page.wait_for_timeout(100)
        packs = re.findall("pixels/([^/]+)/frames", log.read_text()[since:])
    assert len(set(packs)) == 2
    second = packs[-1]
    page.wait_for_timeout(1500)
    page.go_back()
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST" and not held:
            held.append(route)
        else:
            route.continue_()

    page.route(re.compile("/lease$"), hold)
    row = reader.row(f"{family}TWO")
    expect(row).to_be_visible()
    row.dblclick()
    early = page.locator("canvas.early-pixels")
    expect(early).to_be_visible()
    assert page.url != first
    assert (
        early.evaluate(
            """one => {
          const { data } = one.getContext('2d')
            .getImageData(0, 0, one.width, one.height);
          return new Set(data.filter((_, at) => at % 4 === 0)).size;
        }"""
        )
        > 50
    ), "it is a picture"
    # Nothing is named, marked or signed before the portal has given the study.
    expect(page.locator(".pane-over")).to_have_count(0)
    for one in held:
        one.continue_()
    expect(page.locator("[data-pane='1'] .pane-over")).to_be_visible()
    expect(early).to_have_count(0)
    expect(page.locator(".room-top")).to_contain_text(f"{family}TWO")
    # The picture ahead and the room's own image are one frame, fetched once.
    packs = re.findall("pixels/([^/]+)/frames", log.read_text()[since:])
    assert packs.count(second) == 1
    page.keyboard.press("Escape")
