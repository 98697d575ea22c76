"""Threads that let others of their process have the processor first."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Final

PATIENCE: Final = 5
"""Steps of niceness of work that may wait: a third of the share of what may not."""
_MOST: Final = 19


def give_way(steps: int = PATIENCE) -> None:
    """Let other threads of this process go before the calling one.

    Linux has a niceness for each thread, and a new thread has its maker's. Elsewhere
    nothing happens: there it would be that of the whole process.
    """
    if sys.platform != "linux":
        return
    me = threading.get_native_id()
    with contextlib.suppress(OSError):
        before = os.getpriority(os.PRIO_PROCESS, me)
        os.setpriority(os.PRIO_PROCESS, me, min(before + steps, _MOST))
