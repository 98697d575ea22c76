"""Adding a model on a page: what lacks is told, a pickle refused, an ONNX added."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import torch
from playwright.sync_api import expect

from tests.e2e.test_accessibility import _violations as serious_troubles
from tests.workers.importing.makers import FILM_CARD, SmallNet, make_onnx

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest.fixture
def admin(reader: Reader) -> Reader:
    reader.login("admin")
    reader.page.goto(f"{reader.stack.url}/admin/models")
    return reader


def choose(admin: Reader, path) -> Locator:
    """Choose a file, as the system's dialogue would hand it over; return its panel."""
    admin.page.get_by_test_id("files-input").first.set_input_files(path)
    panel = admin.page.get_by_role("region", name=path.name)
    expect(panel).to_contain_text("all of it at the portal")
    return panel


def fill_card(panel: Locator, tmp_path, card) -> None:
    path = tmp_path / "card.json"
    path.write_text(json.dumps(card))
    panel.get_by_test_id("card-input").set_input_files(path)


def test_a_model_is_added_on_the_page_after_what_was_missing_is_said(admin, tmp_path):
    name = f"page-{uuid4().hex[:8]}"
    panel = choose(admin, make_onnx(tmp_path / f"{name}.onnx"))
    expect(panel).to_contain_text("“purpose” is not said")
    fill_card(panel, tmp_path, {**FILM_CARD, "name": name, "purpose": ""})
    expect(panel).to_contain_text("The card lacks one thing")
    admin.picture("model-add-form")
    assert serious_troubles(admin.page) == []
    panel.get_by_role("button", name="Import it").click()
    expect(panel).to_contain_text("It was not imported")
    expect(panel).to_contain_text("“purpose” is not said")
    admin.picture("model-add-refused")
    panel.get_by_role("textbox", name="Purpose").fill("Tests of the page.")
    expect(panel).to_contain_text("The card has all that is known to be needed")
    panel.get_by_role("button", name="Try again").press("Enter")
    expect(panel).to_contain_text(re.compile("comparing|running it|Being imported"))
    expect(panel).to_contain_text(f"{name} 1 is added")
    expect(panel).to_contain_text("the labels' logits differ by at most")
    panel.get_by_role("button", name="Use it as shadow").click()
    expect(panel).to_contain_text("It runs as shadow at")
    row = admin.page.get_by_role("table", name="Models", exact=True).get_by_role("row")
    mine = row.filter(has_text=name)
    expect(mine).to_contain_text("(shadow)")
    mine.get_by_role("button", name=f"Check {name} 1").click()
    expect(admin.page.get_by_text("signed list are as they were")).to_be_visible()
    admin.picture("model-added")
    assert serious_troubles(admin.page) == []
    mine.get_by_role("button", name=f"Withdraw {name} 1").click()
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Reason").fill("a test")
    dialog.get_by_role("button", name="Withdraw it everywhere").click()
    expect(dialog).to_have_count(0)


def test_a_pickled_model_is_refused_with_its_reason_and_its_upload_removed(
    admin, tmp_path
):
    path = tmp_path / f"pickled-{uuid4().hex[:8]}.pt"
    torch.save(SmallNet(), path)
    panel = choose(admin, path)
    fill_card(panel, tmp_path, FILM_CARD)
    expect(panel).to_contain_text("The card has all")
    panel.get_by_role("button", name="Import it").click()
    expect(panel).to_contain_text("would run code")
    panel.get_by_role("button", name="Remove the upload").click()
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Remove it").click()
    expect(panel.get_by_role("button", name="Try again")).to_have_count(0)
    earlier = admin.page.get_by_role("table", name="Imports of models")
    expect(earlier.get_by_role("row").filter(has_text=path.name)).to_contain_text(
        "would run code"
    )


def test_the_series_of_a_model_of_several_can_be_said_by_everybody(admin, tmp_path):
    name = f"series-{uuid4().hex[:8]}"
    panel = choose(admin, make_onnx(tmp_path / f"{name}.onnx"))
    roles = [{"name": "T2", "weighting": "T2"}, {"name": "ADC", "weighting": "ADC"}]
    taken = {"kind": "volume", "modalities": ["MR"], "roles": roles}
    fill_card(panel, tmp_path, {**FILM_CARD, "name": name, "input": taken})
    first = panel.get_by_role("textbox", name="Series 1: Role")
    expect(first).to_have_value("T2")
    assert serious_troubles(admin.page) == []
    panel.get_by_role("button", name="Add a series").press("Enter")
    third = panel.get_by_role("textbox", name="Series 3: Role")
    third.fill("DWI")
    panel.get_by_role("combobox", name="Series 3: Weighting").click()
    admin.page.get_by_role("option", name="DWI", exact=True).click()
    panel.get_by_role("textbox", name="Series 3: b-value from").fill("800")
    expect(panel).to_contain_text("Saved.")
    assert serious_troubles(admin.page) == []
    admin.picture("model-add-series")
    panel.get_by_role("button", name="Move series 3 up").press("Enter")
    second = panel.get_by_role("textbox", name="Series 2: Role")
    expect(second).to_have_value("DWI")
    panel.get_by_role("button", name="Cancel the import").click()
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Cancel the import").click()
    expect(dialog).to_have_count(0)
