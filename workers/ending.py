"""A worker whose consumer failed is gone soon, so that it can be started again.

Celery ends a worker in warmth after an error that it cannot mend (a broker that
refuses to write, say, for its disk is full): it waits for running tasks, as long as
they take, and for its children. In that time nothing consumes, and who keeps the
worker alive sees a process that lives.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any, Final

from celery import Celery, bootsteps, signals

ENDED_S: Final = 15.0
"""How long running tasks may take to their end: as long as when a worker is stopped.
They are done again, for they were not acknowledged."""


def end_soon_after_failure(app: Celery, *, within_s: float = ENDED_S) -> None:
    """Have workers of an application end within a time once their consumer failed.

    One that is asked to stop is left alone: who asks has a limit of his own.

    Args:
        app: The application, before its worker starts.
        within_s: The longest time from the failure to the end of the process, seconds.
    """

    class _EndSoon(bootsteps.StartStopStep):
        """Told first when the worker goes; nothing to start or stop itself."""

        def close(self, parent: Any) -> None:
            _watch(parent, within_s)

    app.steps["worker"].add(_EndSoon)
    # One that had not come to run is not closed, and waits for its children at exit.
    signals.worker_shutdown.connect(
        lambda sender, **_: _watch(sender, within_s) if sender.app is app else None,
        weak=False,
    )


def _watch(worker: Any, within_s: float) -> None:
    if worker.exitcode:
        guard = threading.Timer(within_s, _end, (worker.exitcode,))
        guard.daemon = True
        guard.start()


def _end(code: int) -> None:
    # Not by the log: what hangs may hold its lock, and its disk may be full.
    with contextlib.suppress(OSError):
        os.write(2, b"worker: it failed and did not end by itself: it is ended\n")
    os._exit(code)
