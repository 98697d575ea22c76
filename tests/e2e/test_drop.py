"""A folder and a file are let go over the import page: a real drop, real entries.

Chromium is told of the drag as the desktop would tell it, with paths on disk; what
the page is given are entries of the file system, folders among them, which no script
can make up.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.factories.dicom import make_dx, to_bytes

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.stack, pytest.mark.browser]
N_IMAGES, N_NOTES = 24, 80
"""Together more than the hundred that a browser names at once of a folder."""

SIDE = 256
SLOW_LINE = {"latency": 20, "downloadThroughput": -1, "uploadThroughput": 1 << 20}
FULL_SPEED = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
REASONS = {
    "CD/README.txt": "This is a text file, not a DICOM file.",
    "CD/DICOM/EMPTY": "The file is empty.",
    "CD/DICOM/CUT": "The file ends in the middle.",
    "CD/DICOM/NOUID": "The object does not say its SOP Instance UID.",
    "CD/more.zip!notes.txt": "This is a text file, not a DICOM file.",
}


@dataclass(frozen=True)
class Disc:
    """What is dropped: a folder, and a file beside it."""

    folder: Path
    loose: Path
    name: str


@pytest.fixture
def disc(tmp_path: Path) -> Disc:
    """Burn a disc: images in a folder and in a zip, and what is not taken."""
    name = f"E2E{uuid4().hex[:9].upper()}"
    noise = np.random.default_rng(7)

    def image() -> bytes:
        pixels = noise.integers(0, 4096, (SIDE, SIDE), dtype=np.uint16)
        return to_bytes(make_dx(pixels, patient_name=name, patient_id=name, age="004Y"))

    folder = tmp_path / "CD"
    images = folder / "DICOM"
    images.mkdir(parents=True)
    for number in range(N_IMAGES):
        (images / f"IM{number:04}").write_bytes(image())
    for number in range(N_NOTES):  # what macOS leaves beside each file
        (images / f"._IM{number:04}").write_bytes(b"\x00\x05\x16\x07" + bytes(40))
    whole = image()
    (images / "EMPTY").touch()
    (images / "CUT").write_bytes(whole[: len(whole) // 2])
    nameless = make_dx(
        np.zeros((16, 16), np.uint16), patient_name=name, patient_id=name, age="004Y"
    )
    del nameless.SOPInstanceUID
    (images / "NOUID").write_bytes(to_bytes(nameless))
    (folder / "README.txt").write_text(f"The disc of {name}.")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("IM9001", image())
        archive.writestr("notes.txt", "No image.")
    loose = tmp_path / "IM9002"
    loose.write_bytes(image())
    return Disc(folder=folder, loose=loose, name=name)


def _drag(page: Page, *paths: Path, until: str = "drop") -> None:
    """Drag paths from the desktop over the middle of the drop zone, and let go."""
    zone = page.get_by_label("Drop a CD, folders, files or zips here").first
    box = zone.bounding_box()
    assert box is not None
    there = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(p) for p in paths], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, **there, "data": data})
        if kind == until:
            break
    browser.detach()


def _taken(page: Page) -> int:
    text = page.get_by_role("region", name="This import").inner_text()
    return int(re.search(r"(\d+) of \d+ files", text)[1])


def _count(page: Page, name: str) -> int:
    text = page.get_by_role("button", name=re.compile(f"^{name} \\d")).inner_text()
    return int(re.sub(r"\D", "", text))


def _names_in_csv(page: Page) -> list[str]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Report as CSV").click()
    rows = download.value.path().read_text("utf-8-sig").splitlines()
    return [row.split(",")[0].strip('"') for row in rows[1:]]


def test_a_folder_and_a_file_are_dropped_paused_and_taken(reader, disc):
    reader.login("radiologist")
    page = reader.page
    page.get_by_role("link", name="Import").click()
    expect(page.get_by_text("Drop a CD, folders")).to_be_visible()

    _drag(page, disc.folder, disc.loose, until="dragOver")
    expect(page.get_by_text("Let go to import")).to_be_visible()
    reader.picture("drop-over")

    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", {"offline": False, **SLOW_LINE})
    _drag(page, disc.folder, disc.loose)
    # Of the reasons one is of a file in the zip; the zip and the loose one are files.
    n_files = N_IMAGES + N_NOTES + len(REASONS) - 1 + 2
    now = page.get_by_role("region", name="This import")
    expect(
        now.get_by_text(re.compile(rf"^[1-9]\d* of {n_files} files"))
    ).to_be_visible()
    bar = now.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", re.compile("^[1-9]"))
    page.get_by_role("button", name="Pause").click()
    expect(now.get_by_text("Paused. What is sent is safe.")).to_be_visible()
    page.wait_for_timeout(1500)  # what was on its way has arrived
    paused_at, percent = _taken(page), int(bar.get_attribute("aria-valuenow"))
    assert 0 < paused_at < n_files
    assert 0 < percent < 100
    reader.picture("drop-paused")
    page.wait_for_timeout(1500)
    assert _taken(page) == paused_at, "nothing goes on while it is paused"

    line.send("Network.emulateNetworkConditions", {"offline": False, **FULL_SPEED})
    now.get_by_role("button", name="Go on").click()
    expect(now.get_by_text(f"{n_files} of {n_files} files")).to_be_visible()
    expect(now.get_by_text("Done")).to_be_visible()
    assert bar.get_attribute("aria-valuenow") == "100"
    assert re.search(r"/import/[0-9a-f-]{36}$", page.url), "no file name in a URL"

    # One in the zip, one beside the folder.
    assert _count(page, "New") == N_IMAGES + 2
    assert (_count(page, "Zips"), _count(page, "Here before")) == (1, 0)
    assert _count(page, "Left out") == N_NOTES
    assert _count(page, "To look at") == len(REASONS)
    page.get_by_role("button", name=re.compile("^To look at")).click()
    table = page.get_by_role("table", name="The report")
    for path, reason in REASONS.items():
        row = table.get_by_role("row").filter(has_text=path)
        expect(row).to_contain_text("Refused")
        expect(row).to_contain_text(reason)
    reader.picture("drop-done")
    names = _names_in_csv(page)
    assert len(names) == n_files + 2, "each file once, and the zip's two members"
    assert {"IM9002", "CD/DICOM/IM0000", "CD/more.zip!IM9001"} <= set(names)
    assert len(set(names)) == len(names)

    # The same once more: known to the archive, so nothing is new.
    _drag(page, disc.folder, disc.loose)
    expect(
        page.get_by_role("button", name=re.compile(rf"^Here before {N_IMAGES + 2}"))
    ).to_be_visible()
    expect(now.get_by_text("Done")).to_be_visible()
    assert _count(page, "New") == 0


def test_an_empty_folder_is_said_to_be_empty(reader, tmp_path):
    reader.login("radiologist")
    page = reader.page
    page.get_by_role("link", name="Import").click()
    expect(page.get_by_text("Drop a CD, folders")).to_be_visible()
    (tmp_path / "nothing" / "in" / "here").mkdir(parents=True)
    _drag(page, tmp_path / "nothing")
    expect(page.get_by_text("There is no file in it.")).to_be_visible()
    assert page.url.endswith("/import"), "no import was begun"
