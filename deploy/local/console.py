"""What the person at the terminal sees: steps with timings, one live line."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Console:
    """Plain progress on standard output.

    On a terminal the live line is rewritten in place; in a file it is written only
    when it changes.
    """

    def __init__(self) -> None:
        self._tty = sys.stdout.isatty()
        self._live = ""

    def say(self, text: str = "") -> None:
        """Write one line that stays."""
        self._clear()
        _write(text + "\n")

    def live(self, text: str) -> None:
        """Replace the live line."""
        if text == self._live:
            return
        self._clear()
        self._live = text
        _write(f"\r{text}" if self._tty else text + "\n")

    def flash(self, text: str) -> None:
        """Show a passing line on a terminal; elsewhere nothing."""
        if self._tty:
            self.live(text)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step and say how long it took."""
        self.say(f"  … {title}")
        begun = time.monotonic()
        try:
            yield
        except BaseException:
            self.say(f"  ✗ {title} ({time.monotonic() - begun:.1f} s)")
            raise
        self.say(f"  ✓ {title} ({time.monotonic() - begun:.1f} s)")

    def _clear(self) -> None:
        if self._live and self._tty:
            _write("\r" + " " * len(self._live) + "\r")
        if self._tty:
            self._live = ""


def _write(text: str) -> None:
    """Write at once; a full disk or a closed terminal must not stop what is said."""
    with suppress(OSError):
        sys.stdout.write(text)
        sys.stdout.flush()
