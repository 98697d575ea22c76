"""Secrets that are generated once, and the environment made from them."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from deploy.local.layout import LOOPBACK, Layout
from deploy.local.problem import Problem

SECRET_NAMES = (
    "django",
    "postgres_superuser",
    "postgres_owner",
    "postgres_app",
    "redis",
    "orthanc",
)
EXTERNAL = {
    "database": ("DATABASE_URL", "DATABASE_OWNER_URL"),
    "redis": ("REDIS_URL",),
    "orthanc": ("ORTHANC_URL", "ORTHANC_USER", "ORTHANC_PASSWORD"),
}
"""Part → the variables that, when set from outside, replace the embedded one."""

OWNER_ONLY = frozenset({"DATABASE_OWNER_URL"})
PORTAL_ONLY = OWNER_ONLY | {
    "DATABASE_URL",
    "ORTHANC_URL",
    "ORTHANC_USER",
    "ORTHANC_PASSWORD",
    "OVERREAD_SECRET_KEY",
}
"""What a pixels or gpu worker never gets to see."""


@dataclass(frozen=True)
class Environment:
    """The variables of one instance, and which parts it runs itself.

    Attributes:
        values: Every variable that Overread defines.
        embedded: Those of `database`, `redis`, `orthanc` that are our children.
        secrets: Generated passwords by name (see `SECRET_NAMES`).
    """

    values: dict[str, str]
    embedded: frozenset[str]
    secrets: dict[str, str]

    def for_owner(self) -> dict[str, str]:
        """For migrations: everything, and as the owner of the schema."""
        owner = {"DATABASE_URL": self.values["DATABASE_OWNER_URL"]}
        return self._merged(frozenset()) | owner

    def for_portal(self) -> dict[str, str]:
        """For the web and queue processes: not the schema owner's password."""
        return self._merged(OWNER_ONLY)

    def for_worker(self) -> dict[str, str]:
        """For pixels and gpu workers: the broker and the portal's address only."""
        return self._merged(PORTAL_ONLY)

    def _merged(self, without: frozenset[str]) -> dict[str, str]:
        merged = {**os.environ, **self.values}
        return {name: value for name, value in merged.items() if name not in without}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or none of it."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def load_secrets(path: Path) -> dict[str, str]:
    """Read the generated secrets, adding (and keeping) any that are missing."""
    known: dict[str, str] = {}
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError) as error:
            raise Problem(
                f"The secrets file {path} cannot be read: {error}.",
                advice="Restore it; the database and the archive were set up with it.",
            ) from error
    missing = [name for name in SECRET_NAMES if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(36) for name in missing}
        write_private(path, json.dumps(known, indent=1) + "\n")
    return known


def read_env_file(path: Path) -> dict[str, str]:
    """The `KEY=VALUE` lines of an env file written by `write_env_file`."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and line[0] != "#")
    return {name: value.removeprefix("'").removesuffix("'") for name, _, value in pairs}


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Write values so that both a shell (`set -a; . env`) and we can read them."""
    if bad := [name for name, value in values.items() if set("'\n") & set(value)]:
        raise Problem(f"{', '.join(bad)} must not contain a quote or a line break.")
    lines = [f"{name}='{value}'" for name, value in sorted(values.items())]
    head = "# Written at every start; the secrets in it are kept in secrets.json."
    write_private(path, "\n".join([head, *lines]) + "\n")


def find_external(outer: Mapping[str, str], previous: Mapping[str, str]) -> set[str]:
    """Which parts the caller's environment replaces by servers of its own.

    A shell that has sourced this instance's own env file carries the embedded
    addresses; those do not count.

    Args:
        outer: The caller's environment.
        previous: This instance's env file as it stands.
    """
    embedded = set(previous.get("OVERREAD_EMBEDDED", "").split())
    found = set()
    for part, names in EXTERNAL.items():
        value = outer.get(names[0], "")
        ours = part in embedded and value == previous.get(names[0])
        if value and not ours:
            found.add(part)
    return found


def _embedded_values(layout: Layout, secret: Mapping[str, str]) -> dict[str, str]:
    ports = layout.ports
    database = f"{LOOPBACK}:{ports.postgres}/overread"
    return {
        "DATABASE_URL": f"postgresql://overread_app:{secret['postgres_app']}"
        f"@{database}",
        "DATABASE_OWNER_URL": f"postgresql://overread_owner:{secret['postgres_owner']}"
        f"@{database}",
        "REDIS_URL": f"redis://:{quote(secret['redis'])}@{LOOPBACK}:{ports.redis}/0",
        "ORTHANC_URL": f"http://{LOOPBACK}:{ports.orthanc}",
        "ORTHANC_USER": "portal",
        "ORTHANC_PASSWORD": secret["orthanc"],
    }


def make_environment(
    layout: Layout, *, kind: str, outer: Mapping[str, str]
) -> Environment:
    """Build the variables of an instance; generated secrets never change.

    Args:
        layout: Folders and ports.
        kind: `local` or `test`: which portal settings to use.
        outer: The caller's environment, which may name external servers.
    """
    secret = load_secrets(layout.secrets_file)
    previous = read_env_file(layout.env_file)
    external = find_external(outer, previous)
    values = _embedded_values(layout, secret)
    for part in external:
        for name in EXTERNAL[part]:
            values.pop(name, None)
            if outer.get(name):
                values[name] = outer[name]
        if part == "database":
            values.setdefault("DATABASE_OWNER_URL", values["DATABASE_URL"])
    embedded = frozenset(EXTERNAL) - external
    state = layout.state
    values |= {
        "OVERREAD_ENV": kind,
        "DJANGO_SETTINGS_MODULE": f"portal.settings.{kind}",
        "OVERREAD_STATE_DIR": str(state),
        "OVERREAD_PACKS_DIR": str(state / "packs"),
        "OVERREAD_ARTEFACTS_DIR": str(state / "artefacts"),
        "OVERREAD_MODELS_DIR": str(state / "models"),
        "OVERREAD_SECRET_KEY": secret["django"],
        "OVERREAD_ALLOWED_HOSTS": outer.get(
            "OVERREAD_ALLOWED_HOSTS", "localhost,127.0.0.1"
        ),
        "OVERREAD_PUBLIC_URL": outer.get("OVERREAD_PUBLIC_URL", "")
        or layout.public_url,
        "OVERREAD_PORTAL_URL": f"http://{LOOPBACK}:{layout.ports.wsgi}",
        "OVERREAD_DICOM_PORT": str(layout.ports.dicom),
        "OVERREAD_EMBEDDED": " ".join(sorted(embedded)),
    }
    return Environment(values=values, embedded=embedded, secrets=secret)
