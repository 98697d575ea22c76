"""STOW-RS: each part of a request goes through the one door for files."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from django.conf import settings

from apps.accounts.models import Site
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.interop.dicom.headers import AcceptedFile, classify_file
from apps.interop.types import ArchiveUnavailable
from apps.workflow.dicomweb.accept import DICOM, Media, UnsupportedMedia, parse_media
from apps.workflow.intake import FileOutcome, Status, Via, keep_report, take_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.accounts.types import Actor

CHUNK: Final = 256 * 1024
MAX_HEADER: Final = 16 * 1024
MAX_PARTS: Final = 10_000
MAX_BYTES = 8 << 30
"""Of one request. It is never whole on disk: only the part that is looked at."""

_OUT_OF_RESOURCES: Final = 0xA700
_NOT_UNDERSTOOD: Final = 0xC000
_PROCESSING_FAILURE: Final = 0x0110
_DUPLICATE: Final = 0x0111
_CLASS_NOT_SUPPORTED: Final = 0x0122
_NOT_ALLOWED: Final = 0x0124
_OTHER_STUDY: Final = 0xA900

_AWAY: Final = "The archive does not answer: send it again in a moment."
_CUT: Final = "The request ended in the middle of this part: send it again."
_TOO_LARGE: Final = "The request is larger than what is taken at once."
_NOT_THIS_STUDY: Final = "The file is of another study than the address names."
_NOT_DICOM_PART: Final = f"Only parts of type {DICOM} are taken."


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a request, on disk until the next is asked for."""

    media: Media
    path: Path
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of a request."""

    status: int
    body: dict[str, Any]


def choose_site(*, actor: Actor, code: str) -> Site:
    """Return the site that a person brings studies to.

    Args:
        actor: Who brings them.
        code: The site's code; '' for somebody who has only one.
    """
    mine = Site.objects.filter(id__in=actor.sites_with(Permission.STUDY_IMPORT))
    if code:
        code = code.replace("\x00", "�")
        found = mine.filter(code=code[:32]).first()
        if found is None and Site.objects.filter(code=code[:32], id__in=actor.site_ids):
            raise Forbidden("forbidden", "You may not bring studies to this site.")
        if found is None:
            raise NotFound("not_found", "There is no such site, or it is not yours.")
        return found
    sites = list(mine[:2])
    if not sites:
        raise Forbidden("forbidden", "You may not bring studies to any site.")
    if len(sites) > 1:
        raise Invalid("which_site", "Say which site: add ?site=CODE to the address.")
    return sites[0]


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of a request of DICOM files.

    Raises:
        UnsupportedMedia: It is something else.
    """
    media = parse_media(content_type)
    if media.name != "multipart/related" or media.inner not in {DICOM, ""}:
        raise UnsupportedMedia(f'Send multipart/related; type="{DICOM}".')
    boundary = media.params.get("boundary", "")
    if not 1 <= len(boundary) <= 200 or not boundary.isascii():
        raise Invalid("invalid", "The content type names no boundary.")
    return boundary.encode()


def store(
    *,
    actor: Actor,
    site: Site,
    stream: IO[bytes],
    boundary: bytes,
    study_uid: str,
    base: str,
) -> Stored:
    """Take every file of a request, and say of each what became of it.

    Args:
        actor: Who brings them.
        site: Where their studies belong.
        stream: The request's body.
        boundary: Between its parts.
        study_uid: The only study taken; '' for any.
        base: What our addresses begin with.
    """
    record(
        actor=actor,
        event=Event.DICOMWEB_STORE,
        site_id=site.id,
        object_kind="site",
        object_id=site.id,
    )
    outcomes: list[tuple[FileOutcome, int]] = []
    try:
        with _spool() as folder:
            for number, part in enumerate(
                read_parts(stream, boundary=boundary, folder=folder), start=1
            ):
                away = bool(outcomes) and outcomes[-1][0].reason == _AWAY
                outcomes.append(
                    _take(
                        actor=actor,
                        site=site,
                        part=part,
                        name=f"part {number}",
                        study_uid=study_uid,
                        away=away,
                    )
                )
    finally:
        if outcomes:
            keep_report(
                actor=actor, site=site, via=Via.STOW, outcomes=[o for o, _ in outcomes]
            )
    if not outcomes:
        raise Invalid("invalid", "The request has no parts.")
    return _answer(outcomes, base=base)


