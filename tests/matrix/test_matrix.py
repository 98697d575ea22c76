"""Two sites, every role, every route and socket: who is answered what."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.conf import settings

from apps.core import health
from portal.asgi import application
from tests.matrix.frame import ask, leaks, routes, sockets
from tests.matrix.parts import PARTS
from tests.matrix.readers import READERS
from tests.matrix.worlds import ASKERS, READER_ASKERS

TABLE = {key: row.split() for part in PARTS for key, row in part.TABLE.items()}
CALLS = {key: call for part in PARTS for key, call in part.CALLS.items()}
SOCKETS = {route: row.split() for part in PARTS for route, row in part.SOCKETS.items()}
ALLOWED = {
    key: allowed
    for part in PARTS
    for key, allowed in getattr(part, "ALLOWED", {}).items()
}
RADIOLOGISTS = (ASKERS.index("radiologist@a"), ASKERS.index("radiologist@b"))


def _expected(key, row):
    """What each asker is to be answered; residents and specialists by `READERS`."""
    a, b = (row[at] for at in RADIOLOGISTS)
    readers = READERS[key].split() if key in READERS else [a, a, b, b]
    return dict(zip((*ASKERS, *READER_ASKERS), (*row, *readers), strict=True))


# Machines carry no cookie but a token of their own.
WRITES = [
    (method, route)
    for method, route in sorted(TABLE)
    if method != "GET" and not route.startswith("api/machine/")
]


@pytest.fixture
def populated(worlds, monkeypatch):
    monkeypatch.setattr(health, "_checks", {})
    for part in PARTS:
        part.populate(worlds)
    return worlds


def test_every_route_has_a_row_and_every_row_a_route():
    assert routes() - set(TABLE) == set(), "routes without a row in the table"
    assert set(TABLE) - routes() == set(), "rows without a route"


def test_every_socket_has_a_row_and_every_row_a_socket():
    assert set(SOCKETS) == sockets()


def test_every_row_is_whole_and_can_be_asked():
    assert set(CALLS) == set(TABLE)
    assert len(TABLE) == sum(len(part.TABLE) for part in PARTS)
    for key, row in (TABLE | SOCKETS).items():
        assert len(row) == len(ASKERS), key
    assert set(READERS) <= set(TABLE)
    for key, row in READERS.items():
        assert len(row.split()) == len(READER_ASKERS), key
        a, b = (TABLE[key][at] for at in RADIOLOGISTS)
        assert row.split() != [a, a, b, b], f"{key}: answered as radiologists are"


@pytest.mark.parametrize("key", sorted(TABLE), ids=" ".join)
def test_http(populated, key):
    call = CALLS[key](populated)
    expected = _expected(key, TABLE[key])
    answers = {who: ask(populated, who, key[0], call) for who in expected}
    got = {who: str(answer.status_code) for who, answer in answers.items()}
    words = {
        who: answers[who].content[:200] for who in got if got[who] != expected[who]
    }
    assert got == expected, words

    allowed = ALLOWED[key](populated) if key in ALLOWED else set()
    for who, answer in answers.items():
        assert leaks(populated, who, call, answer) <= allowed, who
        if answer.status_code >= 400:
            assert set(answer.json()) >= {"code", "detail"}, who


@pytest.mark.parametrize("key", WRITES, ids=" ".join)
def test_writing_without_a_csrf_token_is_refused(populated, key):
    """A session alone never writes: the browser must have read our page."""
    method, _ = key
    client = populated.client("radiologist@a", csrf=True)
    answer = client.generic(method, CALLS[key](populated).path)
    if TABLE[key][1] == "405":
        assert answer.status_code == 405
        return
    assert answer.status_code == 403
    assert answer.json()["code"] == "csrf_failed"


def _connect(who: str, worlds, route: str, origin: str) -> str:
    client = worlds.client(who)
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
    headers = [(b"origin", origin.encode())]
    if cookie is not None:
        pair = f"{settings.SESSION_COOKIE_NAME}={cookie.value}"
        headers.append((b"cookie", pair.encode()))

    async def knock() -> str:
        scope = {
            "type": "websocket",
            "path": f"/{route}",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 5000),
            "subprotocols": [],
        }
        socket = ApplicationCommunicator(application, scope)
        await socket.send_input({"type": "websocket.connect"})
        # A refusal may come after the handshake, so that the browser sees its code.
        message = await socket.receive_output(timeout=5)
        if message["type"] == "websocket.accept":
            if await socket.receive_nothing(timeout=0.2):
                await socket.send_input({"type": "websocket.disconnect", "code": 1000})
                await socket.wait(timeout=5)
                return "accept"
            message = await socket.receive_output(timeout=5)
        assert message["type"] == "websocket.close"
        return str(message.get("code", "refused"))

    return async_to_sync(knock)()


@pytest.mark.django_db(transaction=True)  # a consumer closes connections in between
@pytest.mark.parametrize("route", sorted(SOCKETS))
def test_socket(populated, route):
    expected = _expected(route, SOCKETS[route])
    got = {who: _connect(who, populated, route, "http://localhost") for who in expected}
    assert got == expected


@pytest.mark.django_db(transaction=True)  # a consumer closes connections in between
@pytest.mark.parametrize("route", sorted(SOCKETS))
def test_a_foreign_page_gets_no_socket(populated, route):
    code = _connect("radiologist@a", populated, route, "https://evil.example")
    assert code != "accept"
