"""Processes that let the portal's other parts have the processor first."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

_MOST: Final = 19
_SESSION: Final = Path("/proc/self/autogroup")
_TRIES: Final = 10
_PAUSE_S: Final = 0.15


def asked_steps() -> int:
    """Return the niceness that this process' environment asks of it; 0 for none."""
    return int(os.environ.get("OVERREAD_WORKER_NICENESS", "0"))


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
    for _ in range(_TRIES):
        try:
            _SESSION.write_text(str(min(steps, _MOST)), "ascii")
        except BlockingIOError:  # ten such changes a second, of all sessions together
            time.sleep(_PAUSE_S)
        except OSError:
            return
        else:
            return
