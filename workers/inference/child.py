"""The process that runs models: requests as lines in, events as lines out.

Its parent, `workers.supervisor`, holds the queue and imports no torch; whatever a study
does to this process, the parent sees it end and starts another. Many requests are in
hand at a time: while some are fetched or prepared, the engine runs others.

In: an `InferRequest` message a line, as `{"id": n, "request": {...}}`; and `{}` where
something urgent is on its way, see `Engine.make_way`. Out:

    {"ready": {...}}                 models are loaded; how things are, see `_report`
    {"id": n, "event": "begun"}      its images are here; from now on it may be at fault
    {"id": n, "event": "answer", "result": {...}}
    {"id": n, "event": "away", "detail": "…"}       the portal gives no answer
    {"report": {...}}                every few seconds
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final, TextIO

import torch

from workers.contracts import PRIORITY_URGENT, InferRequest
from workers.inference.answering import answer, failed_result, make_workplace, warm_up
from workers.inference.workplace import Workplace
from workers.logs import start_logging
from workers.niceness import give_way
from workers.portal_client import PortalUnavailableError
from workers.settings import read_settings

REPORT_EVERY_S: Final = 5.0
URGENT_SLOTS: Final = 8
"""Urgent requests at work at a time; further ones wait for one of these."""


class Server:
    """Answers requests in threads and says what happens to them."""

    def __init__(self, *, workplace: Workplace, events: TextIO, slots: int) -> None:
        """Take what it works with.

        Args:
            workplace: Models, decoder, engine.
            events: Where lines go.
            slots: Requests in hand at a time.
        """
        self._workplace = workplace
        self._events = events
        self._writing = threading.Lock()
        self._pool = ThreadPoolExecutor(
            slots, thread_name_prefix="study", initializer=_work_patiently
        )
        self._urgent = ThreadPoolExecutor(
            URGENT_SLOTS, thread_name_prefix="urgent", initializer=_use_one_thread
        )

    def serve(self, requests: TextIO) -> None:
        """Answer until there are no more requests."""
        self.say({"ready": self._report()})
        threading.Thread(target=self._report_on, daemon=True).start()
        for line in requests:
            asked = json.loads(line)
            if not asked:
                self._workplace.engine.make_way()
                continue
            wanted = asked["request"]
            # What is urgent has threads of its own on a line, which begin as this one.
            self._workplace.lines.to(wanted["portal_url"])
            is_urgent = wanted["priority"] <= PRIORITY_URGENT
            (self._urgent if is_urgent else self._pool).submit(self._do, asked)

    def say(self, event: dict[str, Any]) -> None:
        """Write an event."""
        line = json.dumps(event) + "\n"
        with self._writing:
            self._events.write(line)
            self._events.flush()

    def _do(self, asked: dict[str, Any]) -> None:
        number = asked["id"]
        request = InferRequest.from_message(asked["request"])

        def begin() -> None:
            self.say({"id": number, "event": "begun"})

        is_urgent = request.priority <= PRIORITY_URGENT
        try:
            with self._workplace.engine.urgent() if is_urgent else nullcontext():
                result = answer(request, workplace=self._workplace, begin=begin)
        except PortalUnavailableError as error:
            self.say({"id": number, "event": "away", "detail": str(error)})
            return
        except BaseException as error:  # noqa: BLE001  a thread has nobody else to tell
            result = failed_result(
                request, f"an unexpected error ({type(error).__name__})"
            )
        self.say({"id": number, "event": "answer", "result": result.to_message()})

    def _report_on(self) -> None:
        pause = threading.Event()
        while not pause.wait(REPORT_EVERY_S):
            self.say({"report": self._report()})

    def _report(self) -> dict[str, Any]:
        tally = self._workplace.engine.tally
        return {
            "device": self._workplace.device_words,
            "models": self._workplace.store.loaded(),
            "batches": tally.batches,
            "images": tally.images,
            "split": tally.split,
            "no_memory": tally.no_memory,
            "busy_s": round(tally.busy_s, 3),
            "memory_mb": round(_resident_bytes() / 2**20),
        }


def _resident_bytes() -> int:
    """Return the memory of this process; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _work_patiently() -> None:
    """Let threads that work for what is urgent have the processor first."""
    _use_one_thread()
    give_way()


def _use_one_thread() -> None:
    """Keep this thread's small tensor work off the cores of the networks."""
    torch.set_num_threads(1)


def main() -> None:
    """Make everything ready and serve; end with the parent."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # the parent ends us, by our input
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no event
    start_logging()
    settings = read_settings()
    workplace = make_workplace(settings)
    warm_up(workplace)
    # Networks and modules stay for good: looking through them for garbage would stop
    # every study for a fifth of a second, once in some hundred.
    gc.collect()
    gc.freeze()
    server = Server(workplace=workplace, events=events, slots=settings.slots)
    try:
        server.serve(sys.stdin)
    finally:
        workplace.decoder.close()
        os._exit(0)


if __name__ == "__main__":
    main()
