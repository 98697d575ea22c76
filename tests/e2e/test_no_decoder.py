"""The connection is lost while a thread of the page that decodes is starting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Reader, send_film

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.real_data]


def test_an_image_whose_decoder_did_not_start_is_asked_for_again(
    reader: Reader,
) -> None:
    """Nothing is left over either: `reader` fails on an error that nobody caught."""
    page = reader.page
    reader.login("radiologist2")
    name = send_film(reader.stack, age="044Y")
    reader.find(name)
    cut: list[str] = []

    def lose(route: Route) -> None:
        cut.append(route.request.url)
        route.abort("internetdisconnected")

    page.context.route(re.compile("/decode-worker"), lose)
    reader.row(name).dblclick()
    page.wait_for_url(re.compile("/read/"))
    said = page.get_by_text("No connection to the images.")
    expect(said).to_be_visible()
    reader.picture("no-decoder")
    assert cut
    page.context.unroute(re.compile("/decode-worker"))
    page.get_by_role("button", name="Try again").click()
    expect(said).to_have_count(0)
    expect(page.locator(".pane-over").first).to_be_visible()
    assert reader.pane_pixels().std() > 20
