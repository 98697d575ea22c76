"""nginx with our template, a pack on disk, and a stand-in for the portal behind it."""

import gzip
import http.client
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings

from deploy.local import nginx
from deploy.local.console import Console
from deploy.local.environment import make_environment
from deploy.local.layout import Layout
from deploy.local.supervisor import Supervisor

COOKIE = nginx.SESSION_COOKIE
MINE = str(uuid.uuid4())
THEIRS = str(uuid.uuid4())

pytestmark = pytest.mark.skipif(
    not Path("/usr/sbin/nginx").exists(), reason="nginx is not installed"
)


@dataclass
class Portal:
    """What the stand-in was asked and what it allows."""

    allowed: set[tuple[str, str]] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    slow: threading.Event | None = None

    def answer(self, path: str, cookie: str, uri: str) -> tuple[int, bytes]:
        self.asked.append(f"{path} {uri}".strip())
        if path == "/internal/authorise-pixels":
            revision = uri.split("/")[2]
            if not cookie:
                return 401, b""
            return (204 if (cookie, revision) in self.allowed else 403), b""
        if self.slow and path.endswith("/slow"):
            self.slow.wait(20)
        return 200, f"portal {path}".encode()


@dataclass
class Door:
    port: int
    portal: Portal
    packs: Path

    def get(
        self,
        path: str,
        *,
        session: str = "",
        cookies: str = "",
        gzipped: bool = True,
        verb: str = "GET",
    ) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        cookies = cookies or (f"{COOKIE}={session}" if session else "")
        headers = {"Cookie": cookies} if cookies else {}
        if gzipped:
            headers["Accept-Encoding"] = "gzip"
        line.request(verb, path, headers=headers)
        answer = line.getresponse()
        body = answer.read()
        line.close()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body


def make_packs(packs: Path) -> Path:
    for revision in (MINE, THEIRS):
        pack = packs / revision
        (pack / "frames" / "1.2.3").mkdir(parents=True)
        (pack / "metadata").mkdir()
        (pack / "thumbs").mkdir()
        for extension in nginx.FRAME_SYNTAXES:
            (pack / "frames" / "1.2.3" / f"1.{extension}").write_bytes(b"frame")
        (pack / "index.json").write_text('{"version": 1}')
        (pack / "metadata" / "0.json.gz").write_bytes(gzip.compress(b'[{"a": 1}]'))
        (pack / "thumbs" / "0.jpg").write_bytes(b"thumb")
    return packs


@pytest.fixture
def door(layout: Layout) -> Iterator[Door]:
    portal = Portal()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            # The last of a name counts, and its case, as with the portal.
            pairs = [p.strip() for p in self.headers.get("Cookie", "").split(";")]
            ours = [p for p in pairs if p.startswith(f"{COOKIE}=")]
            cookie = ours[-1].removeprefix(f"{COOKIE}=") if ours else ""
            uri = self.headers.get("X-Original-URI", "")
            portal.headers = dict(self.headers)
            status, body = portal.answer(self.path, cookie, uri)
            self.send_response(status)
            self.send_header("Vary", "Cookie")
            if any(revision in uri for revision in portal.deleted):
                self.send_header("X-Pixels", "deleted")
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args) -> None:
            pass

    ports = (layout.ports.wsgi, layout.ports.asgi)
    servers = [ThreadingHTTPServer(("127.0.0.1", port), Handler) for port in ports]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    env = make_environment(layout, kind="test", outer={})
    packs = make_packs(Path(env.values["OVERREAD_PACKS_DIR"]))
    supervisor = Supervisor(layout, Console())
    supervisor.start([nginx.make_part(layout, env, bind="127.0.0.1")])
    yield Door(layout.ports.public, portal, packs)
    supervisor.stop()
    for server in servers:
        server.shutdown()


def test_the_cookie_is_that_of_the_portal():
    assert settings.SESSION_COOKIE_NAME == COOKIE


def test_frames_say_their_transfer_syntax(door: Door):
    door.portal.allowed.add(("me", MINE))
    for extension, uid in nginx.FRAME_SYNTAXES.items():
        status, headers, body = door.get(
            f"/pixels/{MINE}/frames/1.2.3/1.{extension}", session="me"
        )
        assert (status, body) == (200, b"frame")
        expected = f"application/octet-stream; transfer-syntax={uid}"
        assert headers["content-type"] == expected
        assert headers["cache-control"] == "private, no-store"


