"""Whose a page is: who may not open it is told, and led back. And small windows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.stack, pytest.mark.browser]

NOT_MINE = {
    "lead": ("/signed", "/import", "/read/x", "/admin/audit", "/admin/models"),
    "admin": ("/signed", "/critical", "/read/x", "/discussion/x"),
    "radiologist": ("/admin", "/admin/slots"),
    "annotator": ("/signed", "/critical", "/import", "/admin", "/discussion/x"),
}
WHOSE = {
    "/signed": "radiologists, residents and specialists",
    "/read/x": "radiologists, residents and specialists",
    "/critical": "radiologists, residents, specialists and clinical leads",
    "/discussion/x": "radiologists, residents, specialists and clinical leads",
    "/import": "radiologists, residents, specialists and administrators",
    "/admin": "clinical leads and administrators",
    "/admin/slots": "clinical leads and administrators",
    "/admin/audit": "administrators",
    "/admin/models": "administrators",
}
HOME = {"lead": "/", "admin": "/admin", "radiologist": "/", "annotator": None}


@pytest.mark.parametrize("username", NOT_MINE)
def test_a_page_of_others_says_whose_it_is_and_leads_back(reader, username) -> None:
    reader.login(username)
    page = reader.page
    refused: list[str] = []
    page.on(
        "response",
        lambda answer: refused.append(answer.url) if answer.status == 403 else None,
    )
    for path in NOT_MINE[username]:
        page.goto(f"{reader.stack.url}{path}")
        expect(page.get_by_role("heading", name="not for your role")).to_be_visible()
        expect(page.get_by_text(f"This page is for {WHOSE[path]}.")).to_be_visible()
        assert "could not be read" not in page.inner_text("body")
    reader.picture(f"not-yours-{username}")
    back = page.locator(".not-yours a")
    home = HOME[username]
    expect(back).to_have_count(0 if home is None else 1)
    if home is not None:
        back.click()
        expect(page.locator(".not-yours")).to_have_count(0)
        assert page.url.removeprefix(reader.stack.url) == home
    # Nothing of such a page is asked for: it would be refused, and recorded as such.
    assert [url for url in refused if "/read/" not in url] == []


WIDE = """() => {
  const over = element => element && element.scrollWidth - element.clientWidth;
  return [document.documentElement, document.querySelector('.shell'),
    document.querySelector('#main'), document.querySelector('.admin'),
    document.querySelector('.admin-body')].map(over);
}"""


@pytest.mark.parametrize("username", ["admin", "lead"])
def test_no_admin_page_scrolls_sideways_in_a_window_of_1024(reader, username) -> None:
    reader.login(username)
    page = reader.page
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(f"{reader.stack.url}/admin")
    tabs = page.get_by_role("navigation", name="Admin").get_by_role("link")
    expect(tabs.first).to_be_visible()
    names = tabs.all_inner_texts()
    assert len(names) > 5
    for name in names:
        tabs.filter(has_text=re.compile(f"^{re.escape(name)}$")).click()
        expect(
            page.locator("[aria-current=page]").filter(has_text=name)
        ).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        expect(page.get_by_text("Opening")).to_have_count(0)
        reader.picture(f"narrow-{username}-{name.replace(' ', '-')}")
        assert page.evaluate(WIDE) == [0, 0, 0, 0, 0], name
    # All of the head is there, too: one's own menu at its right end.
    box = page.get_by_role("button", name="Your account").bounding_box()
    assert box
    assert box["x"] + box["width"] <= 1024


def test_the_list_keeps_its_width_in_a_box_of_its_own(reader) -> None:
    reader.login("lead")
    page = reader.page
    page.set_viewport_size({"width": 1024, "height": 768})
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    reader.picture("narrow-list")
    assert page.evaluate(WIDE)[:2] == [0, 0]
    box = page.get_by_role("button", name="Your account").bounding_box()
    assert box
    assert box["x"] + box["width"] <= 1024
    reached = page.evaluate(
        "() => { const main = document.querySelector('#main');"
        " main.scrollLeft = 1e4; return main.scrollLeft; }"
    )
    assert reached > 0
