"""Send a folder through all doors, and say whether they agree.

    script/compare-doors [FOLDER] [--json FILE] [--door NAME …]

An empty stack is started for it and stopped again; with `OVERREAD_STACK_URL` and its
companions in the environment, the stack that runs there is used. What the folder
brings is taken away after each door.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.local.checks import free_base, tool
from deploy.local.layout import Layout, Ports
from tests.benchmarks.harness import Stack
from tests.doors.compare import differences, judge, table
from tests.doors.run import send_through
from tests.doors.senders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doors.lines import Passage

DATA = ROOT.parent / "shared" / "data"
STATE = ROOT / "var" / "doors"


@contextmanager
def empty_stack() -> Iterator[Stack]:
    """A stack with one site, an administrator and nothing else, started for us."""
    ports = Ports.from_base(free_base())
    layout = Layout(state=STATE, ports=ports)
    words = ["--state", str(STATE), "--port", str(ports.public)]
    words += ["--dicom-port", str(ports.dicom)]
    command = [tool("python"), "-m", "deploy.local"]
    up = ["--empty", "--no-setup", "--no-browser-build", "--no-gpu-worker"]
    try:
        subprocess.run([*command, "up", *words, *up], cwd=ROOT, check=True)
        yield Stack(
            url=layout.public_url,
            dicom_host="127.0.0.1",
            dicom_port=ports.dicom,
            state=STATE,
        )
    finally:
        subprocess.run([*command, "down", *words], cwd=ROOT, check=False)


@contextmanager
def any_stack() -> Iterator[Stack]:
    """The stack that the environment names, else one of our own."""
    if "OVERREAD_STACK_URL" in os.environ:
        yield Stack.from_environment()
        return
    with empty_stack() as stack:
        yield stack


def as_json(passages: list[Passage], problems: list[str]) -> dict[str, Any]:
    """Return the figures; they name no file, for names may name patients."""
    return {
        "doors": {
            passage.door: {
                "counts": dict(passage.count()),
                "reasons": [
                    {"status": status, "reason": reason, "n": n}
                    for (status, reason), n in passage.reasons().most_common()
                ],
                "objects": len(passage.holdings.sop_uids) if passage.holdings else 0,
                "seconds": round(passage.seconds, 1),
            }
            for passage in passages
        },
        "differences": [
            {"door": d.door, "reason": d.reason, "meant": d.meant, "n": len(d.names)}
            for d in differences(passages)
        ],
        "problems": len(problems),
    }


def main() -> int:
    """Run it; 0 when every file is accounted for and the doors agree."""
    parser = argparse.ArgumentParser(prog="script/compare-doors", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--door", action="append", help="only this one; repeatable")
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        parser.error(f"there is no folder {asked.folder}")
    with any_stack() as stack:
        names, passages = send_through(stack, folder=asked.folder, only=asked.door)
    problems = judge(passages, sent=names)
    sys.stdout.write(table(passages, sent=names) + "\n\n")
    for problem in problems:
        sys.stdout.write(f"✗ {problem}\n")
    if not problems:
        sys.stdout.write("✓ Every file is accounted for, and the doors agree.\n")
    if asked.json:
        asked.json.write_text(json.dumps(as_json(passages, problems), indent=1))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