def spool_folder() -> Path:
    """Return where a part lies while it is looked at."""
    return Path(settings.STATE_DIR) / "intake" / "stow"


@contextmanager
def _spool() -> Iterator[Path]:
    root = spool_folder()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        yield Path(folder)


def _take(
    *, actor: Actor, site: Site, part: Part, name: str, study_uid: str, away: bool
) -> tuple[FileOutcome, int]:
    """Take one part; return what became of it and DICOM's code for a failure."""

    def refused(
        reason: str, code: int, *, again: bool = False
    ) -> tuple[FileOutcome, int]:
        outcome = FileOutcome(
            name=name, status=Status.REFUSED, reason=reason, may_try_again=again
        )
        return outcome, code

    if part.problem:
        code = _OUT_OF_RESOURCES if part.problem == _TOO_LARGE else _NOT_UNDERSTOOD
        return refused(part.problem, code)
    if part.media.name not in {DICOM, ""}:
        return refused(_NOT_DICOM_PART, _NOT_UNDERSTOOD)
    if away:
        return refused(_AWAY, _OUT_OF_RESOURCES, again=True)
    if study_uid:
        known = classify_file(part.path)
        if isinstance(known, AcceptedFile) and known.header.study_uid != study_uid:
            outcome = FileOutcome(
                name=name,
                status=Status.REFUSED,
                reason=_NOT_THIS_STUDY,
                sop_uid=known.header.sop_uid,
                sop_class_uid=known.header.sop_class_uid,
            )
            return outcome, _OTHER_STUDY
    try:
        outcome = take_file(
            actor=actor, site=site, source=part.path, name=name, via=Via.STOW
        )
    except ArchiveUnavailable:
        return refused(_AWAY, _OUT_OF_RESOURCES, again=True)
    return outcome, _code_of(outcome)


def _code_of(outcome: FileOutcome) -> int:
    if outcome.status in {Status.STORED, Status.ALREADY}:
        return 0
    if outcome.status == Status.CONFLICT:
        return _DUPLICATE
    if outcome.status == Status.SKIPPED:
        return _CLASS_NOT_SUPPORTED
    if outcome.may_try_again:
        return _OUT_OF_RESOURCES
    if not outcome.sop_uid:
        return _NOT_UNDERSTOOD
    return _NOT_ALLOWED if "another site" in outcome.reason else _PROCESSING_FAILURE


# --- the answer


def _answer(outcomes: list[tuple[FileOutcome, int]], *, base: str) -> Stored:
    good = [outcome for outcome, code in outcomes if not code]
    named = [(o, code) for o, code in outcomes if code and o.sop_uid]
    other = [(o, code) for o, code in outcomes if code and not o.sop_uid]
    body: dict[str, Any] = {}
    studies = {outcome.study_uid for outcome in good}
    if len(studies) == 1:
        url = f"{base}/studies/{studies.pop()}"
        body["00081190"] = {"vr": "UR", "Value": [url]}
    if named:
        body["00081198"] = {"vr": "SQ", "Value": [_failed(*pair) for pair in named]}
    if good:
        body["00081199"] = {"vr": "SQ", "Value": [_kept(o, base) for o in good]}
    if other:
        body["0008119A"] = {"vr": "SQ", "Value": [_failed(*pair) for pair in other]}
    if not good:
        away = all(outcome.reason == _AWAY for outcome, _ in outcomes)
        return Stored(status=503 if away else 409, body=body)
    return Stored(status=202 if len(good) < len(outcomes) else 200, body=body)


