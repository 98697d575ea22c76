"""The report templates' admin page: a change is a version, and holds in the room."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]


def test_a_template_is_edited_previewed_and_put_back(reader):
    reader.login("lead")
    page = reader.page
    page.goto(f"{reader.stack.url}/admin/templates")
    row = page.get_by_role("row").filter(has_text="mammogram")
    expect(row).to_be_visible()
    reader.picture("templates")
    row.get_by_role("button", name=re.compile("^Edit")).click()
    dialog = page.get_by_role("dialog")
    density = dialog.get_by_role("group", name=re.compile("Breast density"))
    density.get_by_role("checkbox", name="Required before signing").check()
    density.get_by_label("Begins with").fill("ACR b.")
    preview = dialog.get_by_role("region", name="Nothing found")
    expect(preview).to_contain_text("ACR b.")
    expect(dialog.get_by_role("region", name="With a finding")).to_contain_text(
        "Pneumonia: right lower lobe."
    )
    page.wait_for_timeout(400)
    reader.picture("template-editor")
    dialog.get_by_role("button", name="Save as a new version").click()
    expect(dialog).to_have_count(0)
    expect(row).to_contain_text(re.compile("Version [0-9]+"))
    expect(row).to_contain_text("Breast density (ACR a–d)")

    row.get_by_role("button", name=re.compile("^Versions")).click()
    expect(dialog.get_by_text("Holds")).to_be_visible()
    page.wait_for_timeout(400)
    reader.picture("template-versions")
    dialog.get_by_role("button", name="Let the shipped one hold again").click()
    expect(row).to_contain_text("Shipped")
