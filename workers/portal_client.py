"""The portal's machine API, as a worker uses it.

A client is bound to one request's scoped token. Tokens travel in a header, or in the
body of a request for several studies; neither they nor a study's content are ever
logged. Clients that share a `PortalLine` ask together for what their studies need, and
store together what was made; what that does not give is asked for alone.
"""

from __future__ import annotations

import hashlib
import logging
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from workers.contracts import OUTDATED, PRIORITY_NORMAL, ArtefactRef
from workers.gathering import Gatherer
from workers.inputs import (
    MOST_STUDIES,
    MOST_TOGETHER,
    TOGETHER_BYTES,
    ParcelError,
    StudyInputs,
    pack,
    unpack,
    unpack_inputs,
)
from workers.packs.source import InstanceRef

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 60.0
ATTEMPTS: Final = 4
THREADS: Final = 4
MOST_CONNECTIONS: Final = 32
LINE_THREADS: Final = 2
GATHER_S: Final = 0.1
"""Longest wait for others that want the same: eight come meanwhile at 80 a second."""
SHARED_BYTES: Final = 4 << 20
"""An artefact that is larger is stored by itself."""
_EXPIRED_CODE: Final = "token_expired"
"""The portal's code for a token that was good and has ended."""
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

    @property
    def reason(self) -> str:
        """What the answer to the request says of it."""
        return OUTDATED if self.code == _EXPIRED_CODE else str(self)


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
        line: PortalLine | None = None,
        priority: int = PRIORITY_NORMAL,
    ) -> None:
        """Bind to a portal, a token and a study revision.

        Args:
            portal_url: Where the portal is.
            token: Bearer token of the request.
            revision_id: UUID of the study revision.
            transport: What carries the requests; the network by default.
            first_pause_s: Pause before the first retry; it doubles.
            line: What it shares with the clients of other requests to this portal.
            priority: 0 (first) to 9, among those that share.
        """
        self._revision_id = revision_id
        self._token = token
        self._first_pause_s = first_pause_s
        self._line = line
        self._priority = priority
        self._files: Mapping[str, bytes] = {}
        self._unsent: list[tuple[str, bytes]] = []
        self._http = line.http if line else open_http(portal_url, transport=transport)

    def __enter__(self) -> Self:
        """Use it as a context: its connections end with it."""
        if self._line is not None:
            self._line.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections, unless they are shared."""
        if self._line is None:
            self._http.close()
        else:
            self._line.end()

    def list_instances(self) -> list[InstanceRef]:
        """Return the instances of the revision.

        Raises:
            PortalError: It may not be read.
            PortalUnavailableError: The portal gives no answer.
        """
        shared = self._shared_inputs()
        if shared is not None:
            self._files = shared.files
            return [_instance_ref(row) for row in shared.instances]
        path = f"revisions/{quote(self._revision_id, safe='')}/instances"
        answer = self._ask("GET", path, doing="the list of images").json()
        return [_instance_ref(row) for row in answer["instances"]]

    def _shared_inputs(self) -> StudyInputs | None:
        if self._line is None:
            return None
        wish = Wish(token=self._token, revision_id=self._revision_id)
        return self._line.inputs.do(wish, priority=self._priority)

    def read_instance(self, sop_uid: str) -> bytes:
        """Return the file of one instance, as stored.

        Raises:
            PortalError: It may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        if sop_uid in self._files:
            return self._files[sop_uid]
        revision = quote(self._revision_id, safe="")
        path = f"revisions/{revision}/instances/{quote(sop_uid, safe='')}"
        return self._ask("GET", path, doing="an image").content

    def read_instances(
        self, refs: Iterable[InstanceRef]
    ) -> Iterator[tuple[InstanceRef, bytes]]:
        """Yield instances with their files, in order, some at a time, a few ahead.

        Raises:
            PortalError: One may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        wanted = list(refs)
        if all(ref.sop_uid in self._files for ref in wanted):
            yield from ((ref, self._files[ref.sop_uid]) for ref in wanted)
            return
        waiting: deque[tuple[list[InstanceRef], Future[dict[str, bytes]]]] = deque()
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fetch")
        try:
            for some in _together(wanted):
                if self._line is not None:
                    self._line.let_pass(self._priority)
                waiting.append((some, pool.submit(self._read_some, some)))
                if len(waiting) > THREADS:
                    yield from _in_order(*waiting.popleft())
            while waiting:
                yield from _in_order(*waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _read_some(self, refs: Sequence[InstanceRef]) -> dict[str, bytes]:
        """Return files by SOP Instance UID; the portal may give fewer at a time."""
        path = f"revisions/{quote(self._revision_id, safe='')}/instances"
        left = [ref.sop_uid for ref in refs]
        found: dict[str, bytes] = {}
        while len(left) > 1:
            answer = self._ask(
                "POST", path, doing="some images", json={"instances": left}
            )
            try:
                some = unpack(answer.content, limit=len(answer.content))
            except ParcelError as error:
                raise PortalUnavailableError(f"images came broken: {error}") from error
            if not some.keys() & set(left):
                break
            found |= some
            left = [uid for uid in left if uid not in found]
        return found | {uid: self.read_instance(uid) for uid in left}

    def let_go(self) -> None:
        """Forget files that came with others'; who still wants one asks for it."""
        self._files = {}

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

        With a shared line it is stored only when `flush` returns.

        Raises:
            PortalError: It may not be stored.
            PortalUnavailableError: The portal gives no answer.
        """
        sha256 = hashlib.sha256(body).hexdigest()
        if self._line is None or len(body) > SHARED_BYTES:
            self._put(sha256, body)
        else:
            self._unsent.append((sha256, body))
        return ArtefactRef(
            sha256=sha256,
            media_type=media_type,
            sop_uid=sop_uid,
            frame=frame,
            meta=meta or {},
        )

    def flush(self) -> None:
        """Return when all that was to be stored is.

        Raises:
            PortalError: It may not be stored.
            PortalUnavailableError: The portal gives no answer.
        """
        unsent, self._unsent = self._unsent, []
        if not unsent or self._line is None:
            return
        parcel = Parcel(token=self._token, files=tuple(unsent))
        if not self._line.artefacts.do(parcel, priority=self._priority):
            for sha256, body in unsent:
                self._put(sha256, body)

    def _put(self, sha256: str, body: bytes) -> None:
        self._ask(
            "PUT",
            f"artefacts/{sha256}",
            doing="to store a result",
            content=body,
            headers={"Content-Type": "application/octet-stream"},
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

    def read_comparison(self, comparison_id: str) -> dict[str, Any]:
        """Return what a comparison is of, as the portal words it.

        Raises:
            PortalError: It may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        path = f"comparisons/{quote(comparison_id, safe='')}"
        answer: dict[str, Any] = self._ask("GET", path, doing="what to compare").json()
        return answer

    def read_compared_mask(self, comparison_id: str, sha256: str) -> bytes:
        """Return a mask of a comparison, as gzip.

        Raises:
            PortalError: It may not be read, or is gone.
            PortalUnavailableError: The portal gives no answer.
        """
        path = f"comparisons/{quote(comparison_id, safe='')}/masks/{quote(sha256)}"
        return self._ask("GET", path, doing="a mask").content

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
        self,
        method: str,
        path: str,
        *,
        doing: str,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        return ask_portal(
            self._http,
            method,
            path,
            doing=doing,
            token=self._token,
            first_pause_s=self._first_pause_s,
            headers=headers,
            **options,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a study needs: its revision, and the token that opens it."""

    token: str = field(repr=False)
    revision_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What was made of a study: files by their SHA-256, and the token for them."""

    token: str = field(repr=False)
    files: tuple[tuple[str, bytes], ...] = field(repr=False)


class PortalLine:
    """What the clients of many requests to one portal share; it lasts.

    Who wants something waits a moment for others that are in hand, to ask together;
    a client that is alone waits for nobody.

    Attributes:
        http: The connections.
        inputs: Asks for what studies need; None where it was not given that way.
        artefacts: Stores what was made; False where it could not be that way.
        let_pass: Waits, before files of one urgency are asked for, while only what is
            more urgent goes on.
    """

    def __init__(
        self,
        *,
        portal_url: str,
        transport: httpx.BaseTransport | None = None,
        let_pass: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Take where the portal is.

        Args:
            portal_url: Its address.
            transport: What carries HTTP; the network by default.
            let_pass: See above; nothing waits by default.
        """
        self.let_pass = let_pass
        self.http = open_http(portal_url, transport=transport)
        self._in_hand = 0
        self._lock = threading.Lock()
        self.inputs: Gatherer[Wish, StudyInputs | None] = Gatherer(
            work=self._ask_inputs,
            most=MOST_STUDIES,
            wait_s=GATHER_S,
            in_hand=lambda: self._in_hand - self.inputs.waiting,
            threads=LINE_THREADS,
            has_express=True,
        )
        self.artefacts: Gatherer[Parcel, bool] = Gatherer(
            work=self._store,
            most=MOST_STUDIES,
            wait_s=GATHER_S,
            in_hand=lambda: self._in_hand - self.artefacts.waiting,
            threads=LINE_THREADS,
            has_express=True,
        )

    def begin(self) -> None:
        """Count a client that may want something of it."""
        with self._lock:
            self._in_hand += 1

    def end(self) -> None:
        """Count it no longer: nobody waits for it any more."""
        with self._lock:
            self._in_hand -= 1

    def _ask_inputs(
        self, wishes: Sequence[Wish], priority: int
    ) -> list[StudyInputs | None]:
        self.let_pass(priority)
        try:
            answer = ask_portal(
                self.http,
                "POST",
                "inputs",
                doing="the images of several studies",
                token=wishes[0].token,
                json={"tokens": [wish.token for wish in wishes]},
            )
            found = unpack_inputs(answer.content)
        except (PortalError, ParcelError) as error:
            log.warning("inputs are asked for one by one: %s", error)
            return [None] * len(wishes)
        return [found.get(wish.revision_id) for wish in wishes]

    def _store(self, parcels: Sequence[Parcel], _priority: int) -> list[bool]:
        files = {sha256: body for parcel in parcels for sha256, body in parcel.files}
        try:
            ask_portal(
                self.http,
                "POST",
                "artefacts",
                doing="to store results",
                token=parcels[0].token,
                content=pack(files.items()),
                headers={"Content-Type": "application/zip"},
            )
        except PortalError as error:
            log.warning("results are stored one by one: %s", error)
            return [False] * len(parcels)
        return [True] * len(parcels)


def open_http(
    portal_url: str, *, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """Return connections to a portal's machine API, for any number of threads."""
    return httpx.Client(
        base_url=portal_url.rstrip("/") + "/api/machine/",
        timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        limits=httpx.Limits(max_connections=MOST_CONNECTIONS),
        follow_redirects=False,
        transport=transport,
        verify=_trusted(),
    )


def ask_portal(
    http: httpx.Client,
    method: str,
    path: str,
    *,
    doing: str,
    token: str,
    first_pause_s: float = _FIRST_PAUSE_S,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> httpx.Response:
    """Send a request; ask again, ever later, while the portal is failing.

    Raises:
        PortalError: The portal refused.
        PortalUnavailableError: The portal gives no answer.
    """
    cause = "no answer"
    named = {**(headers or {}), "Authorization": f"Bearer {token}"}
    for attempt in range(ATTEMPTS):
        if attempt:
            longest = first_pause_s * float(2 ** (attempt - 1))
            time.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311  spreads load
        try:
            response = http.request(method, path, headers=named, **options)
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


def _together(refs: Sequence[InstanceRef]) -> Iterator[list[InstanceRef]]:
    """Yield instances as they are asked for: so many, and so many bytes, at a time."""
    some: list[InstanceRef] = []
    size = 0
    for ref in refs:
        if some and (len(some) == MOST_TOGETHER or size + ref.size > TOGETHER_BYTES):
            yield some
            some, size = [], 0
        some.append(ref)
        size += ref.size
    if some:
        yield some


def _in_order(
    refs: Sequence[InstanceRef], files: Future[dict[str, bytes]]
) -> Iterator[tuple[InstanceRef, bytes]]:
    found = files.result()
    for ref in refs:
        yield ref, found.pop(ref.sop_uid)


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
