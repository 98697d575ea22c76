"""Work is never lost: the network goes, windows disagree, somebody leaves."""

from __future__ import annotations

import re
import time

import psycopg
import pytest
from playwright.sync_api import Request, Route, expect

from tests.e2e.conftest import FILMS, Reader, send_film
from tests.faults.running import Running

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]
SAVED = "All changes saved"
HINT = "What you conclude"


def _said(reader: Reader, name: str) -> str:
    """Return the impression that is on the portal's disk."""
    lines = (reader.stack.state / "env").read_text().splitlines()
    pairs = dict(
        line.split("=", 1) for line in lines if line.startswith("DATABASE_URL")
    )
    query = """
        SELECT g.content->>'impression' FROM annotations_reading g
        JOIN studies_studyrevision r ON r.id = g.revision_id
        JOIN studies_study s ON s.id = r.study_id
        JOIN studies_patient p ON p.id = s.patient_id
        WHERE p.name = %s ORDER BY g.saved_at DESC LIMIT 1
    """
    with psycopg.connect(pairs["DATABASE_URL"].strip("'\"")) as connection:
        row = connection.execute(query, [name]).fetchone()
    return "" if row is None else row[0]


def _wait_until_said(reader: Reader, name: str, words: str, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if _said(reader, name) == words:
            return
        reader.page.wait_for_timeout(200)
    assert _said(reader, name) == words


def _open(reader: Reader, name: str) -> None:
    reader.find(name)
    row = reader.row(name)
    expect(row).to_have_count(1)
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.get_by_placeholder(HINT)).to_be_editable()


def _write(reader: Reader, words: str) -> None:
    reader.page.get_by_placeholder(HINT).fill(words)


def _escape(reader: Reader) -> None:
    reader.page.evaluate("document.activeElement.blur()")
    reader.page.keyboard.press("Escape")


@pytest.fixture
def opened(reader):
    """A reader who has a film of an adult open: nothing of AI to answer."""
    reader.login("radiologist")
    name = send_film(reader.stack, age="054Y")
    _open(reader, name)
    return reader, name


def test_the_network_goes_and_comes_back(opened):
    reader, name = opened
    _write(reader, "Clear.")
    _wait_until_said(reader, name, "Clear.", within_s=5)
    reader.page.context.set_offline(True)
    _write(reader, "Clear. No effusion.")
    expect(reader.page.get_by_text("Not saved, no connection")).to_be_visible()
    reader.picture("draft-offline")
    assert _said(reader, name) == "Clear."
    reader.page.context.set_offline(False)
    _wait_until_said(reader, name, "Clear. No effusion.", within_s=20)
    expect(reader.page.get_by_text(SAVED)).to_be_visible()


def test_the_portal_and_its_door_are_killed_in_the_middle(opened):
    reader, name = opened
    _write(reader, "Before the fall.")
    _wait_until_said(reader, name, "Before the fall.", within_s=10)
    running = Running(reader.stack)
    running.kill("nginx")
    running.kill("portal")
    _write(reader, "Written while nobody listened.")
    running.wait_back("nginx", "portal")
    _wait_until_said(reader, name, "Written while nobody listened.", within_s=60)
    reader.page.reload()
    expect(reader.page.get_by_placeholder(HINT)).to_have_value(
        "Written while nobody listened."
    )


def test_an_older_window_that_closes_leaves_the_lease_to_the_newer_one(opened):
    reader, name = opened
    address, older = reader.page.url, reader.page
    reader.page = older.context.new_page()
    reader.page.goto(address)
    expect(reader.page.get_by_placeholder(HINT)).to_be_editable()
    # What a page does when it goes is done by the time it is gone from the room.
    older.goto(f"{reader.stack.url}/signed")
    expect(older.get_by_role("heading", name="Signed")).to_be_visible()
    _write(reader, "In the newer window.")
    _wait_until_said(reader, name, "In the newer window.", within_s=10)
    expect(reader.page.get_by_text(SAVED)).to_be_visible()


def test_a_page_that_is_loaded_anew_keeps_its_lease_whatever_comes_late(opened):
    reader, name = opened
    for round_ in range(4):
        reader.page.reload()
        expect(reader.page.get_by_placeholder(HINT)).to_be_editable()
        _write(reader, f"Loaded anew {round_} times.")
        _wait_until_said(reader, name, f"Loaded anew {round_} times.", within_s=10)
    item = reader.page.url.rsplit("/", 1)[-1]
    lease = f"{reader.stack.url}/api/worklist/items/{item}/lease"
    cookies = {one["name"]: one["value"] for one in reader.page.context.cookies()}
    headers = {"X-CSRFToken": cookies["overread_csrf"], "Referer": reader.page.url}
    request = reader.page.request
    newest = request.put(lease, headers=headers).json()["lease"]["number"]
    assert newest >= 5
    # The last words of the pages that went, as late as can be.
    for number in range(1, newest):
        late = request.delete(f"{lease}?number={number}", headers=headers)
        assert late.status == 204, late.text()
    _write(reader, "After all of them.")
    _wait_until_said(reader, name, "After all of them.", within_s=10)
    expect(reader.page.get_by_text(SAVED)).to_be_visible()


