"""A head that bled before and bleeds more now: what the panel says of it, and shows.

Its name makes it the last of the folder: it leaves four CT studies on the list.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import WAIT_MS, Reader, send
from tests.e2e.test_accessibility import AXE, _violations
from tests.e2e.test_unaided import Tap, _blinded, _query
from workers.phantoms.dicom import write_study
from workers.phantoms.head_study import head_study
from workers.phantoms.orders import Order
from workers.phantoms.settings import NORTH, UNSEEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.harness import Stack
    from workers.phantoms.records import Study

pytestmark = [pytest.mark.stack, pytest.mark.browser]
OPEN, BLIND = 7000, 7100
# Of the earlier study: so many pixels more at each side, and slices less below.
WIDER, SHORTER = 32, 3
PATIENCE_S = 180


def _wider(study: Study) -> Study:
    """The same head with more air around it: whole, it is drawn smaller."""
    (series,) = study.series
    volume: Any = series.content
    z, y, x = volume.origin_mm
    _, down, across = volume.spacing_mm
    around = ((0, 0), (WIDER, WIDER), (WIDER, WIDER))
    larger = dataclasses.replace(
        volume,
        values=np.pad(volume.values[SHORTER:], around, constant_values=-1000),
        origin_mm=(
            z + SHORTER * volume.spacing_mm[0],
            y - WIDER * down,
            x - WIDER * across,
        ),
    )
    wide = dataclasses.replace(series, content=larger)
    return dataclasses.replace(study, series=(wide,))


def _send_heads(stack: Stack, folder: Path, person: int) -> None:
    """Send a patient's two studies, twelve days apart."""
    now = datetime.now(UTC).replace(microsecond=0)
    for visit, days, strength in ((0, 12, 0.55), (1, 0, 0.75)):
        order = Order(
            kind="head-ct",
            seed=person + visit,
            person=person,
            site=NORTH,
            when=now - timedelta(days=days, hours=1),
            settings=UNSEEN,
            strengths={"intraparenchymal": strength},
            bleed=person,
        )
        study = head_study(order)
        place = folder / f"{person}-{visit}"
        write_study(place, study if visit else _wider(study))
        for file in place.glob("*.json"):
            file.unlink()
        send(stack, place)


def _wait_for_comparison(stack: Stack, person: int) -> tuple[Any, ...]:
    """Wait until the two heads were compared.

    Returns:
        The item of the later one, and of the comparison: its id, the two runs',
        the runs' findings' and the lesions.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = _query(
            stack,
            """
            SELECT i.id, c.id, c.run_id, c.prior_run_id, c.lesions,
                   ARRAY(SELECT f.id::text FROM inference_finding f
                         WHERE f.run_id IN (c.run_id, c.prior_run_id)), t.id
            FROM inference_comparison c
            JOIN inference_inferencerun n ON n.id = c.run_id
            JOIN studies_studyrevision r ON r.id = n.revision_id
            JOIN studies_study t ON t.id = r.study_id
            JOIN studies_patient p ON p.id = t.patient_id
            JOIN worklist_case w ON w.revision_id = r.id
            JOIN worklist_workitem i ON i.case_id = w.id
            WHERE p.patient_id = %s AND c.state = 'done'
            """,
            f"PHANTOM-{person:06d}",
        )
        if found:
            return found[0]
        time.sleep(1)
    raise AssertionError("the two heads were not compared in three minutes")


def _corner(reader: Reader, pane: int, which: str):
    return reader.page.locator(f"[data-pane='{pane}'] .corner.{which}")


def _image(reader: Reader, pane: int) -> int:
    return int(_corner(reader, pane, "tr").inner_text().split("/")[0])


def _bar(reader: Reader, pane: int) -> tuple[str, float]:
    """What the scale bar says, and how many CSS pixels long it is."""
    bar = reader.page.locator(f"[data-pane='{pane}'] .scale")
    box = bar.locator("i").bounding_box()
    assert box
    return bar.inner_text().strip(), box["width"]


def _even(reader: Reader) -> None:
    """Wait until both panes have one scale; it is told by their scale bars."""
    for _ in range(50):
        (words, long), (said, wide) = (_bar(reader, pane) for pane in (1, 2))
        if words == said and abs(long - wide) < 0.5:
            return
        reader.page.wait_for_timeout(200)
    raise AssertionError((words, long, said, wide))


def test_growth_is_told_and_shown_beside(reader: Reader, tmp_path: Path) -> None:
    page = reader.page
    _send_heads(reader.stack, tmp_path, OPEN)
    item, *_ = _wait_for_comparison(reader.stack, OPEN)
    reader.login("radiologist")
    page.goto(f"{reader.stack.url}/read/{item}")
    changes = page.locator(".changes")
    expect(changes).to_contain_text("Since", timeout=WAIT_MS)
    expect(changes).to_contain_text(re.compile(r"ml, was .* ml: grown by \d+%"))
    expect(changes).to_contain_text("12 days")
    expect(page.locator(".pane-over").first).to_be_visible()
    if AXE.exists():
        assert _violations(page, ".changes") == []
    reader.picture("longitudinal-panel")

    _press(page, "?")
    expect(page.get_by_role("dialog")).to_contain_text("the finding on both studies")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    _press(page, "Shift+B")
    expect(page.locator(".prior-badge")).to_contain_text("PRIOR")
    expect(page.locator(".pane-over")).to_have_count(2)
    expect(_corner(reader, 1, "tr")).to_contain_text("/ 40")
    expect(_corner(reader, 2, "tr")).to_contain_text("/ 37")
    _even(reader)
    reader.picture("longitudinal-both")
    shown = page.request.get(f"{reader.stack.url}/api/worklist/items/{item}/ai").json()
    (one,) = [run for run in shown["runs"] if run["comparison"]]
    lesion = one["comparison"]["lesions"][0]
    prior = one["comparison"]["prior"]["study_id"]
    places = (
        _image_of(reader, _study(reader, item), lesion["now_at"]),
        _image_of(reader, prior, lesion["then_at"]),
    )
    assert (_image(reader, 1), _image(reader, 2)) == places
    assert places[1] == pytest.approx(places[0] - SHORTER, abs=4)

    for _ in range(5):  # both have slices of 4 mm
        page.keyboard.press("ArrowDown")
    expect(_corner(reader, 1, "tr")).to_contain_text(f"{places[0] + 5} / 40")
    expect(_corner(reader, 2, "tr")).to_contain_text(f"{places[1] + 5} / 37")
    _press(page, "Alt+y")  # zoom together: it stays the same scale
    for _ in range(3):
        page.keyboard.press("+")
    before = _bar(reader, 1)
    _even(reader)
    assert before != _bar_at_first(reader)
    if AXE.exists():
        assert _violations(page, ".changes") == []
        assert _violations(page, ".stage") == []


def _bar_at_first(reader: Reader) -> tuple[str, float]:
    _press(reader.page, "0")
    reader.page.wait_for_timeout(500)
    return _bar(reader, 1)


def _press(page: Any, stroke: str) -> None:
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(stroke)


def _study(reader: Reader, item: Any) -> str:
    answer = reader.page.request.get(f"{reader.stack.url}/api/worklist/items/{item}")
    return str(answer.json()["study"]["id"])


def _image_of(reader: Reader, study: str, spot: dict[str, Any]) -> int:
    """Return which image of its series a spot is on, 1-based, by the pack's order."""
    get = reader.page.request.get
    base = get(f"{reader.stack.url}/api/studies/{study}/manifest").json()["pack"][
        "base"
    ]
    index = get(f"{reader.stack.url}{base}index.json").json()
    places = {
        one["sop_uid"]: place
        for series in index["series"]
        for place, one in enumerate(series["instances"], start=1)
    }
    return places[spot["sop_uid"]]


