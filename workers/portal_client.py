"""The portal's machine API, as a worker uses it.

A client is bound to one request's scoped token. The token travels in a header
only; neither it nor a study's content is ever logged.
"""

from __future__ import annotations

import hashlib
import logging
import random
import ssl
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from workers.contracts import ArtefactRef
from workers.packs.source import InstanceRef

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 60.0
ATTEMPTS: Final = 4
THREADS: Final = 4
_FIRST_PAUSE_S: Final = 0.2
_TOO_MANY: Final = 429


@cache
def _trusted() -> ssl.SSLContext:
    """Return whom HTTPS believes; read once, for that takes 25 ms."""
    return httpx.create_ssl_context()


class PortalError(Exception):
    """The portal refused: asking again gives the same answer.

    Attributes:
        status: HTTP status.
        code: The portal's own code, '' when it gave none.
    """

    def __init__(self, *, status: int, code: str, doing: str) -> None:
        """Take the answer and what was being done, in plain words."""
        super().__init__(f"the portal refused {doing} ({status} {code})".rstrip())
        self.status = status
        self.code = code


class PortalUnavailableError(Exception):
    """The portal can not be reached or is failing: asking later may help."""


class PortalClient:
    """Reads instances and models of one request, and stores artefacts."""

    def __init__(
        self,
        *,
        portal_url: str,
        token: str,
        revision_id: str,
        transport: httpx.BaseTransport | None = None,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        """Bind to a portal, a token and a study revision.

        Args:
            portal_url: Where the portal is.
            token: Bearer token of the request.
            revision_id: UUID of the study revision.
            transport: What carries the requests; the network by default.
            first_pause_s: Pause before the first retry; it doubles.
        """
        self._revision_id = revision_id
        self._first_pause_s = first_pause_s
        self._http = httpx.Client(
            base_url=portal_url.rstrip("/") + "/api/machine/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=THREADS + 1),
            follow_redirects=False,
            transport=transport,
            verify=_trusted(),
        )

    def __enter__(self) -> Self:
        """Use it as a context: its connections end with it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._http.close()

    def list_instances(self) -> list[InstanceRef]:
        """Return the instances of the revision.

        Raises:
            PortalError: It may not be read.
            PortalUnavailableError: The portal gives no answer.
        """
        path = f"revisions/{quote(self._revision_id, safe='')}/instances"
        answer = self._ask("GET", path, doing="the list of images").json()
        return [_instance_ref(row) for row in answer["instances"]]

    def read_instance(self, sop_uid: str) -> bytes:
        """Return the file of one instance, as stored.

        Raises:
            PortalError: It may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        revision = quote(self._revision_id, safe="")
        path = f"revisions/{revision}/instances/{quote(sop_uid, safe='')}"
        return self._ask("GET", path, doing="an image").content

    def read_instances(
        self, refs: Iterable[InstanceRef]
    ) -> Iterator[tuple[InstanceRef, bytes]]:
        """Yield instances with their files, in order, a few fetched ahead.

        Raises:
            PortalError: One may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        waiting: deque[tuple[InstanceRef, Future[bytes]]] = deque()
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fetch")
        try:
            for ref in refs:
                waiting.append((ref, pool.submit(self.read_instance, ref.sop_uid)))
                if len(waiting) > THREADS:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def read_model(self, package_hash: str) -> bytes:
        """Return a model package, a zip.

        Raises:
            PortalError: It may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        path = f"models/{quote(package_hash, safe='')}"
        return self._ask("GET", path, doing="the model").content

    def read_model_list(self) -> bytes:
        """Return the signed list of models that may be loaded.

        Raises:
            PortalError: It may not be read.
            PortalUnavailableError: The portal gives no answer.
        """
        return self._ask("GET", "models/allowed", doing="the list of models").content

    def store_artefact(
        self,
        body: bytes,
        *,
        media_type: str,
        sop_uid: str | None = None,
        frame: int | None = None,
        meta: dict[str, Any] | None = None,
    ) -> ArtefactRef:
        """Store a file under its own hash and return the reference to it.

        Raises:
            PortalError: It may not be stored.
            PortalUnavailableError: The portal gives no answer.
        """
        sha256 = hashlib.sha256(body).hexdigest()
        self._ask(
            "PUT",
            f"artefacts/{sha256}",
            doing="to store a result",
            content=body,
            headers={"Content-Type": media_type},
        )
        return ArtefactRef(
            sha256=sha256,
            media_type=media_type,
            sop_uid=sop_uid,
            frame=frame,
            meta=meta or {},
        )

    def read_interpolation(self, job_id: str) -> dict[str, Any]:
        """Return what an interpolation is asked to do, as the portal words it.

        Raises:
            PortalError: It may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        path = f"segment-interpolations/{quote(job_id, safe='')}"
        answer: dict[str, Any] = self._ask("GET", path, doing="what to fill").json()
        return answer

    def read_label_map(self, job_id: str, sha256: str) -> bytes:
        """Return a label map of an interpolation, as gzip.

        Raises:
            PortalError: It may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        path = f"segment-interpolations/{quote(job_id, safe='')}/slices/{sha256}"
        return self._ask("GET", path, doing="what was drawn").content

    def store_label_map(self, job_id: str, sha256: str, packed: bytes) -> None:
        """Store a label map that an interpolation made, given as gzip.

        Raises:
            PortalError: It may not be stored.
            PortalUnavailableError: The portal gives no answer.
        """
        self._ask(
            "PUT",
            f"segment-interpolations/{quote(job_id, safe='')}/slices/{sha256}",
            doing="to store a label map",
            content=packed,
            headers={"Content-Type": "application/octet-stream"},
        )

    def _ask(
        self, method: str, path: str, *, doing: str, **options: Any
    ) -> httpx.Response:
        """Send a request; ask again, ever later, while the portal is failing."""
        cause = "no answer"
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(self._pause(attempt))
            try:
                response = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                cause = type(error).__name__
                continue
            if response.status_code >= 500 or response.status_code == _TOO_MANY:
                cause = str(response.status_code)
                continue
            if response.is_success:
                return response
            raise PortalError(
                status=response.status_code, code=_code_of(response), doing=doing
            )
        log.warning("the portal gives no answer: %s", cause)
        raise PortalUnavailableError(f"the portal gave no answer to {doing} ({cause})")

    def _pause(self, attempt: int) -> float:
        longest = self._first_pause_s * float(2 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  spreads the load


def _instance_ref(row: dict[str, Any]) -> InstanceRef:
    return InstanceRef(
        sop_uid=str(row["sop_uid"]),
        series_uid=str(row["series_uid"]),
        sop_class_uid=str(row.get("sop_class_uid") or ""),
        size=int(row.get("size") or 0),
    )


def _code_of(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("code", ""))[:60] if isinstance(body, dict) else ""
