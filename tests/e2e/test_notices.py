"""Notifications in the browser: the bell rings at once, and choices hold."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, send_film

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]


def bell(reader):
    return reader.page.get_by_role("button", name=re.compile("^Notifications"))


def make_stat(reader, name):
    reader.find(name)
    expect(reader.row(name)).to_have_count(1)
    answer = reader.page.evaluate(
        """async (name) => {
          const session = await (await fetch('/api/session')).json();
          const list = await (await fetch(`/api/worklist?q=${name}`)).json();
          const answer = await fetch(
            `/api/worklist/items/${list.items[0].id}/band`,
            {
              method: 'POST',
              headers: {
                'Content-Type': 'application/json',
                'X-CSRFToken': session.csrf_token,
              },
              body: JSON.stringify({
                band: 'STAT', reason_code: 'clinical_info', reason_text: '',
              }),
            },
          );
          return answer.status;
        }""",
        name,
    )
    assert answer == 200


def test_a_colleague_hears_of_a_stat_at_once_and_reads_it(new_reader):
    first, second = new_reader(), new_reader()
    first.login("radiologist")
    second.login("radiologist2")
    second.page.evaluate(
        """async () => {
          const session = await (await fetch('/api/session')).json();
          await fetch('/api/notifications/read', {
            method: 'POST',
            headers: {
              'Content-Type': 'application/json',
              'X-CSRFToken': session.csrf_token,
            },
            body: JSON.stringify({ ids: null }),
          });
        }"""
    )
    expect(bell(second)).to_have_accessible_name("Notifications, none unread")
    name = send_film(first.stack, age="054Y", number=30)
    make_stat(first, name)
    expect(bell(second)).to_have_accessible_name(
        "Notifications, 1 unread", timeout=9000
    )
    bell(second).click()
    drop = second.page.get_by_role("region", name="Notifications")
    expect(drop).to_contain_text("New STAT study")
    expect(drop).to_contain_text(name)
    second.page.wait_for_timeout(400)
    second.picture("bell")
    second.page.keyboard.press("Escape")

    second.page.goto(f"{second.stack.url}/notifications")
    row = second.page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("New STAT study")
    second.picture("notifications")
    row.get_by_role("button", name=re.compile("^Mark as read")).click()
    expect(bell(second)).to_have_accessible_name("Notifications, none unread")


def test_choices_are_kept_and_a_private_address_is_refused(reader):
    reader.login("southgate")
    reader.page.goto(f"{reader.stack.url}/notifications/settings")
    box = reader.page.get_by_role("checkbox", name="New STAT study: By webhook")
    before = box.is_checked()
    box.click()
    # It shows what the portal keeps.
    expect(box).to_be_checked(checked=not before)
    reader.page.reload()
    expect(box).to_be_checked(checked=not before)
    reader.page.get_by_label("Address (https://…)").fill("https://10.0.0.1/hook")
    reader.page.get_by_role("button", name="Set", exact=True).click()
    expect(reader.page.get_by_text("private network")).to_be_visible()
    reader.picture("notification-settings")
