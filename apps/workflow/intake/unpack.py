"""Files, folders, zips and gzip files, one entry after the other.

Nothing is ever written under a name that a zip gives: members are read into memory
or into nameless temporary files, so no name can point outside. What a zip announces
is checked before it is unpacked, and nothing beyond what it announces is read.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

KIB: Final = 1024
MIB: Final = KIB * KIB
GIB: Final = KIB * MIB

IN_MEMORY: Final = 8 * MIB
"""Members above this many bytes go through a temporary file."""

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP: Final = b"\x1f\x8b"
_HEAD: Final = 132
_READ: Final = MIB
_ENCRYPTED: Final = 0x1
_DIRECTORY_LIMIT: Final = 64 * MIB
_PACKINGS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# NotImplementedError, of what a newer version of zip would be needed for, is among
# the RuntimeErrors.
_BAD_ZIP: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    RuntimeError,
    OverflowError,
)
_MAX_NAME: Final = 1024
_MAX_SIZE: Final = 1 << 53
_PACKED_ODDLY: Final = (
    "It is packed in a way that cannot be opened: unpack the ZIP first."
)
_TOO_DEEP: Final = "This is a ZIP in a ZIP in a ZIP: unpack it first."
_BOMB: Final = (
    "This unpacks to far more than images ever do (a ZIP bomb?): unpack it first."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may come out of one zip.

    Attributes:
        members: Files in it.
        member_bytes: Bytes of one file.
        total_bytes: Bytes of all files, those of inner zips included.
        ratio: How many times smaller than its content a file may be, asked of
            content above `ratio_floor` bytes only: an empty image packs well.
        ratio_floor: Bytes.
    """

    members: int = 200_000
    member_bytes: int = 8 * GIB
    total_bytes: int = 64 * GIB
    ratio: int = 200
    ratio_floor: int = 64 * MIB


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file that an outcome is owed, or a zip that was opened.

    Attributes:
        name: As its sender knows it; `disc.zip!folder/IM0001` within a zip.
        key: Its place in what it came from; the same each time.
        size: Bytes, unpacked.
        source: The file, or its bytes; None for a zip and where `refusal` says why.
        refusal: Why it cannot be read, in plain words, else ''.
        opened: Number of files in the zip, when this is one; else None.
        in_zip: Key of the outermost zip, '' outside.
        temporary: `source` is a file of ours, deleted by `discard`.
        handle: What keeps `source` the file that it was, closed by `discard`.
    """

    name: str
    key: str
    size: int
    source: Path | bytes | None = None
    refusal: str = ""
    opened: int | None = None
    in_zip: str = ""
    temporary: bool = False
    handle: IO[bytes] | None = None

    def discard(self) -> None:
        """Let go of what was opened or unpacked for it."""
        if self.handle is not None:
            self.handle.close()
        if self.temporary and isinstance(self.source, Path):
            self.source.unlink(missing_ok=True)


@dataclass(slots=True)
class _Budget:
    """What is left of the limits while one zip is unpacked."""

    limits: Limits
    members: int = 0
    total: int = 0

    def objection(self, info: zipfile.ZipInfo) -> str:
        """Take one member into account; say why it may not be unpacked, or ''."""
        limits = self.limits
        self.members += 1
        if self.members > limits.members:
            return f"The ZIP has more than {limits.members} files: unpack it first."
        if info.flag_bits & _ENCRYPTED:
            return "It is locked with a password: unpack the ZIP first."
        if info.compress_type not in _PACKINGS:
            return _PACKED_ODDLY
        if info.file_size > limits.member_bytes:
            return f"It is larger than {limits.member_bytes // GIB} GiB."
        packed = max(info.compress_size, 1)
        is_large = info.file_size > limits.ratio_floor
        if is_large and info.file_size > limits.ratio * packed:
            return _BOMB
        self.total += info.file_size
        return _BOMB if self.total > limits.total_bytes else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacker:
    """Turns paths into entries.

    Attributes:
        scratch: Folder for large members while they are taken.
        limits: What may come out of one zip.
    """

    scratch: Path
    limits: Limits = field(default=LIMITS)

    def unfold(
        self,
        *,
        path: Path,
        name: str,
        key: str = "",
        done: Container[str] = (),
        handle: IO[bytes] | None = None,
    ) -> Iterator[Entry]:
        """Yield the entry of a file; of a zip, itself and then its members.

        Args:
            path: The file.
            name: Its name as the sender knows it.
            key: Its key; members' begin with it.
            done: Keys of members that need not be unpacked again.
            handle: What keeps the path; closed when the file is no longer needed.
        """
        kept = False
        try:
            for entry in self._unfold(path=path, name=name, key=key, done=done):
                kept = entry.source is path
                yield replace(entry, handle=handle) if kept else entry
        finally:
            if handle is not None and not kept:
                handle.close()

    def _unfold(
        self, *, path: Path, name: str, key: str, done: Container[str]
    ) -> Iterator[Entry]:
        try:
            size = path.stat().st_size
            head = _head_of(path)
        except OSError as error:
            reason = f"The file cannot be read: {error.strerror or 'input error'}."
            yield Entry(name=name, key=key, size=0, refusal=reason)
            return
        plain = Entry(name=name, key=key, size=size, source=path)
        if _is_zip(head):
            yield from self._zip(plain, _Budget(self.limits), done, depth=0)
        elif head.startswith(_GZIP):
            yield self._inflated(plain, path)
        else:
            yield plain

    def _zip(
        self, outer: Entry, budget: _Budget, done: Container[str], *, depth: int
    ) -> Iterator[Entry]:
        source = _seekable(outer.source)
        bare = replace(outer, source=None, temporary=False)
        try:
            if _directory_bytes(source) > _DIRECTORY_LIMIT:
                yield replace(bare, refusal="The ZIP has too many files.")
                return
            opened = zipfile.ZipFile(source)
        except (OSError, *_BAD_ZIP):
            yield replace(bare, refusal="The ZIP is damaged and cannot be opened.")
            return
        with opened:
            infos = [info for info in opened.infolist() if not info.is_dir()]
            if depth == 0:
                yield replace(bare, opened=len(infos))
            for number, info in enumerate(infos):
                member = Entry(
                    name=f"{outer.name}!{info.filename[:_MAX_NAME]}",
                    key=f"{outer.key}{'.' if depth else ':'}{number}",
                    size=min(info.file_size, _MAX_SIZE),
                    in_zip=outer.in_zip or outer.key,
                )
                yield from self._member(opened, info, member, budget, done, depth)

    def _member(
        self,
        opened: zipfile.ZipFile,
        info: zipfile.ZipInfo,
        member: Entry,
        budget: _Budget,
        done: Container[str],
        depth: int,
    ) -> Iterator[Entry]:
        objection = budget.objection(info)
        if member.key in done:
            return
        if objection:
            yield replace(member, refusal=objection)
            return
        try:
            with opened.open(info) as stream:
                entry = self._read(member, stream, info.file_size)
        except NotImplementedError:
            entry = replace(member, refusal=_PACKED_ODDLY)
        except _BAD_ZIP:
            entry = replace(member, refusal="It is damaged in the ZIP.")
        yield from self._nested(entry, budget, done, depth=depth)

    def _nested(
        self, entry: Entry, budget: _Budget, done: Container[str], *, depth: int
    ) -> Iterator[Entry]:
        if entry.refusal or not _is_zip(_head_of(entry.source)):
            yield entry
            return
        try:
            if depth:
                yield replace(entry, source=None, temporary=False, refusal=_TOO_DEEP)
            else:
                yield from self._zip(entry, budget, done, depth=depth + 1)
        finally:
            entry.discard()

    def _read(
        self, entry: Entry, stream: IO[bytes] | gzip.GzipFile, size: int
    ) -> Entry:
        """Read at most `size` bytes, into memory or into a temporary file."""
        if size <= IN_MEMORY:
            return replace(entry, source=stream.read(size))
        path = self._scratch_file()
        try:
            with path.open("wb") as target:
                left = size
                while left > 0 and (part := stream.read(min(_READ, left))):
                    target.write(part)
                    left -= len(part)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return replace(entry, source=path, temporary=True)

    def _inflated(self, entry: Entry, path: Path) -> Entry:
        """Inflate a gzip file; it counts as the file that it holds."""
        limit = self.limits
        allowed = max(entry.size * limit.ratio, limit.ratio_floor)
        try:
            with gzip.open(path) as stream:
                found = self._read(entry, stream, min(allowed, limit.member_bytes) + 1)
        except (gzip.BadGzipFile, *_BAD_ZIP):
            reason = "The gzip file is damaged."
            return replace(entry, source=None, refusal=reason)
        size = _size_of(found)
        if size > min(allowed, limit.member_bytes):
            found.discard()
            return replace(entry, source=None, refusal=_BOMB)
        return replace(found, size=size)

    def _scratch_file(self) -> Path:
        self.scratch.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.scratch, prefix="member-")
        os.close(handle)
        return Path(name)


def walk_files(*, paths: Iterable[Path]) -> Iterator[Path]:
    """Yield every file below the paths, in a stable order; links are not followed."""
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                yield from (Path(folder, name) for name in sorted(names))
        else:
            yield path


def is_plain_file(path: Path) -> bool:
    """Whether this is a file itself: no link, no pipe, no folder."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _head_of(source: Path | bytes | None) -> bytes:
    if source is None:
        return b""
    if isinstance(source, bytes):
        return source[:_HEAD]
    with source.open("rb") as stream:
        return stream.read(_HEAD)


def _is_zip(head: bytes) -> bool:
    """Whether a file is a zip, and not DICOM with a zip's letters before it."""
    return head.startswith(_ZIP) and head[128:132] != b"DICM"


def _seekable(source: Path | bytes | None) -> Path | io.BytesIO:
    return source if isinstance(source, Path) else io.BytesIO(source or b"")


def _size_of(entry: Entry) -> int:
    source = entry.source
    if isinstance(source, Path):
        return source.stat().st_size
    return len(source or b"")


def _directory_bytes(source: Path | io.BytesIO) -> int:
    """Return the size of a zip's list of members, as its end announces."""
    if isinstance(source, io.BytesIO):
        tail = source.getvalue()
    else:
        with source.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - 66 * KIB))
            tail = stream.read()
    zip64 = tail.rfind(b"PK\x06\x06")
    if zip64 >= 0 and len(tail) >= zip64 + 48:
        return int(struct.unpack_from("<Q", tail, zip64 + 40)[0])
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 16:
        return 0
    return int(struct.unpack_from("<L", tail, end + 12)[0])
