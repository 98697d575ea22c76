"""Hostile DICOM files, made by rule from sound ones; the same for the same seed.

Each is small (most under 100 KB): what a bomb unpacks to is not what it weighs.
"""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pydicom import encaps

from tests.factories.sound_files import (
    LONG,
    SEED,
    UNDEFINED,
    bases,
    deflated,
    elements,
    start_of,
)

_ITEM: Final = b"\xfe\xff\x00\xe0"
_ITEM_END: Final = b"\xfe\xff\x0d\xe0\0\0\0\0"
_SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One hostile file.

    Attributes:
        number: 0-based; with the seed it names the file.
        kind: What was done.
        base: Name of the sound file that it was made of.
        content: The bytes.
    """

    number: int
    kind: str
    base: str
    content: bytes


_EXPLICIT: Final = (
    "explicit",
    "ct",
    "nested",
    "multi-frame",
    "bits",
    "rle",
    "jpeg",
    "jpeg lossless",
    "jpeg-ls",
    "j2k",
    "j2k colour",
    "htj2k",
)
_CODED: Final = (
    "rle",
    "jpeg",
    "jpeg lossless",
    "jpeg-ls",
    "j2k",
    "j2k colour",
    "htj2k",
)

Maker = Callable[[random.Random, bytes], bytes]


# --- what is done to them


def _flip(rng: random.Random, content: bytes, *, first: int = 0) -> bytes:
    found = bytearray(content)
    for _ in range(rng.choice((1, 2, 4, 16, 64))):
        found[rng.randrange(first, len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def _flip_header(rng: random.Random, content: bytes) -> bytes:
    cut = min(len(content), 2200)
    return _flip(rng, content[:cut], first=128) + content[cut:]


def _bad_vr(rng: random.Random, content: bytes) -> bytes:
    found = bytearray(content)
    for at in rng.sample(elements(content), rng.choice((1, 1, 2, 5))):
        found[at + 4 : at + 6] = rng.choice(
            (b"ZZ", b"\0\0", b"SQ", b"OB", b"UN", b"us", b"\xff\xff", b"FD", b"AT")
        )
    return bytes(found)


def _bad_length(rng: random.Random, content: bytes) -> bytes:
    found = bytearray(content)
    for at in rng.sample(elements(content), rng.choice((1, 1, 2))):
        is_long = bytes(found[at + 4 : at + 6]) in LONG
        size = struct.calcsize("<L") if is_long else struct.calcsize("<H")
        place = at + (8 if is_long else 6)
        value = rng.choice((0, 1, 7, 0x7FFF, 0xFFFE, 0xFFFF, rng.randrange(1 << 16)))
        if is_long:
            value = rng.choice((value, UNDEFINED, 0xFFFFFFFE, 0x7FFFFFFF))
        found[place : place + size] = int(value).to_bytes(size, "little")
    return bytes(found)


def _truncate(rng: random.Random, content: bytes) -> bytes:
    where = rng.choice(("any", "header", "element", "end"))
    if where == "header":
        return content[: rng.randrange(1, 400)]
    if where == "element":
        at = rng.choice(elements(content) or [200])
        return content[: at + rng.randrange(12)]
    if where == "end":
        return content[: -rng.randrange(1, 40)]
    return content[: rng.randrange(1, len(content))]


def _insert(content: bytes, extra: bytes) -> bytes:
    """Put elements before the pixels, where group 0x0040 and others belong."""
    at = next(
        (a for a in elements(content) if content[a : a + 2] == b"\xe0\x7f"),
        len(content),
    )
    return content[:at] + extra + content[at:]


def _deep_undefined(rng: random.Random, content: bytes) -> bytes:
    depth = rng.choice((20, 60, 300, 1000, 3000, 8000))
    tag = rng.choice(((0x0040, 0xA730), (0x0009, 0x1010), (0x0008, 0x1140)))
    vr = rng.choice((b"SQ", b"SQ", b"UN"))
    head = struct.pack("<HH2sHL", *tag, vr, 0, UNDEFINED)
    if vr == b"UN":
        inner = struct.pack("<HHL", *tag, UNDEFINED)
        opening = head + _ITEM + b"\xff" * 4 + (inner + _ITEM + b"\xff" * 4) * depth
    else:
        opening = (head + _ITEM + b"\xff" * 4) * depth
    closing = (_ITEM_END + _SEQUENCE_END) * (depth + (vr == b"UN"))
    return _insert(content, opening + (closing if rng.random() < 0.6 else b""))


def _deep_defined(rng: random.Random, content: bytes) -> bytes:
    inner = b""
    for _ in range(rng.choice((20, 60, 300, 1000, 3000))):
        item = _ITEM + struct.pack("<L", len(inner)) + inner
        inner = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, len(item)) + item
    return _insert(content, inner)


def _set(content: bytes, tag: int, value: bytes) -> bytes:
    """Put another value into a top-level element of an explicit file."""
    wanted = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    for at in elements(content):
        if content[at : at + 4] == wanted and content[at + 4 : at + 6] not in LONG:
            (old,) = struct.unpack_from("<H", content, at + 6)
            value += b" " * (len(value) % 2)
            return (
                content[: at + 6]
                + struct.pack("<H", len(value))
                + value
                + content[at + 8 + old :]
            )
    head = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, b"LO", len(value))
    return _insert(content, head + value)


def _huge_size(rng: random.Random, content: bytes) -> bytes:
    rows, columns = rng.choice(((65535, 65535), (65535, 1), (1, 65535), (40000, 30000)))
    found = _set(content, 0x00280010, struct.pack("<H", rows))
    return _set(found, 0x00280011, struct.pack("<H", columns))


def _huge_frames(rng: random.Random, content: bytes) -> bytes:
    number = rng.choice(
        (
            b"2147483647",
            b"-1",
            b"0",
            b"99999999999999999999",
            b"1e9",
            b"65536",
            b"\\",
            b"",
        )
    )
    return _set(content, 0x00280008, number)


def _undefined(rng: random.Random, content: bytes) -> bytes:
    found = bytearray(content)
    for at in rng.sample(elements(content), rng.choice((1, 3, 9))):
        found[at + 4 : at + 12] = rng.choice((b"OB", b"UN", b"SQ", b"UT")) + (
            b"\0\0" + b"\xff" * 4
        )
    return bytes(found)


def _deflate_bomb(rng: random.Random, content: bytes) -> bytes:
    size = rng.choice((20, 60, 150, 300)) << 20
    head = struct.pack("<HH2sHL", 0x0007, 0x1001, b"OB", 0, size)
    filler = bytes(size)
    if rng.random() < 0.3:
        head, filler = b"", struct.pack("<HH2sH", 9, 0x1001, b"LO", 0) * (size >> 6)
    return deflated(content, filler=head + filler)


def _gzip_bomb(rng: random.Random, content: bytes) -> bytes:
    return gzip.compress(content + bytes(rng.choice((0, 1 << 20, 64 << 20))), 6)


def _codestream(content: bytes, magic: bytes) -> int:
    return content.rindex(magic)


def _jpeg2000_bomb(rng: random.Random, content: bytes) -> bytes:
    found = bytearray(content)
    at = _codestream(content, b"\xff\x4f\xff\x51") + 8
    side = rng.choice((4000, 8000, 30000, 65535, 1 << 31))
    struct.pack_into(">II", found, at, side, side)
    if rng.random() < 0.5:
        tile = rng.choice((1, 64, side))
        struct.pack_into(">II", found, at + 16, tile, tile)
    if rng.random() < 0.3:
        found[at + 32 : at + 34] = struct.pack(">H", rng.choice((0, 3, 4, 16384)))
    return _matching(rng, bytes(found), side)


def _jpeg_bomb(rng: random.Random, content: bytes) -> bytes:
    found = bytearray(content)
    pixels = content.rindex(b"\xe0\x7f\x10\x00")
    side = rng.choice((4000, 8000, 30000, 65535))
    for code in (0xC0, 0xC3, 0xF7):
        at = content.find(bytes((0xFF, code)), pixels)
        if 0 < at < len(content) - 10:
            struct.pack_into(">HH", found, at + 5, side, side)
    return _matching(rng, bytes(found), side)


def _rle_bomb(rng: random.Random, content: bytes) -> bytes:
    side = rng.choice((2000, 8000, 30000, 65535))
    runs = b"\x81\x00" * rng.choice((10, 1000, 60_000))
    segments = rng.choice((0, 1, 2, 15, 0xFFFFFFFF))
    offsets = [rng.choice((64, 0, 70, len(runs), 0xFFFFFFF0)) for _ in range(15)]
    frame = struct.pack("<16L", segments, *offsets) + runs
    at = content.rindex(b"\xe0\x7f\x10\x00")
    body = encaps.encapsulate([frame])
    found = content[:at] + struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED)
    return _matching(rng, found + body + _SEQUENCE_END, side)


def _matching(rng: random.Random, content: bytes, side: int) -> bytes:
    """Let the DICOM header agree with the codestream, most of the time."""
    if rng.random() < 0.3:
        return content
    value = struct.pack("<H", min(side, 65535))
    return _set(_set(content, 0x00280010, value), 0x00280011, value)


def _bad_pixels(rng: random.Random, content: bytes) -> bytes:
    pixels = content.rindex(b"\xe0\x7f\x10\x00") + 12
    return _flip(rng, content, first=pixels)


def _bad_offsets(rng: random.Random, content: bytes) -> bytes:
    at = content.rindex(b"\xe0\x7f\x10\x00") + 12
    (length,) = struct.unpack_from("<L", content, at + 4)
    table = [rng.choice((0, 4, 0xFFFFFFFF, rng.randrange(1 << 16))) for _ in range(9)]
    raw = struct.pack(f"<{len(table)}L", *table)[: rng.choice((3, 4, 8, 12, 36))]
    said = rng.choice((len(raw), len(raw) + 5, 0xFFFFFFF0, 0))
    bot = _ITEM + struct.pack("<L", said) + raw
    found = content[:at] + bot + content[at + 8 + length :]
    if rng.random() < 0.4:
        offsets = struct.pack("<3Q", 0, rng.randrange(1 << 40), 1 << 63)
        for element in (1, 2):
            found = _insert(
                found,
                struct.pack("<HH2sHL", 0x7FE0, element, b"OV", 0, 24) + offsets,
            )
    return found


def _fragments(rng: random.Random, content: bytes) -> bytes:
    at = content.rindex(b"\xe0\x7f\x10\x00") + 12
    pieces = (_ITEM + b"\0\0\0\0") * rng.choice((10, 5000, 100_000, 300_000))
    ends = rng.choice((_SEQUENCE_END, b"", _ITEM_END))
    return content[:at] + pieces + rng.choice((content[at:], ends))


def _preamble(rng: random.Random, content: bytes) -> bytes:
    way = rng.randrange(8)
    body = content[132:]
    return (
        content[128:],
        body,
        b"II*\0" + bytes(124) + content[128:],
        bytes(rng.randrange(1, 300)) + content,
        content[:128] + b"DICM" + content,
        rng.randbytes(128) + content[128:],
        content[:132] + content[start_of(content) :],
        content[:128] + b"dicm" + body,
    )[way]


def _empty(rng: random.Random, content: bytes) -> bytes:
    if rng.random() < 0.2:
        return content[: rng.choice((0, 1, 131, 132, 133, 140))]
    found = content
    for tag in rng.sample(
        (0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00280010, 0x00280002), 2
    ):
        found = _set(found, tag, b"")
    return found


def _charset(rng: random.Random, content: bytes) -> bytes:
    name = rng.choice(
        (
            b"ISO 2022 IR 87\\ISO 2022 IR 159",
            b"\\\\\\\\",
            b"GB18030",
            b"ISO_IR 999",
            b"\xff\xfe\x00",
            b"utf-7\\idna\\rot13",
            b"ISO 2022 IR 149" * 30,
        )
    )
    found = _set(content, 0x00080005, name)
    found = _set(found, 0x00100010, rng.randbytes(40) + b"\x1b$B\x1b$)C^=\\")
    return _set(found, 0x00081030, b"\x1b(" + rng.randbytes(30))


def _bad_uid(rng: random.Random, content: bytes) -> bytes:
    tag = rng.choice((0x00080016, 0x00080018, 0x0020000D, 0x0020000E))
    value = rng.choice(
        (
            b"../../../../etc/passwd",
            b"1.2.3/../4",
            b"1." * 3000,
            b"\0" * 64,
            b"1.2\\1.3",
            b"<script>",
            "१.२".encode(),
            b".",
        )
    )
    return _set(content, tag, value)


def _many_elements(rng: random.Random, content: bytes) -> bytes:
    n = rng.choice((1000, 20_000, 60_000, 300_000))
    if rng.random() < 0.5:
        groups = (struct.pack("<HH2sH", 9, i & 0xFFFF, b"LO", 0) for i in range(n))
        return _insert(content, b"".join(groups))
    item = _ITEM + struct.pack("<L", 8) + struct.pack("<HH2sH", 8, 0x60, b"CS", 0)
    body = item * (n // 2)
    head = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, len(body))
    return _insert(content, head + body)


def _splice(rng: random.Random, content: bytes) -> bytes:
    other = bases()[rng.choice(sorted(bases()))]
    cut = rng.randrange(132, len(content))
    return content[:cut] + other[rng.randrange(len(other)) :]


def _rubbish(rng: random.Random, content: bytes) -> bytes:
    size = rng.choice((10, 1000, 50_000))
    return content[: rng.choice((0, 132, start_of(content)))] + rng.randbytes(size)


def _pixel_header(rng: random.Random, content: bytes) -> bytes:
    found = content
    numbers = (0, 1, 3, 7, 8, 12, 16, 24, 32, 33, 64, 255, 65535)
    tags = (0x00280002, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280006)
    for tag in rng.sample(tags, rng.choice((1, 2, 3))):
        found = _set(found, tag, struct.pack("<H", rng.choice(numbers)))
    if rng.random() < 0.5:
        names = (b"PALETTE COLOR", b"YBR_FULL_422", b"RGB", b"CMYK", b"", b"XYZ")
        found = _set(found, 0x00280004, rng.choice(names))
    return found


def _display(rng: random.Random, content: bytes) -> bytes:
    rubbish = (b"nan", b"inf\\-inf", b"1e400", b"0", b"-5", b"", b"\\\\", b"x" * 200)
    found = content
    for tag in (0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00200032, 0x00200037):
        found = _set(found, tag, rng.choice(rubbish))
    return found


def _long_value(rng: random.Random, content: bytes) -> bytes:
    size = rng.choice((70_000, 1 << 20, 4 << 20))
    tag, vr = rng.choice(
        ((0x00186070, b"UN"), (0x00189810, b"UT"), (0x00283006, b"OW"))
    )
    body = (b"1.5\\" * (size // 4))[:size]
    head = struct.pack("<HHH", tag >> 16, tag & 0xFFFF, 0)[:4] + vr
    return _insert(content, head + struct.pack("<HL", 0, size) + body)


_KINDS: Final[tuple[tuple[str, Maker, tuple[str, ...], int], ...]] = (
    ("bit flips", _flip, (), 240),
    ("bit flips in the header", _flip_header, (), 200),
    ("bit flips in the pixels", _bad_pixels, _CODED, 160),
    ("bad value representation", _bad_vr, _EXPLICIT, 100),
    ("bad length", _bad_length, _EXPLICIT, 130),
    ("truncated", _truncate, (), 160),
    ("deep sequences, undefined length", _deep_undefined, ("explicit", "j2k"), 60),
    ("deep sequences, defined length", _deep_defined, ("explicit", "j2k"), 40),
    ("65,535 × 65,535 header", _huge_size, _EXPLICIT, 80),
    ("number of frames", _huge_frames, _EXPLICIT, 60),
    ("undefined length", _undefined, _EXPLICIT, 60),
    ("deflate bomb", _deflate_bomb, ("explicit",), 16),
    ("gzip and gzip bomb", _gzip_bomb, ("explicit", "j2k"), 24),
    (
        "JPEG 2000 bomb",
        _jpeg2000_bomb,
        ("j2k", "j2k colour", "j2k to decode", "j2k to decode"),
        70,
    ),
    ("HTJ2K bomb", _jpeg2000_bomb, ("htj2k",), 50),
    ("JPEG bomb", _jpeg_bomb, ("jpeg", "jpeg lossless", "jpeg-ls"), 70),
    ("RLE bomb", _rle_bomb, ("rle", "rle to decode"), 60),
    ("offset table", _bad_offsets, _CODED, 70),
    ("fragments", _fragments, _CODED, 30),
    ("preamble", _preamble, _EXPLICIT, 40),
    ("empty values", _empty, _EXPLICIT, 40),
    ("character set", _charset, _EXPLICIT, 40),
    ("identifiers", _bad_uid, _EXPLICIT, 40),
    ("many elements", _many_elements, ("explicit", "jpeg-ls"), 20),
    ("two files spliced", _splice, _EXPLICIT, 50),
    ("rubbish", _rubbish, _EXPLICIT, 20),
    ("pixel description", _pixel_header, _EXPLICIT, 50),
    ("display values", _display, _EXPLICIT, 10),
    ("long values", _long_value, ("explicit", "jpeg"), 10),
)

TOTAL: Final = sum(count for *_, count in _KINDS)


_OF_REAL: Final = frozenset(
    {"bit flips", "bit flips in the header", "truncated", "rubbish"}
)
"""What can be done to any file: every second of these is made of a real one."""


def mutations(
    *, seed: int = SEED, count: int = TOTAL, real: dict[str, bytes] | None = None
) -> Iterator[Mutation]:
    """Yield the hostile files, the same ones for the same seed.

    Args:
        seed: Another seed makes other files.
        count: How many of the 2,000, spread over all kinds.
        real: Sound real files by name, to make some of; see `real_bases`.
    """
    number = 0
    for kind, maker, names, n in _KINDS:
        pool = names or tuple(bases())
        for index in range(n):
            wanted = number * count // TOTAL != (number + 1) * count // TOTAL
            number += 1
            if not wanted:
                continue
            rng = random.Random(f"{seed}/{kind}/{index}")  # noqa: S311  not secret
            base, sound = rng.choice(pool), bases()
            if real and kind in _OF_REAL and index % 2:
                base, sound = rng.choice(sorted(real)), real
            content = maker(rng, sound[base])
            yield Mutation(number=number - 1, kind=kind, base=base, content=content)
