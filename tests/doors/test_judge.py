"""The comparison itself: it says so when a file or an object is unaccounted for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tests.doors.bench import IN_CONFLICT, tell_apart
from tests.doors.compare import differences, judge
from tests.doors.lines import Holdings, Line, Passage

SENT = ["a", "b", "disc.zip", "note.txt"]
MEMBER = Line("disc.zip!c", "stored", sop_uid="3")
LINES = [
    Line("a", "stored", sop_uid="1"),
    Line("b", "stored", sop_uid="2"),
    Line("disc.zip", "opened"),
    MEMBER,
    Line("note.txt", "refused", "This is a text file, not a DICOM file."),
]
STOW = [
    *LINES[:2],
    Line("disc.zip", "refused", "This is a ZIP archive, not a DICOM file."),
    LINES[4],
]


def holdings(*uids, **more):
    plain = {"studies": 1, "rows": 1, "held": 0, "images": len(uids), "beside": 0}
    return Holdings(
        sop_uids=uids, **{**plain, "held_images": 0, "conflicts": Counter(), **more}
    )


def passage(door, lines, there):
    return Passage(door=door, lines=list(lines), seconds=1.0, holdings=there)


def both(**changed):
    command = passage("command", LINES, holdings("1", "2", "3"))
    stow = passage("stow", STOW, holdings("1", "2"))
    return [replace(command, **changed), stow]


def test_what_adds_up_passes():
    assert judge(both(), sent=SENT) == []
    (zips,) = differences(both())
    assert (zips.door, zips.names) == ("stow", ("disc.zip",))
    assert zips.meant


def test_a_file_without_a_line_or_with_two_is_told():
    (lost, *_) = judge(both(lines=[*LINES[:4]]), sent=SENT)
    assert "1 files have no line, such as note.txt" in lost
    twice = judge(both(lines=[*LINES, LINES[4]]), sent=SENT)
    assert any("two lines, such as note.txt" in words for words in twice)


def test_a_silent_refusal_is_told():
    lines = [*LINES[:4], Line("note.txt", "refused")]
    assert judge(both(lines=lines), sent=SENT) == [
        "command: 1 have no reason, such as note.txt"
    ]


def test_what_the_archive_lacks_or_nobody_named_is_told():
    lost = judge(both(holdings=holdings("1", "3")), sent=SENT)
    assert "command: 3 are called stored, 2 are there" in lost
    assert any("not in, others brought them: no reason (b)" in words for words in lost)
    two = judge(both(holdings=holdings("1", "2", "3", studies=2)), sent=SENT)
    assert two == ["command: 2 studies in the archive are not 1 rows and 0 held"]
    held = Counter({"2": 1})
    assert judge(both(holdings=holdings("1", "2", "3", conflicts=held)), sent=SENT) == [
        "command: 0 are called in conflict, 1 files are held"
    ]


def test_two_doors_of_a_kind_must_say_the_same():
    other = [LINES[0], Line("b", "already", sop_uid="2"), *LINES[2:]]
    there = holdings("1", "2", "3")
    found = judge(
        [passage("command", LINES, there), passage("upload", other, there)], sent=SENT
    )
    assert "2: command {'stored': 1}, upload {'already': 1}" in found


def test_one_success_of_c_store_is_told_apart_from_another():
    lines = [Line(name, "stored", sop_uid="1") for name in "abc"]
    there = holdings("1", conflicts=Counter({"1": 1}))
    ends = tell_apart(passage("c-store", lines, there), there)
    assert [line.status for line in ends] == ["stored", "conflict", "already"]
    assert ends[1].reason == IN_CONFLICT
