"""What a viewport says is what it shows, while images come late or not at all.

A watcher in the page looks at every change: whenever a corner names a series, the
middle of the canvas has to be the grey of that series.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom.uid import generate_uid

from tests.e2e.conftest import Reader, send
from tests.factories.dicom import make_ct_series, to_bytes

pytestmark = [pytest.mark.stack, pytest.mark.browser]

GREYS = (40, 90, 140, 190, 240)
SIDE = 64
PANE = "[data-pane='1']"

# Frames come late, or not while their series is in `__withheld`; drawing waits too.
_LATE = """(() => {
  window.__withheld = '';
  const real = window.fetch;
  window.fetch = async (address, ...more) => {
    const url = String(address?.url ?? address);
    if (url.includes('/frames/')) {
      await new Promise((go) => setTimeout(go, 150 + 400 * Math.random()));
      const [, uid] = /frames[/]([0-9.]+)[/]/.exec(url) ?? [];
      if (uid && window.__withheld.includes(uid)) {
        return new Response('', { status: 418 });
      }
    }
    return real(address, ...more);
  };
  const frame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (act) =>
    frame(() => setTimeout(() => act(performance.now()), 60));
})()"""

_WATCH = """() => {
  window.__lies = new Set();
  window.__seen = new Set();
  const look = () => {
    const pane = document.querySelector("[data-pane='1']");
    const words = pane?.querySelector('.corner.tl b')?.textContent ?? '';
    const said = /Grey (\\d+)/.exec(words)?.[1];
    if (said === undefined) return;
    const canvas = pane.querySelector('.pane-pixels canvas');
    const at = [(canvas?.width ?? 0) >> 1, (canvas?.height ?? 0) >> 1];
    const grey = canvas?.getContext('2d').getImageData(...at, 1, 1).data[0];
    const off = Math.abs((grey ?? -99) - Number(said));
    if (off > 2) window.__lies.add(`${said}: ${grey}`);
    else window.__seen.add(said);
  };
  const everything = { childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document.body, everything);
  const turn = () => { look(); setTimeout(turn); };
  turn();
}"""


def _send(reader: Reader) -> tuple[str, dict[int, list[str]]]:
    """Send series of one grey each; return the patient and their images by grey."""
    patient = f"GREY{uuid4().hex[:8].upper()}"
    study, sops = generate_uid(), {}
    with tempfile.TemporaryDirectory() as folder:
        for number, grey in enumerate(GREYS, start=1):
            series = make_ct_series(
                n_slices=2,
                side=SIDE,
                study_uid=study,
                series_number=number,
                patient_name=patient,
                patient_id=patient,
            )
            for dataset in series:
                dataset.Modality = "OT"
                dataset.SeriesDescription = f"Grey {grey}"
                dataset.WindowCenter, dataset.WindowWidth = "128", "256"
                dataset.PixelData = np.full((SIDE, SIDE), grey, np.int16).tobytes()
                name = f"{dataset.SOPInstanceUID}.dcm"
                Path(folder, name).write_bytes(to_bytes(dataset))
            sops[grey] = [str(dataset.SOPInstanceUID) for dataset in series]
        send(reader.stack, Path(folder))
    return patient, sops


def test_a_name_is_never_over_another_picture(reader: Reader) -> None:
    page = reader.page
    page.add_init_script(_LATE)
    reader.login("radiologist2")
    patient, _ = _send(reader)
    reader.find(patient)
    expect(reader.row(patient)).to_contain_text(f"{2 * len(GREYS)} images")
    page.evaluate(_WATCH)
    reader.row(patient).dblclick()
    page.wait_for_url(re.compile("/read/"))
    cards = page.locator(".rail .series")
    expect(cards).to_have_count(len(GREYS))
    corner = page.locator(f"{PANE} .corner.tl")
    expect(corner).to_contain_text("Grey")
    throttle = page.context.new_cdp_session(page)
    throttle.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    # Each for the first time, while its images come; then quickly, and to and fro.
    for wait in (400, 0, 80):
        for place in reversed(range(len(GREYS))):
            cards.nth(place).press("Enter")
            page.wait_for_timeout(wait)
            page.keyboard.press("ArrowDown")
    expect(corner).to_contain_text(f"Grey {GREYS[0]}")
    throttle.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    assert page.evaluate("[...window.__lies]") == []
    assert str(GREYS[0]) in page.evaluate("[...window.__seen]")


def test_an_image_that_does_not_come_is_said_and_nothing_is_named(
    reader: Reader,
) -> None:
    page = reader.page
    page.add_init_script(_LATE)
    reader.login("radiologist2")
    patient, sops = _send(reader)
    reader.find(patient)
    expect(reader.row(patient)).to_contain_text(f"{2 * len(GREYS)} images")
    page.evaluate(_WATCH)
    page.evaluate("uids => { window.__withheld = uids }", " ".join(sops[GREYS[2]]))
    reader.row(patient).dblclick()
    page.wait_for_url(re.compile("/read/"))
    corner = page.locator(f"{PANE} .corner.tl")
    expect(corner).to_contain_text("Grey")
    page.locator(".rail .series").nth(2).press("Enter")
    word = page.locator(f"{PANE} .pane-word")
    expect(word).to_contain_text("could not be read")
    expect(corner).to_have_count(0)
    page.evaluate("window.__withheld = ''")
    word.get_by_role("button").click()
    expect(corner).to_contain_text(f"Grey {GREYS[2]}")
    expect(word).to_have_count(0)
    assert page.evaluate("[...window.__lies]") == []


def test_a_small_picture_that_is_not_made_yet_comes_later(reader: Reader) -> None:
    """A study that has just arrived has none; the room asks again by itself."""
    patient, _ = _send(reader)
    asked: list[str] = []

    def not_yet(route) -> None:
        asked.append(route.request.url)
        if len(asked) > len(GREYS):
            route.continue_()
        else:
            route.fulfill(status=503, json={"code": "pack_building"})

    reader.page.route(re.compile(r"/thumbs/"), not_yet)
    reader.login("radiologist2")
    reader.find(patient)
    reader.row(patient).dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    cards = reader.page.locator(".rail .series img.thumb")
    expect(cards).to_have_count(len(GREYS))
    whole = "one => one.complete && one.naturalWidth > 0"
    for number in range(len(GREYS)):
        one = f"document.querySelectorAll('.rail .series img.thumb')[{number}]"
        # Asked anew each time: a picture that failed is put there again.
        seen = f"() => {{ {one}?.scrollIntoView(); return {one} && ({whole})({one}) }}"
        reader.page.wait_for_function(seen)
    assert len(asked) > len(GREYS)
