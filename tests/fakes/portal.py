"""The portal's machine API in one small HTTP server, for the workers' contract.

It keeps to docs/architecture.md: bearer token, instances of one revision,
model packages by hash, artefacts checked against theirs. `fail_next` makes it
answer with an error first, as a portal does that is being restarted.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

import pydicom

from workers.inputs import (
    MOST_FILES,
    MOST_TOGETHER,
    StudyInputs,
    pack,
    pack_inputs,
    unpack,
)
from workers.model_trust import AllowedPackage, public_key_of, sign_list

PREFIX = "/api/machine/"
SIGNING_KEY = base64.b64encode(bytes(range(32))).decode()
PUBLIC_KEY = public_key_of(SIGNING_KEY)


class FakePortal:
    """A portal with one study revision.

    Attributes:
        instances: Files by SOP Instance UID.
        models: Packages (zip bytes) by hash.
        artefacts: What workers stored, by SHA-256.
        allowed: Hashes on the signed list; those of `models` by default.
        signing_key: Whose signature the list has.
        requests: (verb, path) of each request, in order.
        fail_next: Statuses with which the next requests are refused.
        together: Files that it gives in one answer.
        given: SOP Instance UIDs of the files that it gave, in order.
    """

    def __init__(
        self,
        *,
        revision_id: str,
        token: str,
        instances: dict[str, bytes],
        models: dict[str, bytes] | None = None,
        port: int = 0,
        allowed: list[str] | None = None,
        signing_key: str = SIGNING_KEY,
    ) -> None:
        self.revision_id = revision_id
        self.token = token
        self.instances = instances
        self.models = models or {}
        self.allowed = list(self.models) if allowed is None else allowed
        self.signing_key = signing_key
        self.list_number = 1
        self.artefacts: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.fail_next: list[int] = []
        self.together = MOST_TOGETHER
        self.given: list[str] = []
        portal = self

        class Handler(_Handler):
            owner: ClassVar[FakePortal] = portal

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def signed_list(self) -> bytes:
        """Return the list of allowed models."""
        return sign_list(
            [
                AllowedPackage(
                    package_hash=name, name="model", version="1", admitted_at="2026"
                )
                for name in self.allowed
            ],
            number=self.list_number,
            issued_at="2026",
            private_key=self.signing_key,
        )

    def listing(self) -> dict[str, Any]:
        """Return the answer to the list of instances."""
        rows = []
        for sop_uid, content in self.instances.items():
            header = pydicom.dcmread(
                pydicom.filebase.DicomBytesIO(content),
                stop_before_pixels=True,
                force=True,
            )
            rows.append(
                {
                    "sop_uid": sop_uid,
                    "series_uid": str(header.get("SeriesInstanceUID", "1.2.3")),
                    "sop_class_uid": str(header.get("SOPClassUID", "")),
                    "size": len(content),
                }
            )
        return {"revision_id": self.revision_id, "instances": rows}

    def inputs(self, asked: dict[str, Any]) -> bytes:
        """Return the answer to what several requests need: it is one study's."""
        studies = {}
        if self.token in asked["tokens"]:
            studies[self.revision_id] = StudyInputs(
                instances=self.listing()["instances"],
                files=self.instances if len(self.instances) <= MOST_FILES else {},
            )
        return pack_inputs(studies)


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[FakePortal]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        refusal = self._refusal()
        if refusal:
            self._json(*refusal)
            return
        match self.path.removeprefix(PREFIX).split("/"):
            case ["revisions", revision, "instances"]:
                if revision != self.owner.revision_id:
                    self._json(403, {"code": "forbidden", "detail": "Not yours."})
                else:
                    self._json(200, self.owner.listing())
            case ["revisions", self.owner.revision_id, "instances", sop_uid]:
                self.owner.given.append(sop_uid)
                self._bytes(self.owner.instances.get(sop_uid))
            case ["models", "allowed"]:
                self._bytes(self.owner.signed_list())
            case ["models", package_hash]:
                self._bytes(self.owner.models.get(package_hash))
            case _:
                self._json(404, {"code": "not_found", "detail": "Unknown."})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refusal = self._refusal()
        if refusal:
            self._json(*refusal)
        elif self.path == f"{PREFIX}revisions/{self.owner.revision_id}/instances":
            wanted = json.loads(body)["instances"]
            named = [(uid, self.owner.instances.get(uid)) for uid in wanted]
            some = named[: self.owner.together]
            self.owner.given += [uid for uid, _ in some]
            self._bytes(None if None in dict(named).values() else pack(some))
        elif self.path == PREFIX + "inputs":
            self._send(200, self.owner.inputs(json.loads(body)), "application/zip")
        else:
            self.owner.artefacts |= unpack(body, limit=len(body))
            self._json(200, {})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        refusal = self._refusal()
        if refusal:
            self._json(*refusal)
            return
        name = self.path.removeprefix(PREFIX + "artefacts/")
        if hashlib.sha256(body).hexdigest() != name:
            self._json(422, {"code": "hash_mismatch", "detail": "Another hash."})
            return
        is_new = name not in self.owner.artefacts
        self.owner.artefacts[name] = body
        self._json(201 if is_new else 200, {"sha256": name})

    def _refusal(self) -> tuple[int, dict[str, str]] | None:
        self.owner.requests.append((self.command, self.path))
        if self.owner.fail_next:
            return self.owner.fail_next.pop(0), {"code": "busy", "detail": "Later."}
        if self.headers.get("Authorization") != f"Bearer {self.owner.token}":
            return 403, {"code": "bad_token", "detail": "This is not a worker token."}
        return None

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body).encode(), "application/json")

    def _bytes(self, body: bytes | None) -> None:
        if body is None:
            self._json(404, {"code": "not_found", "detail": "It is not here."})
        else:
            self._send(200, body, "application/octet-stream")

    def _send(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # the worker was killed
            self.wfile.write(body)