def test_index_metadata_and_thumbnails(door: Door):
    door.portal.allowed.add(("me", MINE))
    status, headers, body = door.get(f"/pixels/{MINE}/index.json", session="me")
    assert (status, body) == (200, b'{"version": 1}')
    assert headers["content-type"] == "application/json"
    path = f"/pixels/{MINE}/metadata/0.json"
    status, headers, body = door.get(path, session="me")
    assert headers["content-encoding"] == "gzip"
    assert headers["content-type"] == "application/json"
    assert gzip.decompress(body) == b'[{"a": 1}]'
    status, headers, body = door.get(path, session="me", gzipped=False)
    assert (status, body) == (200, b'[{"a": 1}]')
    status, headers, body = door.get(f"/pixels/{MINE}/thumbs/0.jpg", session="me")
    assert (status, headers["content-type"], body) == (200, "image/jpeg", b"thumb")


def test_nothing_without_a_session_or_for_another_study(door: Door):
    door.portal.allowed.add(("me", MINE))
    for part in ("frames/1.2.3/1.raw", "index.json", "metadata/0.json", "thumbs/0.jpg"):
        assert door.get(f"/pixels/{MINE}/{part}")[0] == 401
        assert door.get(f"/pixels/{THEIRS}/{part}", session="me")[0] == 403
        assert door.get(f"/pixels/{MINE}/{part}", session="other")[0] == 403
        assert door.get(f"/pixels/{MINE}/{part}", session="me")[0] == 200


@pytest.mark.parametrize("dots", ["..", "%2e%2e", "x/../..", ".%2e"])
def test_a_path_that_names_one_study_and_reaches_another_is_refused(
    door: Door, dots: str
):
    door.portal.allowed.add(("me", MINE))
    path = f"/pixels/{MINE}/{dots}/{THEIRS}/frames/1.2.3/1.raw"
    status, _, body = door.get(path, session="me")
    assert status in (400, 403, 404)
    assert body != b"frame"
    assert not any(
        MINE in asked and "authorise" in asked for asked in door.portal.asked
    )


def test_a_decision_is_asked_once_and_forgotten_within_five_seconds(door: Door):
    door.portal.allowed.add(("me", MINE))
    path = f"/pixels/{MINE}/frames/1.2.3/1.raw"
    begun = time.monotonic()
    for _ in range(20):
        assert door.get(path, session="me")[0] == 200
    assert door.portal.asked == [f"/internal/authorise-pixels /pixels/{MINE}/"]
    door.portal.allowed.clear()
    while door.get(path, session="me")[0] == 200:
        assert time.monotonic() - begun < 6
        time.sleep(0.1)
    assert time.monotonic() - begun < 5.5


@pytest.mark.parametrize(
    "first", [f"{COOKIE}=", f"{COOKIE}=planted", f"{COOKIE.title()}=planted"]
)
def test_a_second_cookie_opens_nothing_for_others(door: Door, first: str):
    door.portal.allowed.add(("me", MINE))
    path = f"/pixels/{MINE}/frames/1.2.3/1.raw"
    door.get(path, cookies=f"{first}; {COOKIE}=me")
    assert door.get(path)[0] == 401
    assert door.get(path, session="planted")[0] == 403
    assert door.get(path, session="me")[0] == 200


@pytest.mark.parametrize(
    "way", ["/assets/..%2f", "/assets/%2e%2e/", "//", "/x/..%2f", "/assets/x/../../"]
)
def test_pixels_are_kept_nowhere_whatever_the_way_to_them(door: Door, way: str):
    door.portal.allowed.add(("me", MINE))
    for part in ("metadata/0.json", "frames/1.2.3/1.raw", "frames/9.9/1.raw"):
        _, headers, _ = door.get(f"{way}pixels/{MINE}/{part}", session="me")
        assert headers["cache-control"] == "private, no-store"


def test_pixels_of_a_deleted_study_are_gone(door: Door):
    door.portal.deleted.add(MINE)
    for part in ("frames/1.2.3/1.raw", "index.json", "metadata/0.json", "thumbs/0.jpg"):
        status, headers, body = door.get(f"/pixels/{MINE}/{part}", session="me")
        assert (status, headers["content-type"]) == (410, "application/json")
        assert b'"code": "deleted"' in body
        assert headers["cache-control"] == "private, no-store"
        status, _, body = door.get(f"/pixels/{THEIRS}/{part}", session="me")
        assert (status, b'"code": "not_opened"' in body) == (403, True)
    assert door.get(f"/pixels/{MINE}/index.json", verb="DELETE")[0] == 403


