"""Set-up commands: what they start ends with them."""

import sys
from pathlib import Path

import pytest

from deploy.local.commands import run_logged
from deploy.local.console import Console
from deploy.local.processes import read_stat
from deploy.local.supervisor import wait_until

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


class StoppedAtTheFirstLine(Console):
    def flash(self, text: str) -> None:
        raise KeyboardInterrupt


def test_a_stopped_command_leaves_no_children(tmp_path: Path):
    log = tmp_path / "log"
    with pytest.raises(KeyboardInterrupt):
        run_logged(
            [sys.executable, "-c", FAMILY],
            log=log,
            console=StoppedAtTheFirstLine(),
            what="a family",
            alone=True,
        )
    grandchild = int(log.read_text())

    def gone() -> bool:
        stat = read_stat(grandchild)
        return stat is None or stat.state == "Z"

    assert wait_until(gone, timeout_s=20)
