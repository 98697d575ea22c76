"""WADO-RS: objects as stored, their headers, frames and pictures."""

from __future__ import annotations

import json
import secrets
from itertools import chain
from typing import TYPE_CHECKING, Final

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import NotFound
from apps.interop.dicom.headers import read_transfer_syntax
from apps.interop.dicomweb import NotHad, metadata_of
from apps.studies.archive import archive
from apps.workflow.dicomweb.accept import DICOM, NotAcceptable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apps.accounts.types import Actor
    from apps.studies.models import Study
    from apps.workflow.dicomweb.accept import Media
    from apps.workflow.dicomweb.contents import WebObject

_HEAD: Final = 64 * 1024


def record_read(*, actor: Actor, study: Study, what: str, n: int) -> None:
    """Put on record that objects of a study leave."""
    record(
        actor=actor,
        event=Event.DICOMWEB_READ,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="study",
        object_id=study.id,
        detail={"what": what, "n": n},
    )


def object_url(base: str, found: WebObject) -> str:
    """Return the address of an object at the portal."""
    return (
        f"{base}/studies/{found.study_uid}/series/{found.series_uid}"
        f"/instances/{found.sop_uid}"
    )


def content_of(found: WebObject) -> bytes:
    """Return an object's file as stored."""
    return archive().fetch_instance(found.archive_id)


def new_boundary() -> str:
    """Return a boundary that no file holds by accident."""
    return secrets.token_hex(20)


def encode_parts(
    parts: Iterable[tuple[str, Iterable[bytes]]], *, boundary: str
) -> Iterator[bytes]:
    """Yield a multipart body.

    Args:
        parts: Content type and pieces of each.
        boundary: As named in the answer's content type.
    """
    lead = b""
    for media_type, pieces in parts:
        yield lead + f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode()
        yield from pieces
        lead = b"\r\n"
    yield lead + f"--{boundary}--\r\n".encode()


def file_parts(objects: list[WebObject]) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield each object's file in pieces, as stored."""
    for found in objects:
        with archive().stream_instance(found.archive_id) as pieces:
            stream = iter(pieces)
            head = next(stream, b"")
            syntax = read_transfer_syntax(head[:_HEAD])
            yield f"{DICOM};transfer-syntax={syntax}", chain([head], stream)


def file_pieces(found: WebObject) -> Iterator[bytes]:
    """Yield one object's file in pieces, as stored."""
    with archive().stream_instance(found.archive_id) as pieces:
        yield from pieces


def require_syntax(objects: list[WebObject], wishes: list[Media]) -> None:
    """Refuse when a client takes only other encodings than those stored.

    Raises:
        NotAcceptable: Files are sent as stored, never encoded anew.
    """
    wanted = {media.syntax for media in wishes}
    if not wanted or "" in wanted:
        return
    for found in objects:
        with archive().stream_instance(found.archive_id) as pieces:
            head = next(iter(pieces), b"")
        if read_transfer_syntax(head[:_HEAD]) not in wanted:
            raise NotAcceptable(
                "Objects are sent as they are stored, and this one is stored in "
                "another transfer syntax: ask with transfer-syntax=*."
            )


def begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Take the first piece now, so that what fails at once is answered as such."""
    first = next(pieces, b"")
    return chain([first], pieces)


def metadata_pieces(objects: list[WebObject], *, base: str) -> Iterator[bytes]:
    """Yield a JSON array of the objects' headers; one unreadable is left out."""
    lead = b"["
    for found in objects:
        url = object_url(base, found) + "/bulk"
        try:
            header = metadata_of(content_of(found), bulk_url=url)
        except NotHad:
            continue
        yield lead + json.dumps(header, ensure_ascii=False).encode(errors="replace")
        lead = b","
    yield b"[]" if lead == b"[" else b"]"


def parse_frames(text: str) -> list[int]:
    """Read a list of frame numbers, such as `1,2,5`.

    Raises:
        NotFound: It is none, or names a frame twice.
    """
    parts = text.split(",")
    sound = all(p.isascii() and p.isdigit() and 1 <= len(p) <= 6 for p in parts)
    if not sound or len(parts) > 10_000 or "0" in {p.lstrip("0") or "0" for p in parts}:
        raise NotFound("not_found", "Frames are numbers from 1, with commas between.")
    numbers = [int(part) for part in parts]
    if len(set(numbers)) < len(numbers):
        raise NotFound("not_found", "A frame is named more than once.")
    return numbers
