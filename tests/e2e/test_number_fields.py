"""Number fields of an admin: an empty one is no number, and a limit may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]


def test_an_emptied_deadline_sets_nothing(reader: Reader):
    reader.login("admin")
    page = reader.page
    page.goto(f"{reader.stack.url}/admin/list-rules")
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.method))
    stat = page.get_by_role("textbox", name="STAT", exact=True)
    submit = page.get_by_role("button", name="Set the rules")
    why = page.get_by_role("textbox", name="Why")
    stat.fill("")
    why.fill("a slip of the hand")
    expect(stat).to_have_value("")
    expect(submit).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_text("Give a number")).to_be_visible()
    why.press("Enter")

    stat.fill("600")
    expect(page.get_by_text("Later than the band below")).to_be_visible()
    expect(submit).to_have_attribute("aria-disabled", "true")
    why.press("Enter")
    assert "PUT" not in sent


def test_the_simulator_takes_its_own_limits_and_forgets_an_old_answer(reader: Reader):
    reader.login("admin")
    page = reader.page
    page.goto(f"{reader.stack.url}/admin/simulator")
    specificity = page.get_by_role("textbox", name="Specificity")
    expected = page.get_by_role("textbox", name="Studies a day that you expect")
    simulate = page.get_by_role("button", name="Simulate")
    answer = page.get_by_role("table")
    specificity.fill("99.9")
    expected.fill("60")
    simulate.click()
    expect(answer).to_be_visible()
    expect(page.get_by_text("It could not be simulated")).to_have_count(0)

    read_time = page.get_by_role("textbox", name="Minutes a read, mean")
    read_time.fill("")
    expect(answer).to_have_count(0)
    expect(page.get_by_text("Give a number")).to_be_visible()
    expect(simulate).to_have_attribute("aria-disabled", "true")
