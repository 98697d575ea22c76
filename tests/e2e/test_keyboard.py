"""A day at the keyboard: a case read to the end without one mouse event, own keys."""

from __future__ import annotations

import re

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import FILMS, PASSWORD, Reader, send_film

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]

_COUNT_MOUSE = """() => {
  window.mouseEvents = 0;
  for (const kind of ['pointerdown', 'mousedown', 'mousemove', 'wheel', 'dblclick']) {
    window.addEventListener(kind, () => { window.mouseEvents += 1; }, true);
  }
}"""


def _no_mouse(page: Page) -> None:
    page.add_init_script(f"({_COUNT_MOUSE})()")


def _log_in(reader: Reader, username: str) -> None:
    page = reader.page
    page.goto(reader.stack.url)
    expect(page.locator("input").first).to_be_focused()
    page.keyboard.type(username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Your account")).to_be_visible()


def _open(reader: Reader, name: str) -> None:
    """Find the patient and open the study, from the worklist."""
    page = reader.page
    page.keyboard.press("/")
    page.keyboard.type(name)
    expect(reader.row(name)).to_contain_text("Done")
    page.keyboard.press("Escape")
    expect(reader.row(name)).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/read/"))
    expect(page.locator(".pane .corner.bl").first).to_be_visible()


def _tab_to(page: Page, name: str, *, most: int = 60) -> None:
    """Press Tab until the control of that name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "() => { const one = document.activeElement; return"
            " `${one?.id} ${one?.getAttribute('aria-label')} ${one?.textContent}`; }"
        )
        if name in said:
            return
    raise AssertionError(f"{name} is not reached by Tab")


def _signed(reader: Reader, name: str) -> tuple:
    lines = (reader.stack.state / "env").read_text().splitlines()
    url = next(one for one in lines if one.startswith("DATABASE_URL="))
    query = """
        SELECT g.content FROM annotations_reading g
        JOIN studies_studyrevision r ON r.id = g.revision_id
        JOIN studies_study s ON s.id = r.study_id
        JOIN studies_patient p ON p.id = s.patient_id
        WHERE p.name = %s AND g.state = 'signed'
    """
    with psycopg.connect(url.split("=", 1)[1].strip("'\"")) as connection:
        rows = connection.execute(query, [name]).fetchall()
    assert len(rows) == 1
    return rows[0][0]


def _focus_within(page: Page) -> None:
    """Wait until the dialog that has just opened has the focus."""
    page.wait_for_function("() => document.activeElement?.closest('[role=dialog]')")


def _look_and_measure(page: Page) -> None:
    corner = page.locator("[data-pane='1'] .corner.bl")
    window = corner.inner_text()
    page.keyboard.press("+")
    expect(corner).not_to_have_text(window)
    page.keyboard.press("i")
    expect(corner).to_contain_text("Inverted")
    for stroke in ("i", "End", "Home", "l", "Enter"):
        page.keyboard.press(stroke)
    expect(page.locator(".measure-plate")).to_have_count(1)
    page.keyboard.press("F2")
    page.keyboard.type("By hand")
    for stroke in ("Enter", "Escape", "Escape"):
        page.keyboard.press(stroke)
    assert "/read/" in page.url, "Escape ends tools before it leaves"


def _answer(page: Page) -> None:
    page.keyboard.press("2")  # rejected, for a reason
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_text("Rejected").first).to_be_visible()
    page.keyboard.press("1")  # accepted after all
    expect(page.get_by_text("Accepted").first).to_be_visible()
    page.keyboard.press("x")  # what AI missed: a box, moved, made larger, named
    for stroke in ("Enter", "ArrowLeft", "ArrowLeft", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(stroke)
    expect(page.get_by_role("dialog", name="What is it?")).to_be_visible()
    _focus_within(page)
    page.keyboard.press("Control+a")
    page.keyboard.type("Pneumonia")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("low on the left")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("All changes saved")).to_be_visible()


def test_a_case_is_read_by_keyboard_alone(reader: Reader) -> None:
    page = reader.page
    _no_mouse(page)
    name = send_film(reader.stack)
    _log_in(reader, "radiologist")
    _open(reader, name)
    _look_and_measure(page)
    _answer(page)
    reader.picture("keyboard")
    page.keyboard.press("Escape")
    _tab_to(page, "impression", most=80)
    page.keyboard.type("Read without a mouse.")
    page.keyboard.press("Control+Enter")
    gone = "name => !document.body.textContent.includes(name)"
    page.wait_for_function(gone, arg=name)
    assert page.evaluate("() => window.mouseEvents") == 0

    content = _signed(reader, name)
    assert content["impression"] == "Read without a mouse."
    assert [one["verdict"] for one in content["verdicts"].values()] == ["accept"]
    kinds = {one["geometry"]["kind"]: one for one in content["annotations"]}
    assert kinds["length"]["text"] == "By hand"
    assert kinds["box"]["missed_by_ai"] is True
    assert kinds["box"]["label"]["display"] == "Pneumonia"
    assert kinds["box"]["text"] == "low on the left"
    (left, top), (right, bottom) = kinds["box"]["geometry"]["points"]
    assert (left + right) / 2 < 512, "moved to the left of the middle"
    assert bottom - top > right - left, "its lower edge was moved"


def test_keys_are_changed_kept_and_given_back(new_reader) -> None:
    reader = new_reader()
    page = reader.page
    _log_in(reader, "southgate")
    page.evaluate(
        "async () => { const csrf = (await (await fetch('/api/session')).json())"
        ".csrf_token; await fetch('/api/hotkeys', {method: 'PUT', body: "
        "JSON.stringify({keys: {}}), headers: {'Content-Type': 'application/json', "
        "'X-CSRFToken': csrf}}); }"
    )
    page.reload()
    expect(page.get_by_role("button", name="Your account")).to_be_visible()
    page.keyboard.press("?")
    overlay = page.get_by_role("dialog")
    _focus_within(page)
    line = overlay.locator("[data-command='worklist.focus-search']")
    line.locator(".own-key").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("j")  # another command's
    expect(overlay.get_by_role("alert")).to_contain_text("J is the key of")
    page.keyboard.press("y")
    expect(line.locator("kbd").first).to_have_text("Y")
    reader.picture("own-keys")
    page.keyboard.press("Escape")
    expect(overlay).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("input[type=search]").first).not_to_be_focused()
    page.keyboard.press("y")
    expect(page.locator("input[type=search]").first).to_be_focused()

    other = new_reader()  # another computer
    _log_in(other, "southgate")
    # The key cap in the field tells that one's own keys are here.
    expect(other.page.locator("label.search kbd")).to_have_text("Y")
    other.page.keyboard.press("y")
    expect(other.page.locator("input[type=search]").first).to_be_focused()
    other.page.keyboard.press("Escape")
    other.page.keyboard.press("?")
    again = other.page.get_by_role("dialog")
    _focus_within(other.page)
    again.get_by_role("button", name="Reset all keys").focus()
    other.page.keyboard.press("Enter")
    expect(
        again.locator("[data-command='worklist.focus-search'] kbd").first
    ).to_have_text("/")
    other.page.keyboard.press("Escape")
    expect(other.page.locator("label.search kbd")).to_have_text("/")
    # The first window is not behind: what it changes next would undo the reset.
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    _focus_within(page)
    expect(line.locator("kbd").first).to_have_text("/")
    assert reader.errors == other.errors == []


def test_a_clash_of_keys_is_said_while_nothing_is_saved(new_reader) -> None:
    reader = new_reader()
    page = reader.page
    _log_in(reader, "southgate")
    page.route(
        "**/api/hotkeys",
        lambda route: (
            route.abort() if route.request.method == "PUT" else route.continue_()
        ),
    )
    page.keyboard.press("?")
    overlay = page.get_by_role("dialog")
    _focus_within(page)
    line = overlay.locator("[data-command='worklist.focus-search']")
    line.locator(".own-key").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the way through the page is no command's
    expect(overlay.get_by_role("alert")).to_contain_text("belongs to the browser")
    page.keyboard.press("y")
    expect(overlay.get_by_role("alert")).to_contain_text("not saved")
    expect(line.locator("kbd").first).to_have_text("Y")
    line.locator(".own-key").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    expect(overlay.get_by_role("alert")).to_contain_text("J is the key of")
    page.keyboard.press("Escape")
    expect(overlay.get_by_role("alert")).to_contain_text("not saved")
    # The portal answers again: what was not saved is, as soon as keys are looked at.
    page.unroute("**/api/hotkeys")
    page.keyboard.press("Escape")
    expect(overlay).to_have_count(0)
    page.keyboard.press("?")
    expect(line.locator("kbd").first).to_have_text("Y")
    expect(overlay.get_by_role("alert")).to_have_count(0)
    expect(overlay.get_by_role("button", name="Reset all keys")).to_be_visible()
    _focus_within(page)
    with page.expect_response("**/api/hotkeys") as answered:
        overlay.get_by_role("button", name="Reset all keys").focus()
        page.keyboard.press("Enter")
    assert answered.value.ok
    assert reader.errors == []