def _references(outcome: FileOutcome) -> dict[str, Any]:
    return {
        "00081150": {"vr": "UI", "Value": [outcome.sop_class_uid]},
        "00081155": {"vr": "UI", "Value": [outcome.sop_uid]},
    }


def _kept(outcome: FileOutcome, base: str) -> dict[str, Any]:
    url = (
        f"{base}/studies/{outcome.study_uid}/series/{outcome.series_uid}"
        f"/instances/{outcome.sop_uid}"
    )
    return {**_references(outcome), "00081190": {"vr": "UR", "Value": [url]}}


def _failed(outcome: FileOutcome, code: int) -> dict[str, Any]:
    item = _references(outcome) if outcome.sop_uid else {}
    return {
        **item,
        "00081197": {"vr": "US", "Value": [code]},
        "0040A160": {"vr": "UT", "Value": [outcome.reason]},
    }


# --- the request


def read_parts(stream: IO[bytes], *, boundary: bytes, folder: Path) -> Iterator[Part]:
    """Yield the parts of a multipart body, each as a file that is then removed.

    Args:
        stream: The body.
        boundary: Between the parts.
        folder: Where parts lie while they are looked at.
    """
    reader = _Reader(stream, b"\r\n--" + boundary)
    reader.skip_preamble()
    for number in range(MAX_PARTS):
        header = reader.read_header()
        if header is None:
            return
        path = folder / str(number)
        with path.open("wb") as file:
            whole = reader.copy_part(file)
        problem = "" if whole else (_TOO_LARGE if reader.is_over else _CUT)
        yield Part(media=_part_media(header), path=path, problem=problem)
        path.unlink(missing_ok=True)
        if not whole:
            return
    if reader.read_header() is not None:
        yield Part(media=Media(name=""), path=folder, problem=_TOO_LARGE)


def _part_media(header: bytes) -> Media:
    for line in header.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            return parse_media(value)
    return Media(name="")


class _Reader:
    """Reads a multipart body piece by piece; holds a piece or two in memory."""

    def __init__(self, stream: IO[bytes], delimiter: bytes) -> None:
        self._stream = stream
        self._delimiter = delimiter
        # The first boundary may stand at the very start: as if after a line's end.
        self._held = b"\r\n"
        self._left = MAX_BYTES
        self._ended = False
        self.is_over = False

    def skip_preamble(self) -> None:
        """Go past the first boundary."""
        self.copy_part(None)

    def read_header(self) -> bytes | None:
        """Read a part's header lines; None at the end of the body."""
        while b"\r\n" not in self._held:
            if len(self._held) > MAX_HEADER or not self._more():
                break
        if self._held[:2] == b"--" or not self._held:
            return None
        self._held = self._held.lstrip(b" \t")
        if self._held[:4] == b"\r\n\r\n":
            self._held = self._held[4:]
            return b""
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > MAX_HEADER or not self._more():
                return None
        header, _, self._held = self._held.partition(b"\r\n\r\n")
        return header

    def copy_part(self, file: IO[bytes] | None) -> bool:
        """Copy up to the next boundary and go past it; False when there is none."""
        keep = len(self._delimiter) - 1
        while True:
            place = self._held.find(self._delimiter)
            if place >= 0:
                if file:
                    file.write(self._held[:place])
                self._held = self._held[place + len(self._delimiter) :]
                return True
            if len(self._held) > keep:
                if file:
                    file.write(self._held[:-keep])
                self._held = self._held[-keep:]
            if not self._more():
                return False

    def _more(self) -> bool:
        if self._ended:
            return False
        piece = self._stream.read(CHUNK)
        self._left -= len(piece)
        if not piece or self._left < 0:
            self._ended, self.is_over = True, self._left < 0
            return False
        self._held += piece
        return True
