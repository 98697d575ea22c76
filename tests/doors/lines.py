"""What one door said of every file, and what is asked of that."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

WAYS = ("stored", "already", "conflict", "refused", "skipped", "unsent")
OPENED = "opened"
"""A zip: its members count in its place."""

IN_ZIP = "!"


@dataclass(frozen=True)
class Line:
    """What became of one file.

    Attributes:
        name: Path below the folder; a member of a zip as `disc.zip!folder/IM0001`.
        status: One of `WAYS`, or `OPENED`.
        reason: Why, in the door's words; '' when it was stored.
        sop_uid: SOP Instance UID, '' when nobody read one.
    """

    name: str
    status: str
    reason: str = ""
    sop_uid: str = ""

    @property
    def is_member(self) -> bool:
        """Whether it lay in a zip."""
        return IN_ZIP in self.name

    @property
    def file(self) -> str:
        """Return the path of the file on disk that it is, or is in."""
        return self.name.partition(IN_ZIP)[0]


@dataclass(frozen=True)
class Holdings:
    """What lay in archive and portal after a door, of what had not been there before.

    Attributes:
        sop_uids: SOP Instance UID of every object in the archive, Overread's own
            results left out; one that lies there twice is named twice.
        studies: Studies in the archive.
        rows: Of these, how many the portal has registered.
        held: Of these, how many are held for a decision.
        images: Images of the registered studies' newest revisions, and what is
            attached to them, without Overread's own results.
        beside: Objects that are no images in a series of images: in no list.
        held_images: Objects of the held studies.
        conflicts: Files held outside the archive, by SOP Instance UID.
        problems: What does not add up, in words.
    """

    sop_uids: tuple[str, ...]
    studies: int
    rows: int
    held: int
    images: int
    beside: int
    held_images: int
    conflicts: Counter[str]
    problems: tuple[str, ...] = ()


@dataclass
class Passage:
    """One door, and what went through it.

    Attributes:
        door: Its name.
        lines: What became of every file, in the order sent.
        seconds: How long the sending took.
        holdings: What lay there afterwards.
        problems: What did not add up on the way.
    """

    door: str
    lines: list[Line]
    seconds: float
    problems: list[str] = field(default_factory=list)
    holdings: Holdings | None = None

    def count(self) -> Counter[str]:
        """Count the ways in which files ended, members of zips among them."""
        return Counter(line.status for line in self.lines)

    def reasons(self) -> Counter[tuple[str, str]]:
        """Count (status, reason), numbers and UIDs of single files left out."""
        return Counter(
            (line.status, plain(line.reason)) for line in self.lines if line.reason
        )

    def check_count(self, *, sent: list[str]) -> list[str]:
        """Say in words where lines and files sent differ; nothing when they agree."""
        found = list(self.problems)
        outer = Counter(line.name for line in self.lines if not line.is_member)
        if lost := sorted(set(sent) - outer.keys()):
            found.append(f"{len(lost)} files have no line, such as {lost[0]}")
        if odd := sorted(outer.keys() - set(sent)):
            found.append(f"{len(odd)} lines are of no file sent, such as {odd[0]}")
        if twice := [name for name, n in outer.items() if n > 1]:
            found.append(f"{len(twice)} files have two lines, such as {twice[0]}")
        counts = self.count()
        if unknown := counts.keys() - {*WAYS, OPENED}:
            found.append(f"lines end in ways that nobody knows: {sorted(unknown)}")
        members = sum(line.is_member for line in self.lines)
        ends = sum(counts[way] for way in WAYS)
        if ends != len(sent) - counts[OPENED] + members:
            found.append(
                f"{len(sent)} files − {counts[OPENED]} zips + {members} in them are"
                f" not the {ends} that ended in some way"
            )
        silent = [
            line.name
            for line in self.lines
            if line.status not in ("stored", "already", OPENED) and not line.reason
        ]
        if silent:
            found.append(f"{len(silent)} have no reason, such as {silent[0]}")
        return found


def plain(reason: str) -> str:
    """Return a reason without what differs from file to file."""
    return re.sub(r"\d[\d.]*\d|\d", "#", reason)
