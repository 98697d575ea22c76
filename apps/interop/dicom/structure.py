"""Walks a dataset's elements without reading values: does the file end too early?

It answers only that. Where an element makes no sense the walk stops and says
nothing against the file: whoever parses it will.
"""

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

PIXEL_TAGS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float, double float and ordinary Pixel Data."""

_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF
_MAX_DEPTH: Final = 64
_LONG_VRS: Final = frozenset(
    {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN", b"SQ", b"UT", b"UC", b"UR"}
    | {b"SV", b"UV"}
)


@dataclass(frozen=True, slots=True)
class Structure:
    """What the walk found.

    Attributes:
        is_truncated: The file ends inside an element.
        pixel_bytes: Length of the pixel element at the top level, None when there
            is none, or when it is encapsulated.
    """

    is_truncated: bool
    pixel_bytes: int | None


class _EndOfFile(Exception):
    """The file ends inside an element."""


class _Odd(Exception):
    """What is there makes no sense to the walk."""


def walk_structure(
    stream: BinaryIO, *, start: int, size: int, implicit: bool, little: bool
) -> Structure:
    """Walk a dataset from its first element to its last.

    Args:
        stream: Seekable bytes.
        start: Offset of the first element of the dataset.
        size: Offset of the end of the file.
        implicit: Whether value representations are left out.
        little: Byte order.
    """
    walk = _Walk(stream, size, "<" if little else ">")
    stream.seek(start)
    truncated = False
    try:
        walk.elements(implicit=implicit, depth=0)
    except _EndOfFile:
        truncated = True
    except _Odd:
        pass
    return Structure(is_truncated=truncated, pixel_bytes=walk.pixel_bytes)


class _Walk:
    def __init__(self, stream: BinaryIO, size: int, order: str) -> None:
        self._stream = stream
        self._size = size
        self._order = order
        self.pixel_bytes: int | None = None

    def elements(self, *, implicit: bool, depth: int) -> None:
        """Walk elements up to the end of the file or of the enclosing item."""
        if depth > _MAX_DEPTH:
            raise _Odd
        while depth or self._stream.tell() < self._size:
            head = self._stream.read(8)
            if len(head) < 8:
                if depth == 0 and not head.strip(b"\x00"):
                    return  # padding behind the last element
                raise _EndOfFile
            tag, length, vr = self._head(head, implicit=implicit)
            if tag == _ITEM_END:
                return
            if depth == 0 and tag in PIXEL_TAGS and length != _UNDEFINED:
                self.pixel_bytes = length
            self._value(tag, length, vr, implicit=implicit, depth=depth)

    def _head(self, head: bytes, *, implicit: bool) -> tuple[int, int, bytes]:
        group, element = struct.unpack(self._order + "HH", head[:4])
        tag = group << 16 | element
        if implicit or group == 0xFFFE:
            return tag, struct.unpack(self._order + "L", head[4:])[0], b""
        vr = head[4:6]
        if vr in _LONG_VRS:
            long_length = self._stream.read(4)
            if len(long_length) < 4:
                raise _EndOfFile
            return tag, struct.unpack(self._order + "L", long_length)[0], vr
        if not (vr.isalpha() and vr.isupper()):
            raise _Odd
        return tag, struct.unpack(self._order + "H", head[6:])[0], vr

    def _value(
        self, tag: int, length: int, vr: bytes, *, implicit: bool, depth: int
    ) -> None:
        if length != _UNDEFINED:
            self._skip(length)
        elif tag in PIXEL_TAGS:
            self._items(implicit=implicit, depth=depth, nested=False)
        else:
            # An unknown value of undefined length holds items in implicit form.
            inner = implicit or vr == b"UN"
            self._items(implicit=inner, depth=depth, nested=True)

    def _items(self, *, implicit: bool, depth: int, nested: bool) -> None:
        while True:
            head = self._stream.read(8)
            if len(head) < 8:
                raise _EndOfFile
            tag, length, _ = self._head(head, implicit=True)
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise _Odd
            if length != _UNDEFINED:
                self._skip(length)
            elif nested:
                self.elements(implicit=implicit, depth=depth + 1)
            else:
                raise _Odd

    def _skip(self, length: int) -> None:
        if self._stream.tell() + length > self._size:
            raise _EndOfFile
        self._stream.seek(length, os.SEEK_CUR)
