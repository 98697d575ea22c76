"""Every page is asked what axe-core thinks of it; and Tab is never lost on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import FILMS, Reader, send_film

FRONTEND = Path(__file__).parents[2] / "frontend"
AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
ADMIN_TABS = (
    "health",
    "quarantine",
    "arrivals",
    "work",
    "ae-titles",
    "users",
    "models",
    "slots",
    "protocols",
    "templates",
    "audit",
    "exports",
)
pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (npm ci)"),
]


def _violations(page: Page, within: str = "html") -> list[str]:
    """Return what axe finds grave there as the page is now, one line a rule."""
    page.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
    found: list[dict[str, Any]] = page.evaluate(
        "async within => (await axe.run(within)).violations", within
    )
    return [
        f"{one['impact']} {one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in GRAVE
    ]


def _go(reader: Reader, path: str) -> Page:
    reader.page.goto(f"{reader.stack.url}/{path}")
    expect(reader.page.get_by_role("button", name="Your account")).to_be_visible()
    return reader.page


def test_the_log_in(reader):
    reader.page.goto(reader.stack.url)
    expect(reader.page.get_by_role("heading", name="Log in")).to_be_visible()
    assert _violations(reader.page) == []
    reader.page.get_by_label("User name").fill("nobody")
    reader.page.get_by_label("Password").fill("wrong")
    reader.page.keyboard.press("Enter")
    expect(reader.page.get_by_role("alert")).to_be_visible()
    reader.page.wait_for_timeout(300)
    assert _violations(reader.page) == []


@pytest.mark.parametrize("tab", ADMIN_TABS)
def test_the_admin_pages(reader, tab):
    reader.login("admin")
    page = _go(reader, f"admin/{tab}")
    expect(page.get_by_role("table").first).to_be_visible()
    page.wait_for_timeout(1000)
    assert _violations(page) == []


@pytest.mark.parametrize(
    ("tab", "button"),
    [("users", "Add a user…"), ("ae-titles", "Remove ")],
)
def test_the_admin_dialogues(reader, tab, button):
    reader.login("admin")
    page = _go(reader, f"admin/{tab}")
    page.get_by_role("button", name=button).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(500)
    assert _violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(
    "item",
    ["Give a role…", "Name and e-mail…", "New password…", "Close the account…"],
)
def test_the_dialogues_about_a_person(reader, item):
    reader.login("admin")
    page = _go(reader, "admin/users")
    page.get_by_role("button", name="Change the account of Ana Duarte").click()
    page.get_by_role("menuitem", name=item).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(500)
    assert _violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("tab", ["list-rules", "simulator"])
def test_the_pages_of_a_lead(reader, tab):
    reader.login("lead")
    page = _go(reader, f"admin/{tab}")
    expect(page.get_by_role("textbox").first).to_be_visible()
    page.wait_for_timeout(500)
    assert _violations(page) == []


def test_the_import(reader):
    reader.login("radiologist")
    page = _go(reader, "import")
    expect(page.get_by_text("Drop a CD, folders")).to_be_visible()
    page.wait_for_timeout(1000)
    assert _violations(page) == []


@pytest.mark.real_data
@pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here")
def test_the_worklist_and_the_reading_room(reader):
    reader.login("radiologist")
    name = send_film(reader.stack)
    reader.find(name)
    row = reader.row(name)
    expect(row).to_contain_text("Done")
    assert _violations(reader.page) == []
    row.get_by_role("button", name=re.compile("^Why")).click()
    expect(reader.page.get_by_text("Why rank")).to_be_visible()
    reader.page.wait_for_timeout(500)
    assert _violations(reader.page) == []
    reader.page.keyboard.press("Escape")
    row.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator("canvas:not(.early-pixels)").first).to_be_visible()
    reader.page.wait_for_timeout(1000)
    assert _violations(reader.page) == []


def test_the_tokens_are_made_once_and_revoked(reader):
    reader.login("radiologist")
    page = _go(reader, "")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="My API tokens").click()
    expect(page.get_by_role("heading", name="My API tokens")).to_be_visible()
    page.wait_for_timeout(500)
    assert _violations(page) == []

    page.get_by_label("Name", exact=True).fill("Archive script, PC 7")
    page.get_by_role("button", name="Make a token").click()
    secret = page.get_by_label("Token", exact=True)
    expect(secret).to_have_value(re.compile(r"^ovr_\w"))
    token = secret.input_value()
    page.wait_for_timeout(500)
    assert _violations(page) == []
    reader.picture("token-made")
    asked = page.context.request.get
    headers = {"Authorization": f"Bearer {token}"}
    studies = f"{reader.stack.url}/dicom-web/studies?limit=1"
    assert asked(studies, headers=headers).status in (200, 204)

    page.reload()  # it was shown once
    row = page.get_by_role("row").filter(has_text=token[:8])
    expect(row).to_contain_text("ago")
    assert token not in page.content()

    row.get_by_role("button", name="Revoke Archive script").click()
    dialogue = page.get_by_role("dialog")
    expect(dialogue.get_by_role("button", name="Cancel")).to_be_focused()
    page.wait_for_timeout(500)
    assert _violations(page) == []
    dialogue.get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_have_count(0)
    assert asked(studies, headers=headers).status == 401


@pytest.mark.parametrize("path", ["", "import", "tokens", "admin/users"])
def test_tab_reaches_everything_with_a_ring(reader, path):
    reader.login("admin" if path.startswith("admin") else "radiologist")
    page = _go(reader, path)
    page.wait_for_timeout(1000)
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                  const one = document.activeElement;
                  const look = getComputedStyle(one);
                  const near = one.parentElement ?? one;  // a field in its frame
                  const ring = look.boxShadow !== 'none'
                    || look.outlineStyle !== 'none'
                    || getComputedStyle(near).boxShadow !== 'none';
                  return [one.tagName + ' ' + one.className.slice(0, 40), ring];
                }"""
            )
        )
    places = [name for name, _ in seen]
    assert len(set(places)) > 2, f"Tab is stuck: {places}"
    assert [name for name, ring in seen if not ring and name[:4] != "BODY"] == []
