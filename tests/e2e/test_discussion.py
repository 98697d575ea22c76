"""Colleagues talk about a study: one calls another, who hears of it at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, send_film
from tests.e2e.test_accessibility import AXE, _violations

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]


def bell(reader):
    return reader.page.get_by_role("button", name=re.compile("^Notifications"))


def test_a_colleague_is_called_and_answers(new_reader):
    first, second = new_reader(), new_reader()
    first.login("radiologist")
    second.login("radiologist2")
    name = send_film(first.stack, age="054Y")
    first.find(name)
    expect(first.row(name)).to_have_count(1)
    first.row(name).dblclick()
    page = first.page
    page.wait_for_url(re.compile("/read/"))
    expect(page.get_by_placeholder("What you conclude")).to_be_editable()

    page.keyboard.press("Shift+w")
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_role("textbox", name="Message")
    expect(field).to_be_focused()
    page.keyboard.type("@nobody-here look")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_text("nobody of this name")).to_be_visible()
    field.fill("")
    page.keyboard.type("@radiologist2")
    expect(dialog.get_by_text("Tab takes @radiologist2")).to_be_visible()
    first.picture("discussion-call")
    page.keyboard.press("Tab")
    page.keyboard.type("is this an artefact?")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_text("@radiologist2 is this an artefact?")).to_be_visible()
    expect(field).to_have_value("")

    # Without a reload, and without the list saying anything.
    expect(bell(second)).not_to_have_accessible_name(
        "Notifications, none unread", timeout=9000
    )
    bell(second).click()
    drop = second.page.get_by_role("region", name="Notifications")
    line = drop.get_by_role("listitem").filter(has_text=name)
    expect(line).to_contain_text("You were mentioned")
    second.picture("discussion-bell")
    line.get_by_role("button").click()
    second.page.wait_for_url(re.compile("/discussion/"))
    expect(second.page.get_by_text("is this an artefact?")).to_be_visible()
    second.page.get_by_role("textbox", name="Message").fill("The edge of a blanket.")
    second.page.get_by_role("button", name=re.compile("^Send")).click()
    expect(dialog.get_by_text("The edge of a blanket.")).to_be_visible()
    second.picture("discussion-page")
    assert first.errors == second.errors == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (npm ci)")
def test_the_panel_and_the_page_are_accessible(reader):
    """The panel as it opens; the page with a message and a colleague called."""
    reader.login("radiologist")
    name = send_film(reader.stack, age="054Y")
    reader.find(name)
    expect(reader.row(name)).to_have_count(1)
    reader.row(name).dblclick()
    page = reader.page
    page.wait_for_url(re.compile("/read/"))
    expect(page.get_by_placeholder("What you conclude")).to_be_editable()
    page.keyboard.press("Shift+w")
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_role("textbox", name="Message")
    expect(field).to_be_focused()
    page.wait_for_timeout(600)
    assert _violations(page) == []
    field.fill("A blanket, not a lesion.")
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_text("A blanket, not a lesion.")).to_be_visible()
    item = page.url.rstrip("/").split("/")[-1]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.goto(f"{reader.stack.url}/discussion/{item}")
    expect(page.get_by_text("A blanket, not a lesion.")).to_be_visible()
    page.wait_for_timeout(600)
    assert _violations(page) == []
