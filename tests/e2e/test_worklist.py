"""The worklist page in a browser: columns, order, views, choosing, assigning, rows."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, send_film

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.skipif(not FILMS.exists(), reason="the example films are not here"),
]


def rows(reader):
    return reader.page.locator("[data-testid=rows] [role=row]")


def head(reader, name):
    return reader.page.get_by_role("columnheader").filter(has_text=name)


def settle(reader):
    expect(rows(reader).first).to_be_visible()
    reader.page.wait_for_timeout(500)


def press(reader, *keys):
    for key in keys:
        reader.page.keyboard.press(key)
        reader.page.wait_for_timeout(150)


def test_sorting_keeps_the_bands_and_says_so(reader, stack):
    send_film(stack)
    reader.login("radiologist")
    settle(reader)
    head(reader, "Patient").get_by_role("button").click()
    expect(head(reader, "Patient")).to_have_attribute("aria-sort", "ascending")
    settle(reader)
    bands = reader.page.locator(".list-item .band").all_inner_texts()
    order = ["STAT", "PRIORITY", "ROUTINE"]
    assert bands == sorted(bands, key=order.index)
    reader.picture("worklist-sorted")
    press(reader, "0")
    assert head(reader, "Patient").get_attribute("aria-sort") is None


def test_columns_and_views_come_back_after_a_reload(reader, stack):
    name = f"View {uuid4().hex[:6]}"
    send_film(stack)
    reader.login("radiologist2")
    settle(reader)
    press(reader, "c")
    reader.page.get_by_role("checkbox", name="Accession").check()
    press(reader, "Escape")
    expect(head(reader, "Accession")).to_be_visible()
    head(reader, "Waiting").get_by_role("button").click()
    press(reader, "v")
    reader.page.get_by_role("textbox", name="Name").fill(name)
    press(reader, "Enter")
    tab = reader.page.get_by_role("tab", name=name)
    expect(tab).to_have_attribute("aria-selected", "true")
    reader.page.reload()
    settle(reader)
    expect(head(reader, "Accession")).to_be_visible()
    tab.click()
    expect(head(reader, "Waiting")).to_have_attribute("aria-sort", "ascending")
    reader.picture("worklist-view")
    press(reader, "v")
    reader.page.get_by_role("button", name=f"Delete the view {name}").click()
    expect(tab).to_have_count(0)
    press(reader, "Escape", "c")
    reader.page.get_by_role("button", name="Back to the usual columns").click()
    press(reader, "Escape")
    expect(head(reader, "Accession")).to_have_count(0)


def test_a_lead_assigns_by_keyboard_alone_and_takes_it_back(new_reader, stack):
    names = [send_film(stack), send_film(stack)]
    lead, reader = new_reader(), new_reader()
    reader.login("radiologist")
    lead.login("lead")
    for name in names:
        expect(lead.row(name)).to_be_visible()
    lead.find(names[0])
    expect(rows(lead)).to_have_count(1)
    lead.page.locator("input[type=search]").blur()
    press(lead, "j", "x", "a")
    lead.page.get_by_role("combobox", name="Reader").fill("Rosa")
    press(lead, "ArrowDown", "Enter", "Enter")
    expect(lead.page.get_by_text("assigned to Dr. Rosa Lindqvist")).to_be_visible()
    expect(lead.row(names[0])).to_contain_text("For Dr. Rosa Lindqvist")
    lead.picture("worklist-assigned")
    reader.page.get_by_role("tab", name="Mine").click()
    expect(reader.row(names[0])).to_contain_text("For you")
    press(lead, "u")
    expect(lead.row(names[0])).to_contain_text("Free")
    expect(reader.row(names[0])).to_have_count(0)
    assert lead.errors == reader.errors == []


def test_shift_chooses_a_range_with_the_mouse(reader, stack):
    for _ in range(3):
        send_film(stack)
    reader.login("lead")
    settle(reader)
    boxes = reader.page.locator("[data-testid=rows] input[type=checkbox]")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(reader.page.get_by_text("3 studies chosen")).to_be_visible()
    press(reader, "Escape")
    expect(reader.page.get_by_text("studies chosen")).to_have_count(0)


def test_what_is_searched_for_is_in_no_address(reader, stack):
    name = send_film(stack)
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.login("radiologist")
    reader.find(name)
    expect(reader.row(name)).to_be_visible()
    assert not [url for url in asked if name in url]


def test_an_empty_view_says_why_and_the_way_on(reader):
    reader.login("radiologist2")
    reader.page.get_by_role("tab", name="Mine").click()
    expect(reader.page.get_by_text(re.compile("You hold nothing|Free"))).to_be_visible()
    reader.find("nobody has this name")
    expect(reader.page.get_by_text("No study matches")).to_be_visible()
    reader.page.get_by_role("button", name="Clear all filters").click()
    expect(reader.page.get_by_role("tab", name="My queue")).to_have_attribute(
        "aria-selected", "true"
    )