def test_an_unaided_reader_is_told_of_no_comparison(
    reader: Reader, tmp_path: Path
) -> None:
    """Both studies are known, compared and listed; nothing of that is sent."""
    page = reader.page
    with _blinded(reader.stack, "CT"):
        _send_heads(reader.stack, tmp_path, BLIND)
        item, *secret = _wait_for_comparison(reader.stack, BLIND)
        comparison, run, prior, lesions, findings, study = secret
        assert lesions
        tap = Tap(page)
        reader.login("radiologist")
        reader.find(f"PHANTOM-{BLIND:06d}")
        # Without loading the page anew, which would lose what was heard.
        page.evaluate("to => history.pushState(null, '', to)", f"/read/{item}")
        expect(page.get_by_text("Unaided reading")).to_be_visible()
        expect(page.locator(".pane-over").first).to_be_visible()
        _press(page, "Shift+B")
        page.keyboard.press("Alt+c")  # the earlier study itself is anybody's
        expect(page.locator(".prior-badge")).to_contain_text("PRIOR")
        page.wait_for_timeout(6000)  # a tick of the socket, the row read again
        expect(page.locator(".changes")).to_have_count(0)
        heard = tap.drain()
        tokens = [comparison, run, prior, *findings]
        tokens += [lesion["tracking_uid"] for lesion in lesions]
        for token in tokens:
            assert tap.where(str(token)) == [], token
        words = [word for lesion in lesions for word in _figures(lesion)]
        assert words
        said = list(tap.about([str(item), str(study), f"PHANTOM-{BLIND:06d}"]))
        assert said, "nothing at all was heard of the study"
        for address, text in said:
            for word in words:
                assert word not in text, (address, word)
        assert any("/ws/" in address for address, _ in tap.heard)

        page.get_by_placeholder("What you conclude").fill("It bleeds, I think.")
        expect(page.get_by_text("All changes saved")).to_be_visible()
        _press(page, "Control+Enter")
        expect(page.get_by_text("Your read against AI")).to_be_visible()
        page.wait_for_timeout(2000)
        expect(page.locator(".changes")).to_have_count(0)  # the earlier one is unread
        tap.drain()
        tap.heard = tap.heard[heard:]
        assert any(tap.where(str(finding)) for finding in findings)
        assert tap.where(str(comparison)) == []


def _figures(said: Any) -> list[str]:
    """Return a lesion's figures as JSON writes them, those that chance has not."""
    if isinstance(said, float):
        return [text for text in [json.dumps(said)] if len(text) > 8]
    parts = said.values() if isinstance(said, dict) else said
    return [
        text
        for part in parts
        if isinstance(part, float | dict | list)
        for text in _figures(part)
    ]
