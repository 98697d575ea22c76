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
