"""A signed reading is amended in the browser, and its report taken out."""

from __future__ import annotations

import io
import re

import pypdf
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, Reader, send_film

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]


def sign_film(reader: Reader, number: int) -> str:
    name = send_film(reader.stack, age="054Y", number=number)
    reader.find(name)
    expect(reader.row(name)).to_contain_text("this patient is older")
    reader.row(name).dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator("canvas:not(.early-pixels)").first).to_be_visible()
    reader.page.get_by_placeholder("What you conclude").fill("Clear lungs.")
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    room = reader.page.url
    reader.page.keyboard.press("Control+Enter")
    # On to the next study, or back to the list: either way that is there.
    expect(reader.page).not_to_have_url(room)
    there = reader.page.locator("canvas:not(.early-pixels), [role=grid]")
    expect(there.first).to_be_visible()
    return name


def row_of(reader: Reader, name: str, *, everybodys: bool = False):
    reader.page.goto(f"{reader.stack.url}/signed")
    if everybodys:
        reader.page.get_by_text("Everybody’s", exact=True).click()
    reader.page.get_by_role("searchbox").fill(name)
    row = reader.page.get_by_role("row").filter(has_text=name)
    expect(row).to_have_count(1)
    return row


def fetched(reader: Reader, label: str):
    """What the button's address gives, with the session of this window."""
    with reader.page.expect_popup() as opened:
        reader.page.get_by_role("button", name=label, exact=True).click()
    url = opened.value.url
    opened.value.close()
    return reader.page.request.get(url)


def test_a_reading_is_amended_as_version_2_and_both_are_readable(reader):
    reader.login("radiologist")
    name = sign_film(reader, 20)
    row = row_of(reader, name)
    expect(row).to_contain_text("Version 1")
    reader.picture("signed")

    reader.page.get_by_role("button", name=re.compile(f"Amend .*{name}")).click()
    dialog = reader.page.get_by_role("dialog")
    begin = dialog.get_by_role("button", name="Amend", exact=True)
    expect(begin).to_be_disabled()  # not without a reason
    dialog.get_by_label("Reason").click()
    reader.page.get_by_role("option", name="Correction of an error").click()
    dialog.get_by_label("In words").fill("The other side.")
    reader.picture("amend-dialog")
    begin.click()

    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.get_by_text("You are amending version 1")).to_be_visible()
    expect(reader.page.get_by_text("Amended, version 2")).to_be_visible()
    words = reader.page.get_by_placeholder("What you conclude")
    expect(words).to_have_value("Clear lungs.")
    expect(reader.page.locator("canvas:not(.early-pixels)").first).to_be_visible()
    reader.picture("amending")
    reader.page.reload()
    expect(reader.page.get_by_text("You are amending version 1")).to_be_visible()
    words.fill("Left lower lobe consolidated.")
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    reader.page.keyboard.press("Control+Enter")
    reader.page.wait_for_url(re.compile("/signed"))
    expect(reader.page.get_by_text("version 2 is signed")).to_be_visible()

    row = row_of(reader, name)
    expect(row).to_contain_text("Amended, version 2")
    expect(row).to_contain_text("Correction of an error: The other side.")
    expect(reader.page.get_by_text("Version 1, superseded")).to_have_count(1)
    reader.picture("amended")

    new = fetched(reader, f"PDF of the report, Amended, version 2, {name}")
    text = " ".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(new.body())).pages
    )
    assert "Left lower lobe consolidated." in text
    assert name in text
    assert name not in new.url + new.headers["content-disposition"]
    old = fetched(reader, f"Text of the report, Version 1, superseded, {name}")
    assert "Clear lungs." in old.text()
    assert "SUPERSEDED" in old.text()


def test_a_colleague_may_read_but_not_amend(new_reader):
    first, second = new_reader(), new_reader()
    first.login("radiologist")
    name = sign_film(first, 22)
    second.login("radiologist2")
    second.page.goto(f"{second.stack.url}/signed")
    second.page.get_by_role("button", name="Everybody’s").click()
    second.page.get_by_role("searchbox").fill(name)
    row = second.page.get_by_role("row").filter(has_text=name)
    expect(row).to_have_count(1)
    expect(row.get_by_role("button", name=re.compile("PDF"))).to_be_visible()
    expect(row.get_by_role("button", name=re.compile("Amend"))).to_have_count(0)


def test_a_signed_study_is_looked_at_again_and_nothing_can_be_changed(new_reader):
    reader, other = new_reader(), new_reader()
    reader.login("radiologist")
    name = sign_film(reader, 24)
    asked: list[str] = []
    for one, who in ((reader, None), (other, "radiologist2")):
        if who:
            one.login(who)
        row = row_of(one, name, everybodys=one is other)
        page = one.page
        page.on("request", lambda request: asked.append(request.url))
        row.get_by_role("link", name=f"Look at {name}").click()
        page.wait_for_url(re.compile("/read/"))
        expect(page.get_by_text(re.compile("^Signed by Dr. Rosa"))).to_be_visible()
        expect(page.locator("canvas:not(.early-pixels)").first).to_be_visible()
        impression = page.get_by_placeholder("What you conclude")
        expect(impression).to_have_value("Clear lungs.")
        expect(impression).to_have_attribute("readonly", "")
        # Nobody waits for what is signed: it is not past its deadline.
        expect(page.locator(".room-wait")).to_have_count(0)
        page.reload()
        expect(impression).to_have_value("Clear lungs.")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text("You are only looking").first).to_be_visible()
        one.picture(f"looking-{who or 'own'}")
        page.get_by_role("button", name="Signed readings").click()
        page.wait_for_url(re.compile("/signed"))
    # A lease that cannot be had is not asked for.
    assert any(url.endswith("/look") for url in asked)
    assert not [url for url in asked if url.endswith("/lease")]
    assert reader.errors == other.errors == []


def test_what_a_colleague_reads_can_be_looked_at(new_reader):
    reader, other = new_reader(), new_reader()
    reader.login("radiologist")
    other.login("radiologist2")
    name = send_film(reader.stack, age="054Y", number=25)
    reader.find(name)
    reader.row(name).dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    reader.page.get_by_placeholder("What you conclude").fill("Only mine so far.")
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    other.page.goto(reader.page.url)
    other.page.get_by_role("button", name="Only look at it").click()
    page = other.page
    expect(page.get_by_text("Dr. Rosa Lindqvist is reading this study")).to_be_visible()
    expect(page.locator("canvas:not(.early-pixels)").first).to_be_visible()
    expect(page.get_by_placeholder("What you conclude")).to_have_value("")
    expect(page.locator(".room-wait")).to_have_count(1)
    other.picture("looking-while-read")
    reader.page.get_by_placeholder("What you conclude").fill("Still mine.")
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    assert reader.errors == other.errors == []
