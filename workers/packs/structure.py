"""Walks a file's elements before anything parses them: is it safe, does it end?

Parsers recurse into sequences and make an object of each element, so a small file
can cost them any time and memory. The walk costs little, makes nothing, and looks
at a file as pydicom would: an element whose value representation makes no sense is
taken as implicit. Only the standard library is used, for the portal walks too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import Final

PIXEL_TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float, double float and ordinary Pixel Data."""

MAX_DEPTH: Final = 48
"""Sequences within sequences; a structured report has about 20."""
MAX_ELEMENTS: Final = 250_000
"""Elements, items and fragments of one file: a long enhanced series has 150,000."""

_INFLATED_AT_LEAST: Final = 48 << 20
_INFLATED_RATIO: Final = 12
_INFLATED_AT_MOST: Final = 1 << 30
_CHUNK: Final = 1 << 20

_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF
_LONG_VRS: Final = frozenset(
    {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN", b"SQ", b"UT", b"UC", b"UR"}
    | {b"SV", b"UV"}
)
_UNTYPED: Final = frozenset({b"", b"UN"})


class UnsafeFileError(ValueError):
    """A file that would cost its parser too much; the text says why."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What the walk found.

    Attributes:
        is_truncated: The file ends inside an element, and made sense until there.
        is_odd: Something in it makes no sense.
        pixel_bytes: Length of the pixel element at the top level, None when there
            is none, or when it is encapsulated.
        n_elements: Elements, items and fragments.
    """

    is_truncated: bool
    is_odd: bool
    pixel_bytes: int | None
    n_elements: int


class _EndOfFile(Exception):
    """The file ends inside an element."""


class _Lost(Exception):
    """What is there makes no sense, and there is no way on."""


def walk_structure(data: bytes | mmap, *, start: int, little: bool) -> Structure:
    """Walk a dataset from its first element to its last.

    Args:
        data: The file, inflated; anything that can be cut like bytes.
        start: Offset of the first element of the dataset.
        little: Byte order.

    Raises:
        UnsafeFileError: Its sequences are nested too deep, or there is too much.
    """
    walk = _Walk(data, little=little)
    truncated = False
    try:
        walk.dataset(start, len(data), depth=0, implicit=False)
    except _EndOfFile:
        truncated = not walk.is_odd
    except _Lost:
        walk.is_odd = True
    return Structure(
        is_truncated=truncated,
        is_odd=walk.is_odd,
        pixel_bytes=walk.pixel_bytes,
        n_elements=walk.n_elements,
    )


def is_little_endian(data: bytes | mmap, *, start: int, transfer_syntax: str) -> bool:
    """Tell the byte order of a dataset, as pydicom would guess it where unnamed."""
    if transfer_syntax:
        return transfer_syntax != "1.2.840.10008.1.2.2"
    head = data[start : start + 6]
    if len(head) < 6 or not _is_vr(head[4:6]):
        return True
    return int.from_bytes(head[:2], "little") < 1024


def inflate(data: bytes | mmap, *, start: int) -> bytes:
    """Unpack a deflated dataset, but no bomb.

    Args:
        data: The file.
        start: Where the deflated dataset begins.

    Raises:
        UnsafeFileError: It grows out of all proportion.
        zlib.error: It is no deflated stream.
    """
    limit = _INFLATED_RATIO * len(data)
    limit = min(max(limit, _INFLATED_AT_LEAST), _INFLATED_AT_MOST)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    parts, size = [], 0
    packed = bytes(data[start:])
    while packed and not unpacker.eof:
        parts.append(unpacker.decompress(packed, _CHUNK))
        packed = unpacker.unconsumed_tail
        size += len(parts[-1])
        if size > limit:
            raise UnsafeFileError(
                f"its compressed content unpacks to more than {limit >> 20} MB"
            )
    if not unpacker.eof:
        raise zlib.error("the deflated stream is incomplete")
    return b"".join(parts)


def _is_vr(text: bytes) -> bool:
    return len(text) == 2 and 0x40 < text[0] < 0x5B and 0x40 < text[1] < 0x5B


class _Walk:
    def __init__(self, data: bytes | mmap, *, little: bool) -> None:
        self._data = data
        self._size = len(data)
        order = "<" if little else ">"
        self._head: Callable[..., tuple[int, int, bytes, int]] = struct.Struct(
            order + "HH2sH"
        ).unpack_from
        self._item: Callable[..., tuple[int, int, int]] = struct.Struct(
            order + "HHL"
        ).unpack_from
        self._long: Callable[..., tuple[int]] = struct.Struct(order + "L").unpack_from
        self._sequence_end = struct.pack(order + "HH", 0xFFFE, 0xE0DD)
        self.is_odd = False
        self.pixel_bytes: int | None = None
        self.n_elements = 0

    def dataset(self, at: int, end: int, *, depth: int, implicit: bool) -> int:
        """Walk elements up to `end` or to the item's delimiter; return where."""
        if depth > MAX_DEPTH:
            raise UnsafeFileError(f"its sequences are nested over {MAX_DEPTH} deep")
        implicit = implicit or not _is_vr(bytes(self._data[at + 4 : at + 6]))
        while at < end:
            if at + 8 > self._size:
                if depth == 0 and not bytes(self._data[at:]).strip(b"\x00"):
                    return self._size  # padding behind the last element
                raise _EndOfFile
            tag, vr, length, at = self._element(at, implicit=implicit)
            if tag == _ITEM_END:
                return at
            self._count()
            if depth == 0 and tag in PIXEL_TAGS and length != _UNDEFINED:
                self.pixel_bytes = length
            at = self._value(tag, vr, length, at, depth=depth, implicit=implicit)
        if at > end:
            self.is_odd = True
        return at

    def _count(self) -> None:
        self.n_elements += 1
        if self.n_elements > MAX_ELEMENTS:
            raise UnsafeFileError(f"it has more than {MAX_ELEMENTS:,} elements")

    def _element(self, at: int, *, implicit: bool) -> tuple[int, bytes, int, int]:
        """Return tag, value representation, length, and where the value begins."""
        group, element, vr, length = self._head(self._data, at)
        tag = group << 16 | element
        if implicit or group == 0xFFFE:
            return tag, b"", self._item(self._data, at)[2], at + 8
        if vr in _LONG_VRS:
            if at + 12 > self._size:
                raise _EndOfFile
            return tag, vr, self._long(self._data, at + 8)[0], at + 12
        if not _is_vr(vr):
            self.is_odd = True
            return tag, b"", self._item(self._data, at)[2], at + 8
        return tag, vr, length, at + 8

    def _value(
        self, tag: int, vr: bytes, length: int, at: int, *, depth: int, implicit: bool
    ) -> int:
        if length == _UNDEFINED:
            if tag in PIXEL_TAGS and depth == 0:
                return self._fragments(at)
            # An unknown value of undefined length holds items in implicit form.
            inner = implicit or vr == b"UN"
            return self._items(at, self._size, depth=depth, implicit=inner)
        end = at + length
        if end > self._size:
            raise _EndOfFile
        if vr == b"SQ" or (vr in _UNTYPED and self._starts_item(at, length)):
            inner = implicit or vr == b"UN"
            self._items(at, end, depth=depth, implicit=inner)
        return end

    def _starts_item(self, at: int, length: int) -> bool:
        if length < 8:
            return False
        group, element, _ = self._item(self._data, at)
        return group << 16 | element == _ITEM

    def _items(self, at: int, end: int, *, depth: int, implicit: bool) -> int:
        while at < end:
            if at + 8 > self._size:
                raise _EndOfFile
            group, element, length = self._item(self._data, at)
            tag, at = group << 16 | element, at + 8
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                return self._find_end(at - 8, end)
            self._count()
            if length == _UNDEFINED:
                at = self.dataset(at, self._size, depth=depth + 1, implicit=implicit)
            elif at + length > self._size:
                raise _EndOfFile
            else:
                self.dataset(at, at + length, depth=depth + 1, implicit=implicit)
                at += length
        return at

    def _fragments(self, at: int) -> int:
        while True:
            if at + 8 > self._size:
                raise _EndOfFile
            group, element, length = self._item(self._data, at)
            tag, at = group << 16 | element, at + 8
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM or length == _UNDEFINED:
                return self._find_end(at - 8, self._size)
            self._count()
            if at + length > self._size:
                raise _EndOfFile
            at += length

    def _find_end(self, at: int, end: int) -> int:
        """Go on behind the next delimiter, where items make no sense."""
        self.is_odd = True
        found = self._data.find(self._sequence_end, at, end)
        if found < 0:
            if end < self._size:
                return end
            raise _Lost
        return found + 8
