"""The portal's signed list of model packages, and the key that signs it.

The list is a file of its own and not a table: who can write to the database alone can
not make a worker load a model. Every change is made under a lock, from a list whose
signature was checked, and leaves a higher number.
"""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from apps.core import clock
from apps.core.errors import Unavailable
from apps.core.files import replace_durably
from apps.inference.packages import read_package
from workers.model_trust import (
    AllowedPackage,
    AllowList,
    UntrustedError,
    make_key,
    public_key_of,
    read_list,
    sign_list,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apps.inference.packages import PackageFolder

LIST_NAME = "allowed.json"
PUBLIC_KEY_NAME = "signing.pub"


def public_key() -> str:
    """Return the key that workers are to believe; makes it on first use."""
    with _locked():
        return public_key_of(_private_key())


def signed_list() -> bytes:
    """Return the signed list as workers are given it.

    A portal that has none yet begins with the packages that came with its code.

    Raises:
        Unavailable: What is on disk was not signed by this portal's key.
    """
    with _locked():
        _current()
        return _list_path().read_bytes()


def allowed_models() -> AllowList:
    """Return the list.

    Raises:
        Unavailable: What is on disk was not signed by this portal's key.
    """
    with _locked():
        return _current()


def admit_package(*, package: PackageFolder) -> AllowList:
    """Put a package on the list; once there, again changes nothing."""
    with _locked():
        known = _current()
        if package.package_hash in known.hashes:
            return known
        entry = _entry(package)
        return _write((*known.packages, entry), number=known.number + 1)


def withdraw_package(*, package_hash: str) -> AllowList:
    """Take a package off the list; workers stop using it within seconds."""
    with _locked():
        known = _current()
        if package_hash not in known.hashes:
            return known
        kept = [e for e in known.packages if e.package_hash != package_hash]
        return _write(kept, number=known.number + 1)


def _entry(package: PackageFolder) -> AllowedPackage:
    return AllowedPackage(
        package_hash=package.package_hash,
        name=str(package.card["name"]),
        version=str(package.card["version"]),
        admitted_at=clock.now().isoformat(),
    )


def _current() -> AllowList:
    path = _list_path()
    if not path.exists():
        shipped = sorted(
            p.parent for p in settings.SHIPPED_MODELS_DIR.glob("*/card.json")
        )
        return _write([_entry(read_package(path=p)) for p in shipped], number=1)
    try:
        return read_list(path.read_bytes(), public_key=public_key_of(_private_key()))
    except UntrustedError as error:
        raise Unavailable(
            "untrusted_list", f"No model can be used: {error}."
        ) from error


def _write(packages: Iterable[AllowedPackage], *, number: int) -> AllowList:
    content = sign_list(
        packages,
        number=number,
        issued_at=clock.now().isoformat(),
        private_key=_private_key(),
    )
    replace_durably(_list_path(), content)
    return read_list(content, public_key=public_key_of(_private_key()))


def _private_key() -> str:
    """Return the private key, made once; its public half is left for workers."""
    path = Path(settings.MODEL_KEY_FILE)
    if not path.exists():
        if _list_path().exists():
            raise Unavailable(
                "no_signing_key",
                f"The key that signs the list of models is gone ({path.name});"
                " restore it, or remove the list and admit the models again.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_durably(path, f"{make_key()}\n".encode())
    key = path.read_text("ascii").strip()
    public = Path(settings.MODELS_DIR) / PUBLIC_KEY_NAME
    text = public_key_of(key)
    if not public.exists() or public.read_text("ascii").strip() != text:
        replace_durably(public, f"{text}\n".encode())
        public.chmod(0o644)
    return key


def _list_path() -> Path:
    return Path(settings.MODELS_DIR) / LIST_NAME


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    folder = Path(settings.MODELS_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
