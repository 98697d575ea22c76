"""A resident signs, an attending sends back and verifies: through two browsers."""

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
NOTE = "Your reading is preliminary until an attending verifies it."


def opened(reader, name):
    reader.find(name)
    expect(reader.row(name)).to_contain_text("this patient is older")
    reader.row(name).dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator("canvas:not(.early-pixels)").first).to_be_visible()


def signed(reader, words):
    reader.page.get_by_placeholder("What you conclude").fill(words)
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    reader.page.keyboard.press("Control+Enter")
    expect(reader.page.get_by_text(words)).to_have_count(0)


def to_verify(reader, name):
    """Open the preliminary reading of a patient by keys alone."""
    reader.page.goto(reader.stack.url)
    tab = reader.page.get_by_role("tab", name=re.compile("^To verify"))
    expect(tab).to_contain_text(re.compile(r"[1-9]"))
    reader.page.keyboard.press("p")
    expect(tab).to_have_attribute("aria-selected", "true")
    # It is the list: it is searched, and gone through with J and Enter.
    reader.find(name)
    expect(reader.row(name)).to_contain_text("to verify")
    expect(reader.row(name)).to_contain_text("signed, preliminary")
    reader.picture("to-verify")
    reader.page.keyboard.press("Escape")  # out of the search field
    reader.page.keyboard.press("j")
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_url(re.compile("/read/"))
    banner = reader.page.get_by_text("Preliminary, awaiting verification")
    expect(banner).to_be_visible()
    expect(reader.page.locator("canvas:not(.early-pixels)").first).to_be_visible()


def test_a_reading_goes_from_resident_to_attending_and_back(reader, new_reader):
    resident, attending = reader, new_reader()
    resident.login("resident")
    attending.login("radiologist")
    name = send_film(resident.stack, age="061Y", number=31)
    opened(resident, name)
    expect(resident.page.get_by_text(NOTE)).to_be_visible()
    resident.picture("resident-room")
    signed(resident, "Clear lungs.")

    to_verify(attending, name)
    attending.picture("preliminary-room")
    attending.page.keyboard.press("Alt+b")
    dialog = attending.page.get_by_role("dialog")
    dialog.get_by_label("What to look at again").fill("The left apex, please.")
    attending.picture("send-back")
    dialog.get_by_role("button", name="Send back").click()
    expect(
        attending.page.get_by_text(f"Sent back: the reading of {name}")
    ).to_be_visible()

    resident.page.goto(resident.stack.url)
    tab = resident.page.get_by_role("tab", name=re.compile("^Sent back to you"))
    expect(tab).to_contain_text(re.compile(r"[1-9]"))
    resident.page.keyboard.press("p")
    resident.find(name)
    expect(resident.row(name)).to_contain_text("The left apex, please.")
    resident.picture("sent-back")
    resident.page.keyboard.press("Escape")
    resident.page.keyboard.press("j")
    resident.page.keyboard.press("Enter")
    resident.page.wait_for_url(re.compile("/read/"))
    expect(resident.page.get_by_text("Preliminary, sent back")).to_be_visible()
    resident.page.keyboard.press("Alt+a")
    dialog = resident.page.get_by_role("dialog")
    dialog.get_by_label("Reason").click()
    resident.page.get_by_role("option", name="Something was left out").click()
    dialog.get_by_role("button", name="Amend", exact=True).click()
    resident.page.wait_for_url(re.compile("/read/"))
    signed(resident, "Scar in the left apex.")

    to_verify(attending, name)
    expect(attending.page.get_by_text("Scar in the left apex.")).to_be_visible()
    attending.page.keyboard.press("Alt+v")
    expect(
        attending.page.get_by_text(f"Verified: the reading of {name}")
    ).to_be_visible()
    attending.page.goto(f"{attending.stack.url}/signed")
    attending.page.get_by_text("Everybody’s", exact=True).click()
    attending.page.get_by_role("searchbox").fill(name)
    own = attending.row(name)  # others' are here until the search has its answer
    row = own.filter(has_text="Amended, version 2")
    expect(row).to_contain_text("Verified by Dr. Rosa Lindqvist")
    attending.picture("verified")
    assert attending.errors == []


def test_an_attending_amends_and_verifies_in_one_go(reader, new_reader):
    resident, attending = reader, new_reader()
    resident.login("resident")
    attending.login("radiologist")
    name = send_film(resident.stack, age="047Y", number=32)
    opened(resident, name)
    signed(resident, "Nothing.")
    to_verify(attending, name)
    attending.page.keyboard.press("Alt+a")
    dialog = attending.page.get_by_role("dialog")
    dialog.get_by_label("Reason").click()
    attending.page.get_by_role("option", name="Correction of an error").click()
    dialog.get_by_role("button", name="Amend", exact=True).click()
    expect(attending.page.get_by_text("You are amending version 1")).to_be_visible()
    signed(attending, "Effusion on the right.")
    attending.page.goto(f"{attending.stack.url}/signed")
    attending.page.get_by_role("searchbox").fill(name)
    row = attending.row(name).filter(has_text="Amended, version 2")
    expect(row).to_have_count(1)
    expect(row).not_to_contain_text("Preliminary")
    assert attending.errors == []
