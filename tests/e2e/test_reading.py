"""The radiologist's way through the product, in a real Chromium."""

from __future__ import annotations

import re

import psycopg
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, SHARED, Reader, send, send_film

NLST = SHARED / "ct_chest_nlst_143"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]


def _database(reader: Reader) -> str:
    lines = (reader.stack.state / "env").read_text().splitlines()
    pairs = dict(
        line.split("=", 1) for line in lines if line.startswith("DATABASE_URL")
    )
    return pairs["DATABASE_URL"].strip("'\"")


def _signed(reader: Reader, name: str) -> list[tuple]:
    query = """
        SELECT g.signed_name, v.verdict, v.reason_code, v.override,
               g.content->>'impression'
        FROM annotations_reading g
        JOIN annotations_verdict v ON v.reading_id = g.id
        JOIN studies_studyrevision r ON r.id = g.revision_id
        JOIN studies_study s ON s.id = r.study_id
        JOIN studies_patient p ON p.id = s.patient_id
        WHERE p.name = %s AND g.state = 'signed'
    """
    with psycopg.connect(_database(reader)) as connection:
        return connection.execute(query, [name]).fetchall()


def _open(reader: Reader, name: str) -> None:
    reader.find(name)
    row = reader.row(name)
    expect(row).to_have_count(1)
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator("canvas:not(.early-pixels)").first).to_be_visible()


def test_a_film_arrives_is_ranked_answered_and_signed(reader):
    reader.login("radiologist")
    name = send_film(reader.stack)
    reader.find(name)
    row = reader.row(name)
    expect(row).to_contain_text("Done")  # without a reload
    expect(row).to_contain_text("PRIORITY")
    expect(row).to_contain_text("Pneumonia")
    reader.picture("worklist")

    _open(reader, name)
    finding = reader.page.get_by_role("button", name=re.compile("Accept"))
    expect(finding).to_be_visible()
    expect(reader.page.get_by_text("AI-generated, requires review")).to_be_visible()
    reader.page.wait_for_timeout(1500)
    assert reader.pane_pixels().std() > 20, "the film is not on the screen"
    reader.picture("film")
    sign = reader.page.get_by_role("button", name=re.compile("Sign and next"))
    expect(reader.page.get_by_text("Answer 1 first")).to_be_visible()

    reader.page.keyboard.press("h")
    expect(reader.page.get_by_text("Saliency").first).to_be_visible()
    reader.picture("saliency")
    reader.page.keyboard.press("1")
    reader.page.get_by_placeholder("What you conclude").fill("Right lower lobe.")
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    expect(sign).to_be_enabled()
    reader.picture("answered")
    reader.page.keyboard.press("Control+Enter")
    reader.page.wait_for_timeout(500)
    expect(reader.page.get_by_text(name)).to_have_count(0)
    assert _signed(reader, name) == [
        ("Dr. Rosa Lindqvist", "accept", "", False, "Right lower lobe.")
    ]


def test_a_finding_is_rejected_with_a_reason_and_survives_a_reload(reader):
    reader.login("radiologist")
    name = send_film(reader.stack, number=40)
    reader.find(name)
    expect(reader.row(name)).to_contain_text("PRIORITY")
    _open(reader, name)
    reader.page.keyboard.press("2")
    reader.page.get_by_text("Normal anatomy or variant").click()
    save = reader.page.get_by_role("button", name=re.compile("^Reject"))
    if save.count() and save.last.is_visible():
        save.last.click()
    expect(reader.page.get_by_text("Rejected").first).to_be_visible()
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    reader.page.wait_for_timeout(1500)
    reader.page.reload()
    expect(reader.page.get_by_text("Rejected").first).to_be_visible()
    reader.picture("rejected")
    reader.page.keyboard.press("Control+Enter")
    reader.page.wait_for_timeout(1500)
    assert _signed(reader, name) == [
        ("Dr. Rosa Lindqvist", "reject", "normal_anatomy", True, "")
    ]


@pytest.mark.skipif(not NLST.exists(), reason="the NLST CT is not here")
def test_a_chest_ct_has_no_model_opens_and_scrolls(reader):
    reader.login("radiologist2")
    send(reader.stack, NLST)
    reader.find("149872")
    row = reader.row("149872")
    expect(row).to_contain_text("no model applies")
    expect(row).to_contain_text("143 images")
    expect(row).to_contain_text("ROUTINE")
    _open(reader, "149872")
    expect(reader.page.get_by_text("143", exact=False).first).to_be_visible()
    reader.page.wait_for_timeout(3000)
    first = reader.pane_pixels().astype(float)
    reader.picture("ct-first")
    canvas = reader.page.locator("canvas:not(.early-pixels)").first
    canvas.hover()
    for _ in range(30):
        reader.page.mouse.wheel(0, 120)
        reader.page.wait_for_timeout(60)
    for _ in range(20):
        reader.page.keyboard.press("ArrowDown")
        reader.page.wait_for_timeout(60)
    reader.page.wait_for_timeout(1500)
    later = reader.pane_pixels().astype(float)
    reader.picture("ct-scrolled")
    assert first.std() > 20
    assert abs(first - later).mean() > 3, "scrolling shows another slice"
    reader.page.keyboard.press("Escape")


def test_the_second_reader_is_told_who_holds_the_study(new_reader):
    first, second = new_reader(), new_reader()
    first.login("radiologist")
    second.login("radiologist2")
    name = send_film(first.stack, number=80)
    first.find(name)
    second.find(name)
    expect(first.row(name)).to_contain_text("Done")
    _open(first, name)
    expect(second.row(name)).to_contain_text("Dr. Rosa Lindqvist")
    second.row(name).dblclick()
    message = re.compile("Rosa Lindqvist")
    expect(second.page.get_by_text(message).first).to_be_visible()
    second.picture("leased")
    second.page.get_by_role("button", name="Back to the worklist").click()
    second.find(name)
    expect(second.row(name)).to_contain_text("Dr. Rosa Lindqvist")
    first.page.keyboard.press("Escape")
    expect(second.row(name)).to_contain_text("Free")


def test_an_adult_is_kept_from_the_childrens_model(reader):
    reader.login("radiologist")
    name = send_film(reader.stack, age="054Y")
    reader.find(name)
    expect(reader.row(name)).to_contain_text("this patient is older")
    expect(reader.row(name)).to_contain_text("ROUTINE")


def test_an_unknown_sender_waits_in_quarantine_until_released(new_reader):
    admin = new_reader()
    admin.login("admin")
    name = send_film(admin.stack, called="NOBODY")
    admin.page.get_by_role("link", name="Admin").click()
    admin.page.get_by_text("Quarantine").first.click()
    line = admin.page.get_by_role("row").filter(has_text="NOBODY").first
    admin.page.wait_for_timeout(8000)
    admin.page.reload()
    expect(line).to_be_visible()
    expect(admin.page.get_by_text(name)).to_have_count(0)  # nothing of the patient
    admin.picture("quarantine")
