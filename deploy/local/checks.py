"""What `script/test` runs: every check with its time, none hidden by another."""

import fcntl
import os
import random
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from deploy.local import bootstrap
from deploy.local.console import Console
from deploy.local.environment import read_env_file
from deploy.local.layout import ROOT, VENV, Layout, Ports, port_is_free
from deploy.local.problem import Problem
from deploy.local.processes import load_records, stop_records

PORTS_NEEDED = 7
FOLDERS = 9
SHOWN_LINES = 60
FAILURE_LINES = 12
"""How much of a failed test's report is said again at the end."""
FAILURE_WIDTH = 200
PYTEST_WORDS = (
    "-q",
    "--tb=short",
    "--continue-on-collection-errors",
    "-o",
    "faulthandler_timeout=900",
)
"""Short reports of every failure; a file that cannot be read hides no other."""
UNBOUNDED = frozenset({"CI", "BUILD_NUMBER"})
"""Where pytest finds one of these, it prints differences of any length."""
STACK_MARKS = "stack or browser"
STACK_RUNS = (("full stack", "stack and not browser"), ("browser", "browser"))
"""A process each: Playwright's loop would be in the way of asynchronous tests."""
NOTHING_COLLECTED = 5
"""pytest's exit status when no test matches."""


@dataclass
class Tally:
    """Counts over every check and every test.

    Attributes:
        passed: Checks and tests that passed.
        failed: Those that failed, or could not run.
        skipped: Tests that were skipped, each with its reason in pytest's output.
        names: What failed, for the end of the output.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str, *, ok: bool, why: str = "") -> None:
        """Count one check; `why` is said below its name when it failed."""
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            self.names.append(f"{name}\n{why}" if why else name)

    def join(self, other: "Tally") -> None:
        """Count what another counted."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.names += other.names

    def add_junit(self, path: Path) -> None:
        """Count the tests of one pytest run from its JUnit report."""
        for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314 - ours
            found = {child.tag: child.text or "" for child in case}
            wrong = [found[tag] for tag in ("failure", "error") if tag in found]
            if wrong:
                name = f"{case.get('classname')}.{case.get('name')}"
                self.add(name, ok=False, why=last_lines(wrong[0]))
            elif "skipped" in found:
                self.skipped += 1
            else:
                self.passed += 1

    def last_line(self) -> str:
        """The plain summary: `N passed, M failed[, K skipped]`."""
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def last_lines(report: str) -> str:
    """The end of a failed test's report, lines of bounded number and width."""
    lines = [line for line in report.splitlines() if line.strip()]
    return "\n".join(f"    {line[:FAILURE_WIDTH]}" for line in lines[-FAILURE_LINES:])


def tool(name: str) -> str:
    """A program of the virtual environment."""
    return str(VENV / "bin" / name)


def lint_steps() -> list[tuple[str, list[str], Path]]:
    """(name, command, folder) of every check that needs no server."""
    steps = [
        ("ruff check", [tool("ruff"), "check", "."], ROOT),
        ("ruff format", [tool("ruff"), "format", "--check", "."], ROOT),
        ("mypy", [tool("mypy")], ROOT),
        ("import-linter", [tool("lint-imports")], ROOT),
        ("API client", [str(ROOT / "script" / "generate-client"), "--check"], ROOT),
    ]
    frontend = ROOT / "frontend"
    bin_folder = frontend / "node_modules" / ".bin"
    steps += [
        ("biome", [str(bin_folder / "biome"), "ci", "--colors=off", "."], frontend),
        ("tsc", [str(bin_folder / "tsc"), "--noEmit", "-p", "."], frontend),
    ]
    if any((frontend / "src").rglob("*.test.ts*")):
        steps.append(("vitest", [str(bin_folder / "vitest"), "run"], frontend))
    return steps


def free_base(*, beside: int = 0) -> int:
    """A port with six free ones after it, below the range of outgoing ports.

    Args:
        beside: Such a port that is about to be used; its seven are left out.
    """
    for _ in range(200):
        base = random.randrange(20000, 28000)  # noqa: S311 - not a secret
        if abs(base - beside) < PORTS_NEEDED:
            continue
        if all(port_is_free(base + step) for step in range(PORTS_NEEDED)):
            return base
    raise Problem("There are no seven free ports in a row between 20000 and 28000.")


