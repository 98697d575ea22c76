"""What `script/benchmark` runs: one benchmark against a whole stack."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.checks import free_base, tool
from deploy.local.console import Console
from deploy.local.environment import read_env_file
from deploy.local.layout import ROOT, Layout, Ports
from deploy.local.problem import Problem
from deploy.local.supervisor import holder_pid

FOLDER = ROOT / "tests" / "benchmarks"
LIMIT_S = 90 * 60


def names() -> list[str]:
    """The benchmarks there are."""
    skip = {"__init__", "harness", "conftest"}
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in skip)


@contextmanager
def _stack(layout: Layout, console: Console) -> Iterator[Path]:
    """The env file of a running stack: that of `layout`, or one started for us."""
    if holder_pid(layout) and layout.ready_file.exists():
        console.say(f"  • using the stack that runs on {layout.state}")
        yield layout.env_file
        return
    state = ROOT / "var" / "benchmark"
    mine = Layout(state=state, ports=Ports.from_base(free_base()))
    words = ["--state", str(state), "--port", str(mine.ports.public)]
    words += ["--dicom-port", str(mine.ports.dicom)]
    command = [tool("python"), "-m", "deploy.local"]
    try:
        if subprocess.run([*command, "up", *words], cwd=ROOT, check=False).returncode:
            raise Problem("The stack for the benchmark did not start.")
        yield mine.env_file
    finally:
        subprocess.run([*command, "down", *words], cwd=ROOT, check=False)


def run(
    name: str,
    layout: Layout,
    *,
    json_file: Path | None,
    quick: bool,
    studies: int | None = None,
    console: Console,
) -> int:
    """Run one benchmark; its table goes to the terminal, its figures to a file.

    Args:
        name: Of a module in `tests/benchmarks`.
        layout: Whose stack to use when it runs.
        json_file: Where to write the metrics; None for nowhere.
        quick: One round of what is otherwise repeated.
        studies: How large a department, where a benchmark makes one.
        console: Where progress shows.

    Returns:
        0 when it ran and every goal was met.
    """
    if name not in names():
        raise Problem(
            f"There is no benchmark {name}.",
            advice=f"One of: {', '.join(names()) or 'none yet'}.",
        )
    begun = time.monotonic()
    with _stack(layout, console) as env_file:
        values = read_env_file(env_file)
        command = [tool("python"), "-m", "tests.benchmarks.harness", name]
        if json_file:
            command += ["--json", str(json_file.resolve())]
        left = LIMIT_S - (time.monotonic() - begun)
        env = {
            **os.environ,
            **values,
            "OVERREAD_STACK_URL": values["OVERREAD_PUBLIC_URL"],
            "OVERREAD_STACK_DICOM": f"127.0.0.1:{values['OVERREAD_DICOM_PORT']}",
            "OVERREAD_STACK_STATE": values["OVERREAD_STATE_DIR"],
            "OVERREAD_BENCHMARK_QUICK": "1" if quick else "",
            "OVERREAD_BENCHMARK_STUDIES": str(studies or ""),
        }
        try:
            done = subprocess.run(command, cwd=ROOT, env=env, timeout=left, check=False)
        except subprocess.TimeoutExpired:
            raise Problem(f"{name} took longer than {LIMIT_S / 60:.0f} min.") from None
    return done.returncode
