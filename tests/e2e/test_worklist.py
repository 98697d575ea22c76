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


# What a key did is on the screen: a frame was begun after it, and has ended.
_DRAWN = """() => new Promise(done =>
  requestAnimationFrame(() => requestAnimationFrame(() => done())))"""


def rows(reader):
    return reader.page.locator("[data-testid=rows] [role=row]")


def head(reader, name):
    return reader.page.get_by_role("columnheader").filter(has_text=name)


def settle(reader):
    expect(rows(reader).first).to_be_visible()
    reader.answered()


def press(reader, *keys):
    for key in keys:
        reader.page.keyboard.press(key)
        reader.page.evaluate(_DRAWN)


def narrow(reader, name):
    """Leave one patient on the list, and give the keys back to it."""
    reader.find(name)
    expect(rows(reader)).to_have_count(1)
    expect(reader.row(name)).to_be_visible()
    reader.page.locator("input[type=search]").blur()


def leave(reader):
    """Go back to the list, and give the study back."""
    expect(reader.page.locator("canvas").first).to_be_visible()
    with reader.page.expect_response(
        lambda one: one.request.method == "DELETE" and "/lease?" in one.url
    ):
        press(reader, "Escape")


def test_a_double_click_opens_what_was_under_its_first_click(reader, stack):
    first, second = send_film(stack), send_film(stack)
    reader.login("radiologist")
    for name in (second, first):
        narrow(reader, name)
    item = reader.row(first).get_attribute("id").removeprefix("row-")
    box = reader.row(first).bounding_box()
    mouse = reader.page.mouse
    mouse.move(box["x"] + 300, box["y"] + box["height"] / 2)
    mouse.down()
    with reader.page.expect_response("**/api/worklist/window"):
        reader.page.locator("input[type=search]").fill(second)
    reader.page.wait_for_timeout(300)
    # The list has narrowed to somebody else, who is not put under the button.
    expect(reader.row(first)).to_be_visible()
    expect(reader.row(second)).to_have_count(0)
    mouse.up()
    mouse.down(click_count=2)
    mouse.up(click_count=2)
    reader.page.wait_for_url(f"**/read/{item}*")
    leave(reader)


def test_a_search_that_is_left_before_it_is_asked_for_is_there_on_coming_back(
    reader, stack
):
    """Words are asked for when the typing pauses; who goes on at once loses none."""
    name = send_film(stack)
    reader.login("radiologist")
    expect(rows(reader).first).to_be_visible()
    # In one go: between two commands of a test the typing would have paused.
    reader.page.evaluate(
        """name => {
          const field = document.querySelector('input[type=search]');
          const { set } = Object.getOwnPropertyDescriptor(
            HTMLInputElement.prototype, 'value');
          set.call(field, name);
          field.dispatchEvent(new Event('input', { bubbles: true }));
          history.pushState(null, '', '/signed');
        }""",
        name,
    )
    expect(reader.page.locator("input[type=search][maxlength='100']")).to_have_count(0)
    reader.page.go_back()
    expect(rows(reader)).to_have_count(1)
    expect(reader.row(name)).to_be_visible()
    field = reader.page.locator("input[type=search]").first
    expect(field).to_have_value(name)


def test_two_clicks_on_two_rows_are_no_double_click(reader, stack):
    for _ in range(2):
        send_film(stack)
    reader.login("radiologist2")
    settle(reader)
    # Not one that an earlier test's reader still holds.
    free = rows(reader).filter(has_text="Free")
    ids = [free.nth(place).get_attribute("id") for place in range(2)]
    above, below = (reader.page.locator(f"id={one}") for one in ids)
    item = ids[1].removeprefix("row-")
    above.dispatch_event("mousedown", {"detail": 1})
    above.dispatch_event("click", {"detail": 1})
    # As if the second row had come up under the pointer.
    below.dispatch_event("mousedown", {"detail": 2})
    below.dispatch_event("click", {"detail": 2})
    below.dispatch_event("dblclick", {"detail": 2})
    reader.page.wait_for_timeout(700)
    assert "/read/" not in reader.page.url
    below.dispatch_event("mousedown", {"detail": 1})
    below.dispatch_event("dblclick", {"detail": 2})
    reader.page.wait_for_url(f"**/read/{item}*")
    leave(reader)


def test_a_reader_typed_before_the_readers_are_known_is_not_lost(new_reader, stack):
    name = send_film(stack)
    lead = new_reader()
    waiting = []
    lead.page.route("**/api/worklist/readers", lambda one: waiting.append(one))
    lead.login("lead")
    narrow(lead, name)
    press(lead, "j", "x", "a")
    lead.page.get_by_role("combobox", name="Reader").press_sequentially("Rosa")
    press(lead, "ArrowDown", "Enter", "Enter")
    expect(lead.page.get_by_text("Asking who reads here")).to_be_visible()
    lead.picture("worklist-readers-awaited")
    for route in waiting:
        route.continue_()
    expect(lead.page.get_by_text("assigned to Dr. Rosa Lindqvist")).to_be_visible()
    expect(lead.row(name)).to_contain_text("For Dr. Rosa Lindqvist")
    press(lead, "u")
    expect(lead.row(name)).to_contain_text("Free")
    assert lead.errors == []


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
    # A new study may stand below what is drawn of a long list: it is searched for.
    for name in reversed(names):
        narrow(lead, name)
    press(lead, "j", "x", "a")
    lead.page.get_by_role("combobox", name="Reader").fill("Rosa")
    press(lead, "ArrowDown", "Enter", "Enter")
    expect(lead.page.get_by_text("assigned to Dr. Rosa Lindqvist")).to_be_visible()
    expect(lead.row(names[0])).to_contain_text("For Dr. Rosa Lindqvist")
    lead.picture("worklist-assigned")
    reader.page.get_by_role("tab", name="Mine").click()
    expect(reader.row(names[0])).to_contain_text("For you")
    for one, whom in ((lead, "To Dr. Rosa Lindqvist"), (reader, "To me")):
        one.find("")
        one.page.get_by_role("button", name="Assigned", exact=True).click()
        one.page.get_by_role("radio", name=re.compile(f"^{whom}")).check()
        one.picture(f"worklist-{whom.split()[-1]}")
        press(one, "Escape")
        expect(one.row(names[0])).to_be_visible()
        for row in rows(one).all():
            expect(row).to_contain_text("For ")
        one.page.get_by_role("button", name=re.compile("Assigned$")).click()
    press(lead, "u")
    expect(reader.row(names[0])).to_have_count(0)
    narrow(lead, names[0])
    expect(lead.row(names[0])).to_contain_text("Free")
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


@pytest.mark.parametrize("width", [1024, 640])
def test_the_next_study_can_be_taken_in_a_narrow_window(reader, stack, width):
    send_film(stack)
    reader.login("radiologist")
    settle(reader)
    reader.page.set_viewport_size({"width": width, "height": 720})
    take = reader.page.get_by_role("button", name=re.compile("^Take next"))
    expect(take).to_be_in_viewport(ratio=1)
    box = take.bounding_box()
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    on_top = "([x, y]) => document.elementFromPoint(x, y).closest('button').innerText"
    assert reader.page.evaluate(on_top, middle).startswith("Take next")


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