@pytest.mark.parametrize("path", ["/api/x", "/ws/worklist", "/dicom-web/studies"])
def test_nobody_makes_up_an_address(door: Door, path: str):
    line = http.client.HTTPConnection("127.0.0.1", door.port, timeout=5)
    told = {"X-Real-IP": "6.6.6.6", "X-Forwarded-For": "6.6.6.6", "X-Original-URI": "/"}
    line.request("GET", path, headers=told)
    assert line.getresponse().status == 200
    line.close()
    seen = door.portal.headers
    assert seen["X-Real-IP"] == seen["X-Forwarded-For"] == "127.0.0.1"
    assert "X-Original-URI" not in seen
    assert seen["Host"] == f"127.0.0.1:{door.port}"


def test_slow_programs_leave_threads_for_people(door: Door):
    door.portal.slow = threading.Event()
    lines = []
    for _ in range(12):
        line = http.client.HTTPConnection("127.0.0.1", door.port, timeout=25)
        line.request("GET", "/dicom-web/slow")
        lines.append(line)
    begun = time.monotonic()
    while sum("slow" in path for path in door.portal.asked) < 12:
        assert time.monotonic() - begun < 10
        time.sleep(0.05)
    status, headers, body = door.get("/dicom-web/slow")
    assert (status, headers["retry-after"]) == (503, "5")
    assert b'"code": "busy"' in body
    assert door.get("/api/x")[0] == 200
    door.portal.slow.set()
    assert [line.getresponse().status for line in lines] == [200] * 12


def test_a_refusal_is_not_remembered(door: Door):
    path = f"/pixels/{MINE}/frames/1.2.3/1.raw"
    assert door.get(path, session="me")[0] == 403
    door.portal.allowed.add(("me", MINE))
    assert door.get(path, session="me")[0] == 200


def test_what_is_not_in_the_pack_comes_from_the_portal(door: Door):
    door.portal.allowed.add(("me", MINE))
    for part in ("frames/9.9/1.raw", "metadata/7.json", "thumbs/7.jpg"):
        status, headers, body = door.get(f"/pixels/{MINE}/{part}", session="me")
        assert (status, body) == (
            200,
            f"portal /internal/pixels/{MINE}/{part}".encode(),
        )
        assert headers["cache-control"] == "private, no-store"
    assert door.get(f"/pixels/{THEIRS}/frames/9.9/1.raw", session="me")[0] == 403


def test_the_portals_inner_doors_are_closed(door: Door):
    for path in (
        "/internal/authorise-pixels",
        f"/internal/pixels/{MINE}/index.json",
        "/authorise-pixels",
        "//internal/authorise-pixels",
        f"/internal/pixels/{MINE}/../../../api/x",
        f"/internal/pixels/{MINE}/index.json/../../../../api/machine/x",
        f"/internal/pixels/{MINE}/../../../ws/worklist",
        "/assets/..%2fapi/worklist",
    ):
        assert door.get(path, session="me")[0] == 404
    assert door.portal.asked == []


def test_only_reading_is_allowed_on_pixels(door: Door):
    door.portal.allowed.add(("me", MINE))
    path = f"/pixels/{MINE}/frames/1.2.3/1.raw"
    assert door.get(path, session="me", verb="DELETE")[0] == 403
    assert door.get(path, session="me", verb="POST")[0] == 403


def test_the_api_is_passed_on_and_never_cached(door: Door):
    status, headers, body = door.get("/api/worklist?q=smith", session="me")
    assert (status, body) == (200, b"portal /api/worklist?q=smith")
    assert headers["cache-control"] == "private, no-store"
    assert door.portal.headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_body_larger_than_the_portal_reads_is_refused(door: Door):
    for path in ("/api/session", "/api/machine/artefacts/0"):
        line = http.client.HTTPConnection("127.0.0.1", door.port, timeout=5)
        line.putrequest("PUT", path)
        line.putheader("Content-Length", str(300 * 1024 * 1024))
        line.endheaders()
        answer = line.getresponse()
        assert answer.status == 413
        assert b'"code": "too_large"' in answer.read()
        line.close()
    assert door.portal.asked == []


def test_what_was_searched_for_is_in_no_log(door: Door, layout: Layout):
    door.get("/api/worklist?q=smith", session="me")
    door.get("/pixels/nothing?q=smith", session="me")
    time.sleep(2.5)
    logs = "".join(p.read_text() for p in layout.logs.glob("nginx*"))
    assert '"GET /api/worklist" 200' in logs
    assert "smith" not in logs


def test_a_portal_that_is_down_is_said_in_our_own_words(layout: Layout):
    env = make_environment(layout, kind="test", outer={})
    supervisor = Supervisor(layout, Console())
    supervisor.start([nginx.make_part(layout, env, bind="127.0.0.1")])
    try:
        door = Door(layout.ports.public, Portal(), Path())
        status, headers, body = door.get("/api/session")
        assert status == 503
        assert headers["content-type"] == "application/json"
        assert b'"code": "down"' in body
    finally:
        supervisor.stop()
