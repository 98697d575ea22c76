"""Files come in through the browser: dropped, followed, broken off, gone on with."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import FILMS, SHARED, Reader, film
from tests.factories.dicom import make_dx, to_bytes

if TYPE_CHECKING:
    from pathlib import Path

NLST = SHARED / "ct_chest_nlst_143"
pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]


@pytest.fixture
def disc(tmp_path: Path) -> tuple[Path, str]:
    """Burn a disc: two films, one more in a zip, and what is no image."""
    name = f"E2E{uuid4().hex[:9].upper()}"
    folder = tmp_path / "CD"
    (folder / "DICOM").mkdir(parents=True)
    films = [
        to_bytes(make_dx(film(n), patient_name=name, patient_id=name, age="004Y"))
        for n in range(3)
    ]
    (folder / "DICOM" / "IM0001").write_bytes(films[0])
    (folder / "DICOM" / "IM0002").write_bytes(films[1])
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("IM0003", films[2])
    (folder / "README.txt").write_text(f"The disc of {name}.")
    return folder, name


def _open(reader: Reader) -> Page:
    reader.page.get_by_role("link", name="Import").click()
    expect(reader.page.get_by_text("Drop a CD, folders")).to_be_visible()
    return reader.page


def _choose(page: Page, folder: Path) -> None:
    page.get_by_test_id("folder-input").first.set_input_files(folder)


def _shown(page: Page, name: str) -> int:
    """Return how many files a filter of the report says that it has."""
    text = page.get_by_role("button", name=re.compile(f"^{name} \\d")).inner_text()
    return int(re.sub(r"\D", "", text))


def test_a_disc_is_imported_and_every_file_accounted_for(reader, disc):
    folder, name = disc
    reader.login("radiologist")
    page = _open(reader)
    _choose(page, folder)
    now = page.get_by_label("This import")
    expect(now.get_by_text("4 of 4 files")).to_be_visible()
    expect(now.get_by_text("Done")).to_be_visible()
    assert re.search(r"/import/[0-9a-f-]{36}$", page.url), "no file name in a URL"
    assert (_shown(page, "New"), _shown(page, "Zips")) == (3, 1)
    table = page.get_by_role("table", name="The report")
    page.get_by_role("button", name=re.compile("^To look at")).click()
    refused = table.get_by_role("row").filter(has_text="README.txt")
    expect(refused).to_contain_text("Refused")
    reader.picture("import-done")
    with page.expect_download() as download:
        page.get_by_role("button", name="Report as CSV").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "name,bytes,status,reason,study_uid,in_zip"
    assert len(lines) == 1 + 4 + 1, "each file once, and the member of the zip"
    assert name not in download.value.suggested_filename

    _choose(page, folder)  # the same disc once more: nothing is stored twice
    expect(
        page.get_by_role("button", name=re.compile("^Here before 3"))
    ).to_be_visible()
    expect(now.get_by_text("Done")).to_be_visible()
    assert _shown(page, "New") == 0

    page.get_by_role("link", name="To the worklist").click()
    reader.find(name)
    expect(reader.row(name).first).to_be_visible()


@pytest.mark.skipif(not NLST.exists(), reason="the NLST CT is not here")
def test_an_import_goes_on_after_the_window_was_closed(reader):
    reader.login("radiologist")
    page = _open(reader)
    page.on("dialog", lambda dialog: dialog.accept())
    _choose(page, NLST)
    now = page.get_by_label("This import")
    expect(now.get_by_text(re.compile(r"^[1-9]\d* of 144 files"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(now.get_by_text("Paused. What is sent is safe.")).to_be_visible()
    reader.picture("import-paused")
    page.reload()
    left = page.get_by_role("status").filter(has_text="is not finished")
    expect(left).to_be_visible()
    with page.expect_file_chooser() as chooser:
        left.get_by_role("button", name="Choose the folder…").click()
    chooser.value.set_files(NLST)
    expect(now.get_by_text("144 of 144 files")).to_be_visible()
    expect(now.get_by_text("not sent again")).to_be_visible()
    expect(now.get_by_text("Done")).to_be_visible()
    assert _shown(page, "New") + _shown(page, "Here before") == 144
    assert _shown(page, "To look at") == 0
    reader.picture("import-resumed")


def test_who_may_not_import_has_no_way_to_it(reader):
    reader.login("annotator")
    expect(reader.page.get_by_role("link", name="Import")).to_have_count(0)
    reader.page.goto(f"{reader.stack.url}/import")
    heading = reader.page.get_by_role("heading", name="Import: not for your role")
    expect(heading).to_be_visible()
