"""Slots: a threshold is tried and holds, the list follows, and one goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.test_accessibility import _violations

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]
TASK = "phantom-haemorrhage"


def test_a_threshold_is_tried_holds_and_is_taken_back(new_reader):
    admin: Reader = new_reader()
    admin.login("admin")
    page = admin.page
    page.goto(f"{admin.stack.url}/admin/slots")
    page.get_by_role("combobox", name="Site").click()
    page.get_by_role("option", name="Southgate Clinic").click()
    row = page.get_by_role("row").filter(has_text=TASK)
    number = int(row.get_by_role("cell").nth(3).inner_text())
    row.get_by_role("button", name=f"Open {TASK}, Live").click()
    field = page.get_by_role("textbox", name="Threshold")
    before = field.input_value()
    asked = "0.42" if before != "0.42" else "0.43"
    field.fill(asked)
    hold = page.get_by_role("button", name=f"Let {asked} hold")
    expect(hold).to_have_attribute("aria-disabled", "true")
    page.get_by_role("textbox", name="Reason").fill("too much missed")
    admin.picture("slot-threshold")
    assert _violations(page) == []
    hold.click()
    expect(page.get_by_text(f"Version {number + 1}")).to_be_visible()

    page.get_by_role("button", name="Calibration", exact=True).click()
    expect(page.get_by_text("It needs 100 studies")).to_be_visible()
    assert _violations(page) == []
    page.get_by_role("button", name="Routing", exact=True).click()
    page.get_by_role("combobox", name="Modalities").fill("CT")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Try on history").click()
    expect(
        page.get_by_text("It would have fired").or_(page.get_by_text("Nothing arrived"))
    ).to_be_visible()
    assert _violations(page) == []
    page.get_by_role("button", name="Versions", exact=True).click()
    expect(page.get_by_role("cell", name="too much missed").first).to_be_visible()
    assert _violations(page) == []
    page.get_by_role("button", name=f"Go back to version {number}", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Reason").fill("floods the list")
    dialog.get_by_role("button", name="Go back to it").click()
    expect(page.get_by_text(f"Version {number + 2}")).to_be_visible()
    page.get_by_role("button", name="Threshold", exact=True).click()
    expect(page.get_by_role("textbox", name="Threshold")).to_have_value(before)
    page.get_by_role("button", name="All slots").click()
    expect(page.get_by_role("row").filter(has_text=TASK)).to_contain_text(
        "The open list follows it"
    )
