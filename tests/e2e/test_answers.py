"""The answer to the AI by key, and an earlier report: kept, and back elsewhere."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, Reader, film, send, send_film
from tests.factories.dicom import make_dx, to_bytes

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]
SAVED = "All changes saved"


def _open(reader: Reader, name: str, *, nth: int = 0) -> None:
    reader.find(name)
    reader.row(name).nth(nth).dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.get_by_placeholder("What you conclude")).to_be_editable()


def _content(reader: Reader) -> dict:
    """Return what the portal has of the reading on the screen."""
    expect(reader.page.get_by_text(SAVED)).to_be_visible()
    return reader.page.evaluate(
        """async () => {
          const id = location.pathname.split('/').pop();
          const answer = await fetch(`/api/worklist/items/${id}/reading`);
          return (await answer.json()).content;
        }"""
    )


def _only_verdict(reader: Reader) -> dict:
    [verdict] = _content(reader)["verdicts"].values()
    return verdict


def test_each_answer_by_key_is_back_in_another_browser(new_reader):
    here = new_reader()
    here.login("radiologist")
    name = send_film(here.stack)
    here.find(name)
    expect(here.row(name)).to_contain_text("PRIORITY")
    _open(here, name)
    page = here.page
    expect(page.get_by_role("button", name=re.compile("Accept"))).to_be_visible()
    address = page.url

    page.keyboard.press("1")
    expect(page.get_by_text("Accepted").first).to_be_visible()
    assert _only_verdict(here)["verdict"] == "accept"

    page.keyboard.press("2")
    page.wait_for_function("() => document.activeElement?.closest('[role=dialog]')")
    page.keyboard.press("1")
    expect(page.get_by_text("Rejected").first).to_be_visible()
    rejected = _only_verdict(here)
    assert rejected["verdict"] == "reject"
    assert rejected["reason_code"]

    page.keyboard.press("3")
    page.get_by_role("button", name="Keep changes").press("Enter")
    expect(page.get_by_text("Modified").first).to_be_visible()
    modified = _only_verdict(here)
    assert modified["verdict"] == "modify"
    assert modified["label"]["display"] == "Pneumonia"

    for stroke in ("x", "Enter", "Enter"):  # a box, as it lies
        page.keyboard.press(stroke)
    expect(page.get_by_role("dialog", name="What is it?")).to_be_visible()
    page.wait_for_function("() => document.activeElement?.closest('[role=dialog]')")
    page.keyboard.press("Control+a")
    page.keyboard.type("Pneumonia")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    said = _content(here)
    [missed] = said["annotations"]
    assert missed["missed_by_ai"] is True
    here.picture("answers")

    elsewhere = new_reader()
    elsewhere.login("radiologist")
    elsewhere.page.goto(address)
    expect(elsewhere.page.get_by_text("Modified").first).to_be_visible()
    expect(elsewhere.page.get_by_text("Pneumonia").first).to_be_visible()
    assert _content(elsewhere) == said
    assert here.errors == elsewhere.errors == []


def test_an_earlier_report_is_offered_and_its_words_are_taken_over(reader):
    name = f"E2E{uuid4().hex[:9].upper()}"
    reader.login("radiologist")
    page = reader.page
    for number, day in ((3, "20250110"), (4, "20260110")):
        dataset = make_dx(
            film(number),
            patient_name=name,
            patient_id=name,
            age="054Y",
            birth_date="19700101",
            study_date=day,
        )
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "film.dcm").write_bytes(to_bytes(dataset))
            send(reader.stack, Path(folder))
        reader.find(name)
        expect(reader.row(name)).to_have_count(1)
        _open(reader, name)
        if day == "20250110":
            page.get_by_placeholder("What you conclude").fill("Clear in January.")
            expect(page.get_by_text(SAVED)).to_be_visible()
            page.keyboard.press("Control+Enter")
            gone = "name => !document.body.textContent.includes(name)"
            page.wait_for_function(gone, arg=name)
            page.goto(reader.stack.url)
            expect(page.get_by_role("button", name="Your account")).to_be_visible()
    expect(page.get_by_text("1 found")).to_be_visible()
    page.get_by_placeholder("What you conclude").fill("Unchanged.")
    page.get_by_role("button", name=re.compile("^Report…")).click()
    dialog = page.get_by_role("dialog")
    earlier = dialog.get_by_role("region", name="Earlier reports")
    expect(earlier).to_contain_text("Clear in January.")
    copy = earlier.get_by_role(
        "button", name=re.compile("Copy into the report: Impression")
    )
    copy.click()
    impression = dialog.get_by_label("Impression", exact=True)
    expect(impression).to_have_value("Unchanged.\nClear in January.")
    reader.picture("report-copied")
    dialog.get_by_role("button", name="Done").click()
    assert _content(reader)["impression"] == "Unchanged.\nClear in January."
