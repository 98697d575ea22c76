"""Parts that may wait let the others have the processor first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SHARED_BY_SESSION = Path("/proc/self/autogroup")
SAYS = """
import os
from pathlib import Path
from apps.core.niceness import give_way_to_other_parts

give_way_to_other_parts({steps})
group = Path("/proc/self/autogroup")
print(os.nice(0), group.read_text().split()[-1] if group.exists() else "none")
"""


def said(steps):
    """Return niceness of a process and of its session, which is its own."""
    done = subprocess.run(
        [sys.executable, "-c", SAYS.format(steps=steps)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    own, session = done.stdout.split()
    return int(own), session


def test_a_process_gives_way_with_its_session():
    own, _ = said(0)
    patient, session = said(10)
    assert patient == min(own + 10, 19)
    if not SHARED_BY_SESSION.exists():
        pytest.skip("this kernel does not share the processor out by session")
    assert session == "10"


def test_none_is_asked_of_the_others():
    _, session = said(0)
    assert session in {"0", "none"}