def _run_step(
    name: str, command: Sequence[str], folder: Path, env: Mapping[str, str]
) -> tuple[bool, str]:
    try:
        done = subprocess.run(
            list(command),
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        return False, f"{name} cannot be run: {error}"
    return done.returncode == 0, done.stdout


def run_lints(tally: Tally, console: Console) -> None:
    """Run every check; show the end of the output of those that fail."""
    node = bootstrap.find_node()
    env = {**node.env(), "PYTHONPATH": str(ROOT)}
    env["DJANGO_SETTINGS_MODULE"] = "portal.settings.test"
    for name, command, folder in lint_steps():
        begun = time.monotonic()
        ok, output = _run_step(name, command, folder, env)
        mark = "✓" if ok else "✗"
        console.say(f"  {mark} {name} ({time.monotonic() - begun:.1f} s)")
        if not ok:
            lines = output.splitlines()[-SHOWN_LINES:]
            console.say("\n".join(f"    {line}" for line in lines))
        tally.add(name, ok=ok)


@contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """A folder for one run's servers: two runs in a checkout never share one.

    Args:
        parent: Where the folders `test`, `test-2`, `test-3` … are.

    Yields:
        The first of them that no other run holds.
    """
    parent.mkdir(exist_ok=True)
    for number in range(1, FOLDERS + 1):
        name = "test" if number == 1 else f"test-{number}"
        with (parent / f"{name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield parent / name
            return
    raise Problem(
        f"All {FOLDERS} folders of test runs in this checkout are in use.",
        advice="Wait for a run to end; each uses two.",
    )


class TestBed:
    """Servers for the tests, in a folder and on ports of their own.

    Args:
        state: State folder; emptied first, so that every run is the same.
        console: Where progress shows.
        beside: First port of a bed that is used at the same time; 0: of none.

    Attributes:
        out: Where the words of its commands go; None: to the terminal.
    """

    def __init__(self, state: Path, console: Console, *, beside: int = 0) -> None:
        self.console = console
        self.out: TextIO | None = None
        base = free_base(beside=beside)
        self.layout = Layout(state=state, ports=Ports.from_base(base))
        self._clear()
        self.layout.make_folders()

    def _clear(self) -> None:
        state = self.layout.state
        if state.exists():
            stop_records(list(load_records(self.layout)), self.layout)
            # On a machine where root's database lives elsewhere this is a link.
            database = state / "postgres"
            if database.is_symlink():
                shutil.rmtree(database.resolve(), ignore_errors=True)
            shutil.rmtree(state)

    def command(self, word: str, *more: str) -> bool:
        """Run one `deploy.local` command on this folder; True when it succeeded."""
        ports = self.layout.ports
        command = [tool("python"), "-m", "deploy.local", word]
        command += ["--state", str(self.layout.state), "--port", str(ports.public)]
        command += ["--dicom-port", str(ports.dicom), "--test", *more]
        return self.run(command) == 0

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> int:
        """Run a command here, its words where this bed's go; its exit status."""
        done = subprocess.run(
            list(command),
            cwd=ROOT,
            env=env,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=self.out,
            stderr=self.out,
        )
        return done.returncode

    def env(self) -> dict[str, str]:
        """Environment for pytest: the owner's database, and where the stack is."""
        values = read_env_file(self.layout.env_file)
        ports = self.layout.ports
        inherited = {k: v for k, v in os.environ.items() if k not in UNBOUNDED}
        return {
            **inherited,
            **values,
            "DATABASE_URL": values.get("DATABASE_OWNER_URL", ""),
            "DJANGO_SETTINGS_MODULE": "portal.settings.test",
            "OVERREAD_STACK_URL": self.layout.public_url,
            "OVERREAD_STACK_DICOM": f"127.0.0.1:{ports.dicom}",
            "OVERREAD_STACK_STATE": str(self.layout.state),
        }


def run_pytest(
    tally: Tally, bed: TestBed, *, name: str, marks: str, words: Sequence[str]
) -> None:
    """One pytest run, its output as it comes, its counts added.

    Args:
        tally: Where to count.
        bed: Servers to use.
        name: Names the run.
        marks: Expression for `-m`.
        words: Further arguments of pytest.
    """
    report = bed.layout.logs / f"{name.replace(' ', '-')}.xml"
    command = [tool("python"), "-m", "pytest", *PYTEST_WORDS, "-m", marks]
    command += [f"--junitxml={report}", *words]
    begun = time.monotonic()
    status = bed.run(command, bed.env())
    bed.console.say(f"  • {name} ({time.monotonic() - begun:.1f} s)")
    if status == NOTHING_COLLECTED:
        return
    if report.exists():
        before = tally.failed
        tally.add_junit(report)
        if status != 0 and tally.failed == before:
            tally.add(f"{name} (exit status {status})", ok=False)
    else:
        tally.add(f"{name} (exit status {status})", ok=False)


def run_tests(parent: Path, words: Sequence[str], console: Console) -> int:
    """Everything that `script/test` does.

    Args:
        parent: Where the folder of the tests' servers is made.
        words: Arguments for pytest; with any, only pytest runs.
        console: Where progress shows.

    Returns:
        0 when nothing failed.
    """
    begun = time.monotonic()
    with own_folder(parent) as first, own_folder(parent) as second:
        near = TestBed(first, console)
        far = TestBed(second, console, beside=near.layout.ports.public)
        tally = _prepared(near, console)
        if words:
            _run_in_turn(near, far, tally, words)
        else:
            run_lints(tally, console)
            _run_beside(near, far, tally)
    console.say(f"\n{time.monotonic() - begun:.0f} s")
    for name in tally.names:
        console.say(f"FAILED {name}")
    console.say(tally.last_line())
    return 1 if tally.failed or not tally.passed else 0


def _prepared(bed: TestBed, console: Console) -> Tally:
    """Everything is installed and the front end is built, or that is counted."""
    tally = Tally()
    bootstrap.prepare(bed.layout, console, browser=True, build=False)
    try:
        bootstrap.ensure_frontend(console, bed.layout.logs / "setup.log")
        tally.add("front end", ok=True)
    except Problem as problem:
        console.say(str(problem))
        tally.add("front end", ok=False)
    return tally


def _run_in_turn(
    near: TestBed, far: TestBed, tally: Tally, words: Sequence[str]
) -> None:
    """The named tests, seen as they run."""
    try:
        _run_units(tally, near, words)
        if _wants_stack(far, words):
            _run_stack(tally, far, words)
    finally:
        near.command("down")
        far.command("down")


def _run_beside(near: TestBed, far: TestBed, tally: Tally) -> None:
    """The units beside the stack, each with servers of its own.

    The stack's faults are mostly waited for, which is the units' time. What the
    stack's runs print is kept until both have ended.
    """
    apart = Tally()
    log = far.layout.logs / "stack.txt"
    with log.open("w", encoding="utf-8") as far.out:
        try:
            with ThreadPoolExecutor(max_workers=1) as beside:
                stack = beside.submit(_run_stack, apart, far, ())
                _run_units(tally, near, ())
                stack.result()
        finally:
            near.command("down")
            far.command("down")
    near.console.say(log.read_text(encoding="utf-8", errors="replace"))
    tally.join(apart)


def _run_units(tally: Tally, bed: TestBed, words: Sequence[str]) -> None:
    if bed.command("services"):
        marks = f"not ({STACK_MARKS})"
        run_pytest(tally, bed, name="units", marks=marks, words=words)
    else:
        tally.add("start of the services", ok=False)


def _wants_stack(bed: TestBed, words: Sequence[str]) -> bool:
    command = [tool("python"), "-m", "pytest", "-q", "--collect-only", "-m"]
    command += [STACK_MARKS, *words]
    done = subprocess.run(
        command, cwd=ROOT, env=bed.env(), check=False, capture_output=True
    )
    return done.returncode != NOTHING_COLLECTED


def _run_stack(tally: Tally, bed: TestBed, words: Sequence[str]) -> None:
    # The front end was built a moment ago; everything is installed.
    if bed.command("up", "--no-setup"):
        for name, marks in STACK_RUNS:
            run_pytest(tally, bed, name=name, marks=marks, words=words)
    else:
        tally.add("start of the full stack", ok=False)
