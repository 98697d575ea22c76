"""Run set-up commands: output to a log, the last line of it live, errors plain."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local.console import Console
from deploy.local.layout import ROOT
from deploy.local.problem import Problem

LIVE_WIDTH = 76
TAIL_LINES = 15
PATIENCE_S = 10
"""How long a stopped command may take to put its things away."""


def run_logged(
    command: Sequence[str],
    *,
    log: Path,
    console: Console,
    what: str,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    advice: str = "Put that right and run it again; it goes on where it stopped.",
    alone: bool = False,
) -> None:
    """Run a command; its output goes to `log`, its present line to the terminal.

    Args:
        command: What to run.
        log: File that is appended to.
        console: Where progress shows.
        what: Names the step in the error message.
        env: Complete environment; None means ours.
        cwd: Working folder.
        advice: What to do when it fails.
        alone: It asks nobody anything, so it and all it starts are a session of
            their own, which ends whole when we are stopped.

    Raises:
        Problem: The command failed; the end of its output is in the message.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    last: list[str] = []
    with (
        log.open("a", encoding="utf-8") as output,
        subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            text=True,
            errors="replace",
            start_new_session=alone,
        ) as child,
    ):
        try:
            for line in child.stdout or ():
                output.write(line)
                last = [*last, line.rstrip()][-TAIL_LINES:]
                console.flash("    " + line.strip()[:LIVE_WIDTH])
            code = child.wait()
        except BaseException:
            _end(child, whole=alone)
            raise
    if code != 0:
        end = "\n".join(f"    {line}" for line in last)
        raise Problem(f"{what} failed (code {code}):\n{end}", advice=advice)


def _end(child: subprocess.Popen[str], *, whole: bool) -> None:
    """Stop a command that is no longer wanted, with its children if it is alone."""
    if not whole:
        child.terminate()
        child.wait()
        return
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=PATIENCE_S)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
