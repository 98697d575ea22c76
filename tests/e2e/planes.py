"""Three planes on the screen, and what of a volume is under the pointer in them."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

NAMES = ("axial", "coronal", "sagittal")


def open_planes(page: Page) -> None:
    """Open the planes, and wait until every slice of them is here."""
    page.keyboard.press("d")
    expect(page.locator(".mpr .pane-over")).to_have_count(3)
    expect(page.locator(".mpr output.mpr-word")).to_have_count(0)


class Plane:
    """A plane of the three, on the screen."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name = page, name
        self.pane = page.locator(f".stage.mpr > .pane.{name}")
        self.pixels = self.pane.locator(".pane-pixels canvas")
        self._moved_to: tuple[float, float] | None = None

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """Return the place on the page of a place in parts of the pane."""
        box = self.pane.locator(".pane-pixels").bounding_box()
        assert box
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def move(self, x: float, y: float) -> tuple[float, float]:
        """Move a segment tool to a place in parts of the pane; return it in voxels.

        They are those of the plane: (across, down), (0, 0) the corner of the first.
        """
        cursor = self.pane.locator(".tool-cursor .brush")
        before = cursor.get_attribute("data-at") or ""
        self.page.mouse.move(*self.spot(x, y))
        expect(cursor).not_to_have_attribute("data-at", re.compile(r"^$"))
        # The page may hear of it later: a place of before is not this one.
        if before and self._moved_to != (x, y):
            expect(cursor).not_to_have_attribute("data-at", before)
        self._moved_to = (x, y)
        across, _, down = (cursor.get_attribute("data-at") or "").partition(",")
        return float(across), float(down)

    def shown(self) -> int:
        """Return which of its planes the view shows, counted from 1."""
        said = self.pane.locator(".corner.tr").inner_text()
        return int(said.split("/")[0])
