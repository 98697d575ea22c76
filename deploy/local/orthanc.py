"""The embedded Orthanc: the archive, private to the portal, DICOM for modalities."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

from deploy.local import web
from deploy.local.environment import Environment, write_private
from deploy.local.layout import ROOT, TEMPLATES, Layout
from deploy.local.postgres import clean_env
from deploy.local.problem import Problem
from deploy.local.processes import Part

USER = "portal"
PLUGINS = ("libOrthancDicomWeb.so", "libOrthancPython.so")
PLUGIN_FOLDER = Path("/usr/share/orthanc/plugins")
EXECUTABLES = ("/usr/sbin/Orthanc", "/usr/bin/Orthanc", "/usr/local/sbin/Orthanc")
STRUCTURE = ROOT / "workers" / "packs" / "structure.py"
DEEP = f'ulimit -s {256 << 10} 2>/dev/null; exec "$0" "$@"'
"""Starts it with stacks of 256 MiB (address space, not memory) for its threads.

Its parser calls itself for each level of nested sequences, before any rule of ours
sees them: with the usual 8 MiB one C-STORE of 8,000 levels ended the archive."""


def find_executable() -> str:
    """Orthanc's path; Debian puts it where an ordinary user's PATH does not look."""
    for path in (shutil.which("Orthanc"), *EXECUTABLES):
        if path and os.access(path, os.X_OK):
            return path
    raise Problem(
        "Orthanc is not installed.",
        advice="As root: apt-get install --no-install-recommends orthanc"
        " orthanc-dicomweb orthanc-python",
    )


def config(layout: Layout, password: str, *, stable_age_s: int) -> dict[str, Any]:
    """orthanc.json as a dictionary, from the template in `deploy/templates`.

    Args:
        layout: Folders and ports.
        password: Of the one registered user.
        stable_age_s: Seconds of silence after which a study counts as complete.
    """
    text = (TEMPLATES / "orthanc.json").read_text(encoding="utf-8")
    values: dict[str, Any] = json.loads(text)
    folder = layout.state / "orthanc"
    plugins = [PLUGIN_FOLDER / name for name in PLUGINS]
    return values | {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "TemporaryDirectory": str(folder / "tmp"),
        "HttpPort": layout.ports.orthanc,
        "DicomPort": layout.ports.dicom,
        "RegisteredUsers": {USER: password},
        "StableAge": stable_age_s,
        "LuaScripts": [str(folder / "filter.lua")],
        "Plugins": [str(path) for path in plugins if path.exists()],
        "PythonScript": str(folder / "keep.py"),
        "Overread": {"KeepIn": str(layout.state / "held" / "arrivals")},
    }


def make_part(layout: Layout, env: Environment, *, stable_age_s: int) -> Part:
    """Write the configuration and describe the process."""
    folder = layout.state / "orthanc"
    held = layout.state / "held"
    for path in (folder, folder / "db", folder / "tmp", held, held / "arrivals"):
        path.mkdir(exist_ok=True)
        path.chmod(0o700)
    password = env.secrets["orthanc"]
    values = config(layout, password, stable_age_s=stable_age_s)
    write_private(folder / "orthanc.json", json.dumps(values, indent=1))
    lua = (TEMPLATES / "orthanc-filter.lua").read_text(encoding="utf-8")
    write_private(folder / "filter.lua", lua.replace("@USER@", USER))
    keep = (TEMPLATES / "orthanc-keep.py").read_text(encoding="utf-8")
    write_private(folder / "keep.py", keep)
    walk = STRUCTURE.read_text(encoding="utf-8")
    write_private(folder / "structure.py", walk)

    def ready() -> str:
        answer = web.get(layout.ports.orthanc, "/system", login=(USER, password))
        return "" if answer.status == 200 else f"answers {answer.status} {answer.why}"

    return Part(
        name="orthanc",
        argv=("/bin/sh", "-c", DEEP, find_executable(), str(folder / "orthanc.json")),
        # DCMTK's switch: without it a C-STORE waits for delayed acknowledgements.
        env=clean_env() | {"TCP_NODELAY": "1"},
        cwd=folder,
        ready=ready,
        stop_seconds=30,
    )


def seed_index(layout: Layout, part: Part) -> None:
    """Tell a fresh SQLite index what a large one looks like, so that it uses indexes.

    Without statistics SQLite scans by tag: 20 × slower at a few thousand instances.
    Orthanc makes the tables at its first start, so it is started once for that.
    """
    index = layout.state / "orthanc" / "db" / "index"
    if index.exists() and _is_seeded(index):
        return
    with (layout.logs / "orthanc.log").open("ab") as log:
        child = subprocess.Popen(
            part.argv, env=part.env, cwd=part.cwd, stdout=log, stderr=log
        )
        try:
            _wait_first_start(child, part)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=30)
    script = (TEMPLATES / "orthanc-statistics.sql").read_text(encoding="utf-8")
    database = sqlite3.connect(index)
    try:
        database.executescript(script)
        database.commit()
    finally:
        database.close()


def _wait_first_start(child: subprocess.Popen[bytes], part: Part) -> None:
    deadline = time.monotonic() + 60
    while (why := part.ready()) and time.monotonic() < deadline:
        if child.poll() is not None:
            break
        time.sleep(0.1)
    if why:
        raise Problem(
            f"Orthanc's first start failed: it {why}.", advice="See log/orthanc.log."
        )


def _is_seeded(index: Path) -> bool:
    database = sqlite3.connect(f"file:{index}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT count(*) FROM sqlite_stat1").fetchone()
        return bool(rows[0])
    except sqlite3.Error:
        return False
    finally:
        database.close()


def check_private(layout: Layout, env: Environment) -> None:
    """Refuse to go on when Orthanc serves anybody but this machine.

    Orthanc binds its HTTP port on every interface; what protects it is that it
    refuses remote addresses, which is asked here instead of believed.
    """
    login = (USER, env.secrets["orthanc"])
    address = web.outer_address()
    doors = [("without a password", web.get(layout.ports.orthanc, "/system"))]
    if address:
        answer = web.get(layout.ports.orthanc, "/system", host=address, login=login)
        doors.append((f"at {address}", answer))
    for how, answer in doors:
        if answer.status not in (0, 401, 403):
            raise Problem(
                f"Orthanc answered {answer.status} {how}: the archive is not private.",
                advice="Do not run it so; check deploy/templates/orthanc.json.",
            )
