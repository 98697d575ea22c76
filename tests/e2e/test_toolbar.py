"""On small screens every tool stays in reach, and so does the impression."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import send_film

pytestmark = [pytest.mark.stack, pytest.mark.browser]
_CUT_OFF = """() => {
  const bar = document.querySelector('.tools');
  const edge = bar.getBoundingClientRect().right;
  return [...bar.querySelectorAll('button')]
    .filter((one) => one.offsetParent && one.getBoundingClientRect().right > edge)
    .map((one) => one.getAttribute('aria-label') ?? one.textContent);
}"""


def test_nothing_is_out_of_reach_on_a_small_screen(reader, stack):
    name = send_film(stack)
    page = reader.page
    reader.login("radiologist")
    reader.find(name)
    expect(reader.row(name)).to_contain_text(
        re.compile(r"0\.\d|\d ?%"), timeout=120_000
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    reader.row(name).first.dblclick()
    expect(page.locator(".ai-toggle").first).to_be_visible()
    for width in (1280, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(500)
        assert page.evaluate(_CUT_OFF) == []
        expect(page.locator("#impression")).to_be_in_viewport()
        expect(page.locator(".sign-line .btn")).to_be_in_viewport()
        reader.picture(f"toolbar-{width}")
    for tool in (page.locator(".tools .tool").nth(n) for n in (0, 2)):
        tool.hover()
        said = page.get_by_role("tooltip")
        expect(said).to_have_count(1)
        expect(said).to_contain_text(tool.get_attribute("aria-label") or "?")
    reader.picture("toolbar-tooltip")
    page.mouse.move(700, 500)
    expect(page.get_by_role("tooltip")).to_have_count(0)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="More tools").click()
    item = page.get_by_role("menuitem", name="Reference lines")
    expect(item).to_contain_text("Alt")
    expect(item).to_contain_text("R")
    reader.picture("toolbar-more")
    before = item.inner_text()
    item.click()
    expect(item).not_to_be_visible()
    page.get_by_role("button", name="More tools").click()
    expect(item).to_be_visible()
    assert item.inner_text() != before


def test_a_slow_and_a_failed_look_into_pacs_are_said(reader, stack):
    """Whatever the study has: the list of objects is what tells."""
    name = send_film(stack, age="044Y", number=1)
    page = reader.page

    def slow(route):
        page.wait_for_timeout(2000)
        route.fulfill(status=500, json={"code": "broken", "detail": ""})

    page.route(re.compile(r"/api/studies/[^/]+/objects$"), slow)
    reader.login("radiologist")
    reader.find(name)
    reader.row(name).first.dblclick()
    panel = page.locator(".from-pacs")
    expect(panel.get_by_role("status")).to_contain_text("Reading what PACS has")
    expect(panel.get_by_role("alert")).to_contain_text("could not be read")
    page.unroute(re.compile(r"/api/studies/[^/]+/objects$"))
    panel.get_by_role("button").click()
    expect(panel).to_have_count(0)
