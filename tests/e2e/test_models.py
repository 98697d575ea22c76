"""The models page: what there is, its card, a site that uses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]
MODEL = "paediatric-pneumonia 1.1.0"


def row(admin: Reader):
    return admin.page.get_by_role("row").filter(has_text=MODEL)


def use(admin: Reader, kind: str) -> None:
    page = admin.page
    row(admin).get_by_role("button", name=f"Use {MODEL} at a site").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Site").click()
    page.get_by_role("option", name="Southgate Clinic").click()
    dialog.get_by_role("combobox", name="As").click()
    page.get_by_role("option", name=re.compile(f"^{kind}")).click()
    dialog.get_by_role("button", name="Use it").click()
    expect(dialog).to_have_count(0)


def test_an_admin_reads_a_card_and_lets_a_site_use_a_model(new_reader):
    admin = new_reader()
    admin.login("admin")
    admin.page.goto(f"{admin.stack.url}/admin/models")
    expect(row(admin)).to_contain_text("On the signed list")
    row(admin).get_by_role("button", name="The card of").click()
    card = admin.page.get_by_role("dialog")
    expect(card).to_contain_text("Not for adults")
    expect(card).to_contain_text("0.9936")
    admin.picture("model-card")
    admin.page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    use(admin, "Shadow")
    expect(row(admin)).to_contain_text("Southgate Clinic (shadow)")
    use(admin, "Live")
    expect(row(admin)).to_contain_text("Southgate Clinic (live)")
    admin.picture("models")


def test_a_model_is_withdrawn_with_a_reason_only(new_reader):
    admin = new_reader()
    admin.login("admin")
    admin.page.goto(f"{admin.stack.url}/admin/models")
    row(admin).get_by_role("button", name=f"Withdraw {MODEL}").click()
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Withdraw it everywhere").click()
    expect(dialog).to_contain_text("reason")
    dialog.get_by_role("button", name="Cancel").click()
    expect(row(admin)).to_contain_text("On the signed list")
