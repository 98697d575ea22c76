"""Hold the four doors against each other: what differs, and which of it is meant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.doors.lines import OPENED, WAYS, Line, Passage, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

MEANT = (
    # doors, the beginning of the door's reason, why that is as it should be
    (("stow", "c-store"), "This is a ZIP", "only command and upload open zips"),
    (("stow", "c-store"), "This is a gzip", "only command and upload open these"),
    (("c-store",), "The sender ", "what is not sent does not arrive"),
    (
        ("command", "upload", "stow"),
        "Not a UID",
        "Orthanc takes any text for a UID by C-STORE",
    ),
    (
        ("command", "upload", "stow"),
        "This is an image object without pixels",
        "Orthanc takes headers alone by C-STORE; such an image is listed as not"
        " displayable",
    ),
)


@dataclass(frozen=True)
class Difference:
    """Objects that one door did not bring in, and another did.

    Attributes:
        door: Which did not.
        reason: Its words.
        meant: Why that is as it should be; '' when it is not.
        names: The files.
    """

    door: str
    reason: str
    meant: str
    names: tuple[str, ...]


def differences(passages: Iterable[Passage]) -> list[Difference]:
    """Return which objects are not in the archive after which door, by reason."""
    passages = list(passages)
    files: dict[str, set[str]] = {}
    for passage in passages:
        for line in passage.lines:
            if line.sop_uid:
                files.setdefault(line.sop_uid, set()).add(line.file)
    stored = [set(_there(passage)) for passage in passages]
    everything = set().union(*stored)
    found: dict[tuple[str, str], list[str]] = {}
    for passage, there in zip(passages, stored, strict=True):
        lines = _by_file(passage)
        for uid in sorted(everything - there):
            names = sorted(files.get(uid, ()))
            said = {plain(reason) for reason in _why(lines, names, uid)} or {""}
            for reason in sorted(said):
                found.setdefault((passage.door, reason), []).extend(names or [uid])
    return [
        Difference(door, reason, _meant(door, reason), tuple(dict.fromkeys(names)))
        for (door, reason), names in found.items()
    ]


def _there(passage: Passage) -> tuple[str, ...]:
    return passage.holdings.sop_uids if passage.holdings else ()


def _by_file(passage: Passage) -> dict[str, list[Line]]:
    lines: dict[str, list[Line]] = {}
    for line in passage.lines:
        lines.setdefault(line.file, []).append(line)
    return lines


def _why(lines: dict[str, list[Line]], names: list[str], uid: str) -> Iterable[str]:
    """Yield the reasons why a door did not bring in an object of some files."""
    for name in names:
        for line in lines.get(name, []):
            if line.sop_uid in ("", uid) and line.status != OPENED:
                yield line.reason


def _meant(door: str, reason: str) -> str:
    for doors, beginning, why in MEANT:
        if door in doors and reason.startswith(beginning):
            return why
    return ""


def unlike(first: Passage, second: Passage) -> list[str]:
    """Say which files two doors of one kind ended in different ways.

    Where several files carry one SOP Instance UID, which of them is stored and which
    held depends on their order: there the ways are counted, not held file by file.
    """
    ends = [_ends(passage) for passage in (first, second)]
    found = []
    for key in sorted(ends[0].keys() | ends[1].keys()):
        ways = [dict(end.get(key, Counter())) for end in ends]
        if ways[0] != ways[1]:
            found.append(f"{key}: {first.door} {ways[0]}, {second.door} {ways[1]}")
    return found


def _ends(passage: Passage) -> dict[str, Counter[str]]:
    ends: dict[str, Counter[str]] = {}
    for line in passage.lines:
        ends.setdefault(line.sop_uid or line.name, Counter())[line.status] += 1
    return ends


# --- the verdict


def judge(passages: list[Passage], *, sent: list[str]) -> list[str]:
    """Say in words everything that does not agree; nothing when all does."""
    found = []
    for passage in passages:
        wrong = passage.check_count(sent=sent)
        if passage.holdings is None:
            wrong.append("nobody looked at what lies there")
        else:
            wrong += _check_holdings(passage)
        found += [f"{passage.door}: {words}" for words in wrong]
    for one in differences(passages):
        if not one.meant:
            found.append(
                f"{one.door}: {len(one.names)} files are not in, others brought them:"
                f" {one.reason or 'no reason'} ({one.names[0]})"
            )
    doors = {passage.door: passage for passage in passages}
    if {"command", "upload"} <= doors.keys():
        found += unlike(doors["command"], doors["upload"])
    return found


def _check_holdings(passage: Passage) -> list[str]:
    holdings = passage.holdings
    if holdings is None:
        return []
    found = list(holdings.problems)
    if holdings.studies != holdings.rows + holdings.held:
        found.append(
            f"{holdings.studies} studies in the archive are not {holdings.rows} rows"
            f" and {holdings.held} held"
        )
    n_objects = len(holdings.sop_uids)
    listed = holdings.images + holdings.beside
    if n_objects != listed + holdings.held_images:
        found.append(
            f"{n_objects} objects in the archive are not {listed} in rows and"
            f" {holdings.held_images} held"
        )
    counts = passage.count()
    if counts["stored"] != n_objects:
        found.append(f"{counts['stored']} are called stored, {n_objects} are there")
    if counts["conflict"] != holdings.conflicts.total():
        found.append(
            f"{counts['conflict']} are called in conflict,"
            f" {holdings.conflicts.total()} files are held"
        )
    return found


# --- as text

HEAD = (
    *("door", "files", "zips", "in zips", *WAYS),
    *("objects", "studies", "rows", "held", "s"),
)


def table(passages: list[Passage], *, sent: list[str]) -> str:
    """Return what became of the files, door by door, with reasons and differences."""
    rows = [HEAD, *(_row(passage, n_sent=len(sent)) for passage in passages)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    for passage in passages:
        lines += ["", passage.door]
        found = sorted(passage.reasons().items(), key=lambda item: (-item[1], item[0]))
        lines += [f"{n:6}  {status:9} {reason}" for (status, reason), n in found]
    lines += ["", "not in by this door, and by another"]
    for one in differences(passages):
        meant = f" [{one.meant}]" if one.meant else " [NOT MEANT]"
        lines.append(f"{len(one.names):6}  {one.door:9} {one.reason}{meant}")
    return "\n".join(lines)


def _row(passage: Passage, *, n_sent: int) -> tuple[str, ...]:
    counts = passage.count()
    members = sum(line.is_member for line in passage.lines)
    there = passage.holdings
    facts: tuple[int, ...] = (0, 0, 0, 0)
    if there is not None:
        facts = (len(there.sop_uids), there.studies, there.rows, there.held)
    numbers = (n_sent, counts[OPENED], members, *(counts[way] for way in WAYS), *facts)
    return (passage.door, *(str(n) for n in numbers), f"{passage.seconds:.1f}")
