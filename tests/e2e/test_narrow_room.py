"""The reading room in a window that is narrower than it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, send_film

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]

# What a person can scroll to: scrolling by script alone would pass where nobody can.
REACH = """element => {
  for (let at = element.parentElement; at; at = at.parentElement) {
    if (['auto', 'scroll'].includes(getComputedStyle(at).overflowX)
        && at.scrollWidth > at.clientWidth) {
      at.scrollLeft = 1e4;
      break;
    }
  }
  const { left, right } = element.getBoundingClientRect();
  return left >= 0 && right <= innerWidth;
}"""


def test_all_of_the_room_is_reached_in_a_window_of_1024(reader) -> None:
    reader.login("radiologist")
    page = reader.page
    name = send_film(reader.stack, age="054Y", number=26)
    reader.find(name)
    page.set_viewport_size({"width": 1024, "height": 768})
    reader.row(name).dblclick()
    page.wait_for_url(re.compile("/read/"))
    expect(page.locator("canvas:not(.early-pixels)").first).to_be_visible()
    impression = page.get_by_placeholder("What you conclude")
    expect(impression).to_be_visible()
    reader.picture("narrow-room")
    assert impression.evaluate(REACH)
    reader.picture("narrow-room-right")
    rail = page.locator(".room-middle > *").first
    rail.evaluate(
        "() => { document.querySelector('#root').scrollLeft = 0; }",
    )
    expect(rail).to_be_in_viewport(ratio=0.9)
