"""A map that is drawn after its result comes to who has the study open by itself."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import FILMS, send_film
from tests.e2e.test_accessibility import _violations as grave_troubles

if TYPE_CHECKING:
    from playwright.sync_api import Route, WebSocketRoute

pytestmark = [
    pytest.mark.stack,
    pytest.mark.browser,
    pytest.mark.real_data,
    pytest.mark.skipif(not FILMS.exists(), reason="../shared/data is not here"),
]
AI = re.compile(r"/api/worklist/items/([^/]+)/ai$")


class Explained:
    """Holds the maps of a study back, and says how far it is with them.

    The finding and its map are the stack's own; that it comes late is the test's: a
    model that is occluded takes minutes to import and to run. (What the portal says and
    whom it tells: `test_explaining.py`, `test_live.py`.)
    """

    def __init__(self, page) -> None:
        self.state: dict[str, str] | None = {"state": "running", "reason": ""}
        self.item = ""
        self._sockets: list[WebSocketRoute] = []
        page.route(AI, self._answer)
        page.route_web_socket(re.compile("/ws/worklist"), self._pass_on)

    def _answer(self, route: Route) -> None:
        answer = route.fetch()
        body: dict[str, Any] = answer.json()
        self.item = AI.search(route.request.url).group(1)
        if self.state is not None:
            for run in body["runs"]:
                for finding in run["findings"]:
                    finding["saliency"] = None
                    finding["explanation"] = self.state
        route.fulfill(response=answer, json=body)

    def _pass_on(self, socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        self._sockets.append(socket)

    def end(self, state: dict[str, str] | None) -> None:
        """Let it have ended; the portal says so."""
        self.state = state
        word = json.dumps({"type": "explained", "item": self.item})
        self._sockets[-1].send(word)


def test_a_map_comes_to_who_has_the_study_open(reader):
    page = reader.page
    explained = Explained(page)
    reader.login("radiologist")
    name = send_film(reader.stack)
    reader.find(name)
    expect(reader.row(name)).to_contain_text("Pneumonia")
    reader.row(name).dblclick()
    page.wait_for_url(re.compile("/read/"))
    expect(page.get_by_role("button", name=re.compile("Accept"))).to_be_visible()
    on_its_way = page.get_by_text("Saliency map on its way: it appears here by itself.")
    expect(on_its_way).to_be_visible()
    reader.picture("explained-coming")
    assert grave_troubles(page, ".panel-scroll") == []

    explained.end({"state": "failed", "reason": "others come first"})
    expect(page.get_by_text("No saliency map: others come first.")).to_be_visible()
    reader.picture("explained-failed")
    assert grave_troubles(page, ".panel-scroll") == []

    explained.end({"state": "done", "reason": ""})
    nothing = "no part of the image by itself speaks for it"
    expect(page.get_by_text(nothing)).to_be_visible()

    explained.end(None)
    expect(page.get_by_text(nothing)).to_have_count(0)
    page.keyboard.press("h")
    expect(page.locator("canvas.saliency")).to_be_visible()
    reader.picture("explained-there")
    page.unroute_all(behavior="ignoreErrors")
