"""The audit log: what somebody changed in the database itself is seen on the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from playwright.sync_api import expect

from tests.doors.bench import read_env
from tests.faults.running import wait_until

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]

SEALED_WITHIN_S = 600
INTACT = re.compile(r"nothing was changed since it was sealed")


def rename(reader: Reader, name: str) -> str:
    """Change the name in a sealed record as only the database's owner can.

    Returns:
        The name that was there.
    """
    owner = read_env(reader.stack)["DATABASE_OWNER_URL"]
    with psycopg.connect(owner) as connection:
        connection.execute("ALTER TABLE audit_auditrecord DISABLE TRIGGER USER")
        found = connection.execute(
            "SELECT id, actor_name FROM audit_auditrecord"
            " WHERE id = (SELECT min(last_id) FROM audit_auditseal)"
        ).fetchone()
        assert found is not None
        connection.execute(
            "UPDATE audit_auditrecord SET actor_name = %s WHERE id = %s",
            [name, found[0]],
        )
        connection.execute(
            "ALTER TABLE audit_auditrecord ENABLE ALWAYS TRIGGER audit_insert_only"
        )
    return str(found[1])


def checked_at(reader: Reader) -> str | None:
    answer = reader.page.request.get(f"{reader.stack.url}/api/audit/seals")
    said: str | None = answer.json()["checked_at"]
    return said


def compare(reader: Reader) -> None:
    before = checked_at(reader)
    button = reader.page.get_by_role("button", name="Compare now")
    expect(button).to_be_enabled()
    button.click()
    wait_until(
        lambda: checked_at(reader) != before, "the log is compared", within_s=120
    )
    expect(button).to_be_enabled()


def test_a_record_changed_in_the_database_is_seen(reader):
    reader.login("admin")
    page = reader.page
    for _ in range(SEALED_WITHIN_S // 5):
        page.goto(f"{reader.stack.url}/admin/audit")
        seals = page.get_by_role("region", name="Seals on the log")
        expect(seals).to_be_visible()
        if "Nothing is sealed yet" not in seals.inner_text():
            break
        page.wait_for_timeout(5_000)
    compare(reader)
    expect(seals).to_contain_text(INTACT)
    reader.picture("audit-intact")

    before = rename(reader, "nobody")
    try:
        compare(reader)
        warning = page.get_by_role("alert").filter(has_text="was changed after")
        expect(warning).to_contain_text("at least one was changed")
        reader.picture("audit-changed")
    finally:
        rename(reader, before)
    compare(reader)
    expect(seals).to_contain_text(INTACT)
    expect(warning).to_have_count(0)
