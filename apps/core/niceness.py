"""Processes that let the portal's other parts have the processor first."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

_MOST: Final = 19
_SESSION: Final = Path("/proc/self/autogroup")


def give_way_to_other_parts(steps: int) -> None:
    """Let all else go before this process and its session.

    Linux may share the processor out by session first (`sched_autogroup_enabled`, which
    Debian and Ubuntu set, for what is in no control group of its own); the niceness of
    a process then counts among those of its session only, and each part of ours has
    one. So the session is given a niceness too.

    Args:
        steps: Of niceness, 0 to 19; 0 changes nothing.
    """
    if steps <= 0:
        return
    os.nice(steps)
    with contextlib.suppress(OSError):
        _SESSION.write_text(str(min(steps, _MOST)), "ascii")
