"""Accounts: one is opened, closed and helped; passwords; the rules of a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]
FRESH = re.compile(r"^New password( \*)?$")
FIRST, OWN = "given on a slip of paper", "known to nobody else"


def try_login(reader: Reader, username: str, password: str) -> None:
    reader.page.goto(reader.stack.url)
    reader.page.locator("input").first.fill(username)
    reader.page.locator("input[type=password]").fill(password)
    reader.page.keyboard.press("Enter")


def add_person(admin: Reader) -> str:
    username = f"p{uuid4().hex[:8]}"
    page = admin.page
    page.goto(f"{admin.stack.url}/admin/users")
    page.get_by_role("button", name="Add a user").click()
    form = page.get_by_role("dialog")
    form.get_by_label("User name").fill(username)
    form.get_by_label("Name, as others see it").fill(f"Dr. {username}")
    form.get_by_label("First password").fill(FIRST)
    form.get_by_role("combobox", name="Site").click()
    page.get_by_role("option").first.click()
    form.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="Radiologist").click()
    form.get_by_role("button", name="Add").click()
    expect(form).to_have_count(0)
    return username


def choose(admin: Reader, username: str, item: str) -> None:
    row = admin.page.get_by_role("row").filter(has_text=username)
    row.get_by_role("button", name=re.compile("^Change the account")).click()
    admin.page.get_by_role("menuitem", name=item).click()


def choose_own_password(reader: Reader, *, old: str, new: str) -> None:
    page = reader.page
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    page.get_by_label("Present password").fill(old)
    page.get_by_label(FRESH).fill(new)
    page.get_by_label("New password once more").fill("something different")
    expect(page.get_by_text("The two are not the same.")).to_be_visible()
    reader.picture("password-first")
    page.get_by_label("New password once more").fill(new)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("button", name="Your account")).to_be_visible()


def test_a_new_colleague_chooses_a_password_is_shut_out_and_helped(new_reader):
    admin, person = new_reader(), new_reader()
    admin.login("admin")
    username = add_person(admin)
    try_login(person, username, FIRST)
    choose_own_password(person, old=FIRST, new=OWN)
    expect(person.page.get_by_role("tab", name="My queue")).to_be_visible()

    choose(admin, username, "Close the account")
    admin.page.get_by_role("button", name="Close account").click()
    row = admin.page.get_by_role("row").filter(has_text=username)
    expect(row).to_contain_text("not active")
    admin.picture("people")
    try_login(person, username, OWN)
    expect(person.page.get_by_text("is not right")).to_be_visible()

    choose(admin, username, "Open the account again")
    expect(row).not_to_contain_text("not active")
    choose(admin, username, "New password")
    form = admin.page.get_by_role("dialog")
    form.get_by_label("Password to log in with once").fill("short")
    form.get_by_role("button", name="Set password").click()
    expect(form.get_by_text("too short")).to_be_visible()
    form.get_by_label("Password to log in with once").fill(FIRST)
    form.get_by_role("button", name="Set password").click()
    expect(row).to_contain_text("has to choose a password")
    try_login(person, username, FIRST)
    choose_own_password(person, old=FIRST, new=OWN)
    assert admin.errors == person.errors == []


def test_a_password_is_changed_in_ones_own_menu(new_reader):
    admin, person = new_reader(), new_reader()
    admin.login("admin")
    username = add_person(admin)
    try_login(person, username, FIRST)
    choose_own_password(person, old=FIRST, new=OWN)
    page = person.page
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Change password").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Present password").fill("not this one")
    form.get_by_label(FRESH).fill("another one altogether")
    form.get_by_label("New password once more").fill("another one altogether")
    form.get_by_role("button", name="Change password").click()
    expect(form.get_by_text("is not your present password")).to_be_visible()
    form.get_by_label("Present password").fill(OWN)
    form.get_by_role("button", name="Change password").click()
    expect(form.get_by_text("Your password was changed.")).to_be_visible()
    person.picture("password-changed")
    form.get_by_role("button", name="Close").last.click()
    page.reload()
    expect(page.get_by_role("button", name="Your account")).to_be_visible()
    try_login(new := new_reader(), username, "another one altogether")
    expect(new.page.get_by_role("button", name="Your account")).to_be_visible()


def test_a_leads_rules_hold_after_a_reload_and_impossible_ones_say_why(reader):
    reader.login("lead")
    page = reader.page
    page.goto(f"{reader.stack.url}/admin/list-rules")
    stat = page.get_by_role("textbox", name="STAT", exact=True)
    before = stat.input_value()
    page.get_by_label("Why").fill("a night with one reader")
    stat.fill("9000")
    expect(page.get_by_text("Later than the band below")).to_be_visible()
    expect(page.get_by_role("button", name="Set the rules")).to_be_disabled()
    stat.fill(str(int(float(before)) + 5))
    page.get_by_role("button", name="Set the rules").click()
    expect(page.get_by_text("The rules are set")).to_be_visible()
    reader.picture("list-rules")
    page.reload()
    expect(stat).to_have_value(str(int(float(before)) + 5))
    stat.fill(before)
    page.get_by_label("Why").fill("as it was")
    page.get_by_role("button", name="Set the rules").click()
    expect(page.get_by_text("The rules are set")).to_be_visible()


def test_a_lead_simulates_the_lists_own_rules_and_a_flood(reader):
    reader.login("lead")
    page = reader.page
    page.goto(f"{reader.stack.url}/admin/simulator")
    page.get_by_label("8 to 18 h").fill("0")
    page.get_by_label("18 to 22 h").fill("0")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_text("the list only grows")).to_be_visible()
    page.get_by_label("8 to 18 h").fill("3")
    page.get_by_label("18 to 22 h").fill("2")
    page.get_by_label("22 to 8 h").fill("1")
    page.get_by_role("button", name="Simulate").click()
    table = page.get_by_role("table", name="Waiting by rule and group")
    expect(table).to_be_visible()
    ill = table.get_by_role("row", name=re.compile("^Ill"))
    waits = [float(one) for one in ill.locator("b").all_inner_texts()]
    assert len(waits) == 5
    assert waits[3] < waits[0], "ours is shorter than first in, first out"
    reader.picture("simulator")