def test_the_window_dies_offline_and_the_work_is_back_in_another(opened):
    reader, name = opened
    address = reader.page.url
    reader.page.context.set_offline(True)
    _write(reader, "Only in this browser.")
    expect(reader.page.get_by_text("Not saved, no connection")).to_be_visible()
    context = reader.page.context
    reader.page.close(run_before_unload=False)
    context.set_offline(False)
    reader.page = context.new_page()
    reader.page.goto(address)
    expect(reader.page.get_by_placeholder(HINT)).to_have_value("Only in this browser.")
    # The room says so, unless what was left behind had been sent before it opened.
    back = reader.page.get_by_text("could not save are back")
    expect(back.or_(reader.page.get_by_text(SAVED)).first).to_be_visible()
    _wait_until_said(reader, name, "Only in this browser.", within_s=20)
    reader.picture("draft-back")


def test_two_windows_disagree_and_both_are_shown(opened, new_reader):
    first, name = opened
    second = new_reader()
    second.login("radiologist")
    _open(second, name)
    _write(first, "Left effusion.")
    _wait_until_said(first, name, "Left effusion.", within_s=10)
    _write(second, "Right effusion.")
    expect(second.page.get_by_text("changed elsewhere").first).to_be_visible()
    assert _said(second, name) == "Left effusion.", "nothing is overwritten unasked"
    second.page.get_by_role("button", name="Compare both").click()
    dialog = second.page.get_by_role("dialog")
    expect(dialog.get_by_text("Left effusion.")).to_be_visible()
    expect(dialog.get_by_text("Right effusion.")).to_be_visible()
    expect(dialog.get_by_role("radio", checked=True)).to_have_count(0)
    second.picture("draft-conflict")
    dialog.get_by_text("Right effusion.").click()
    dialog.get_by_role("button", name="Keep the chosen").click()
    _wait_until_said(second, name, "Right effusion.", within_s=10)
    expect(second.page.get_by_text(SAVED)).to_be_visible()


def test_leaving_with_unsaved_work_asks_and_it_is_sent_later(opened):
    reader, name = opened
    reader.page.context.set_offline(True)
    _write(reader, "Said on the way out.")
    expect(reader.page.get_by_text("Not saved, no connection")).to_be_visible()
    _escape(reader)
    expect(reader.page.get_by_text("Not everything is saved")).to_be_visible()
    reader.picture("draft-leave")
    reader.page.get_by_role("button", name="Stay").click()
    expect(reader.page.get_by_placeholder(HINT)).to_have_value("Said on the way out.")
    _escape(reader)
    reader.page.get_by_role("button", name="Leave, keep them here").click()
    expect(reader.page.get_by_placeholder(HINT)).to_have_count(0)
    assert _said(reader, name) == ""
    reader.page.context.set_offline(False)
    _wait_until_said(reader, name, "Said on the way out.", within_s=60)


def test_work_that_is_sent_later_keeps_its_lease(opened):
    """The network is back just as the reader leaves: the lease must not go first."""
    reader, name = opened
    page = reader.page
    given_back: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method == "PUT":
            route.abort("internetdisconnected")
        else:
            route.continue_()

    def watch(request: Request) -> None:
        if request.method == "DELETE" and "/lease" in request.url:
            given_back.append(request.url)

    page.route(re.compile("/reading$"), lose)
    page.on("request", watch)
    _write(reader, "Written between two networks.")
    expect(page.get_by_text("Not saved, no connection")).to_be_visible()
    _escape(reader)
    page.get_by_role("button", name="Leave, keep them here").click()
    page.wait_for_url(re.compile(r"/$"))
    expect(page.get_by_placeholder(HINT)).to_have_count(0)
    page.unroute(re.compile("/reading$"))
    page.evaluate("window.dispatchEvent(new Event('online'))")
    _wait_until_said(reader, name, "Written between two networks.", within_s=60)
    assert given_back == []


def test_a_lost_lease_keeps_the_work(opened, new_reader):
    """The lease ends while the reader is away, and somebody else begins."""
    reader, name = opened
    reader.page.context.set_offline(True)
    _write(reader, "Mine, and not lost.")
    expect(reader.page.get_by_text("Not saved, no connection")).to_be_visible()
    lines = (reader.stack.state / "env").read_text().splitlines()
    pairs = dict(
        line.split("=", 1) for line in lines if line.startswith("DATABASE_URL")
    )
    with psycopg.connect(pairs["DATABASE_URL"].strip("'\"")) as connection:
        connection.execute(
            """
            UPDATE worklist_workitem SET lease_expires_at = now() - interval '1 hour'
            WHERE case_id IN (
              SELECT c.id FROM worklist_case c
              JOIN studies_studyrevision r ON r.id = c.revision_id
              JOIN studies_study s ON s.id = r.study_id
              JOIN studies_patient p ON p.id = s.patient_id WHERE p.name = %s)
            """,
            [name],
        )
    second = new_reader()
    second.login("radiologist2")
    _open(second, name)
    reader.page.context.set_offline(False)
    expect(reader.page.get_by_text("holds this study now").first).to_be_visible()
    expect(reader.page.get_by_placeholder(HINT)).to_have_value("Mine, and not lost.")
    reader.picture("draft-lease-lost")
    _escape(second)
    expect(second.page.get_by_placeholder(HINT)).to_have_count(0)
    reader.page.wait_for_timeout(1500)
    reader.page.get_by_role("button", name="Lease again").click()
    _wait_until_said(reader, name, "Mine, and not lost.", within_s=20)
