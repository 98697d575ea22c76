"""Colleagues talk about a study: one calls another, who hears of it at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, send_film
from tests.e2e.test_accessibility import AXE, _violations
from tests.e2e.test_unaided import Tap, _blinded, _press
from tests.person import Person

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
    page.wait_for_timeout(600)
    assert _violations(page) == []
    page.keyboard.press("Control+Enter")
    expect(dialog.get_by_text("A blanket, not a lesion.")).to_be_visible()
    item = page.url.rstrip("/").split("/")[-1]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.goto(f"{reader.stack.url}/discussion/{item}")
    expect(page.get_by_text("A blanket, not a lesion.")).to_be_visible()
    page.wait_for_timeout(600)
    assert _violations(page) == []


def test_a_blind_reader_learns_nothing_of_what_is_said(new_reader):
    """Not in the panel and not on the wire; after the commit it is all there."""
    reader = new_reader()
    spoken = "QZXSPOKEN: I see a mass"
    with _blinded(reader.stack):
        name = send_film(reader.stack, age="054Y")
        lead = Person(reader.stack, "lead")
        row = lead.wait_for(name, lambda one: one["state"] == "open")
        path = f"worklist/items/{row['id']}/discussion"
        called = lead.send("POST", path, json={"text": f"@radiologist {spoken}"})
        assert called.status_code == 400, "who reads blind cannot be called"
        lead.send("POST", path, json={"text": spoken}).raise_for_status()

        tap = Tap(reader.page)
        reader.login("radiologist")
        reader.find(name)
        expect(reader.row(name)).to_have_count(1)
        reader.row(name).dblclick()
        page = reader.page
        page.wait_for_url(re.compile("/read/"))
        expect(page.get_by_text("Unaided reading")).to_be_visible()
        _press(reader, "Shift+w")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("What others write about this study")).to_be_visible()
        page.keyboard.type("@")
        page.wait_for_timeout(11_000)  # the panel asks again
        expect(dialog.get_by_text("QZXSPOKEN")).to_have_count(0)
        expect(dialog.get_by_text(re.compile("^Tab takes"))).to_have_count(0)
        reader.picture("discussion-blind")
        assert tap.drain() > 0
        assert tap.where("QZXSPOKEN") == []
        assert any("/discussion" in where for where in tap.where("hidden_reason"))
        dialog.get_by_role("textbox", name="Message").fill("")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)

        page.get_by_placeholder("What you conclude").fill("A mass, I think.")
        expect(page.get_by_text("All changes saved")).to_be_visible()
        _press(reader, "Control+Enter")
        expect(page.get_by_text("Unaided reading")).to_have_count(0)
        _press(reader, "Shift+w")
        expect(dialog.get_by_text("QZXSPOKEN")).to_be_visible()
    assert reader.errors == []
