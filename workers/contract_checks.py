"""What is asked of the fields of messages between the portal and its workers.

Each check raises `ContractError`, which names the field, unless its rule is kept.
Standard library only: `workers.contracts` is imported by the portal and every worker.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*\Z")
OPAQUE = re.compile(r"[A-Za-z0-9._:-]{1,100}\Z")
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+\Z")


class ContractError(ValueError):
    """A message that does not keep to the contract; the text names the field."""


def require(*, ok: bool, name: str, rule: str) -> None:
    """Raise `ContractError`, which names the field and its rule, unless it is kept."""
    if not ok:
        raise ContractError(f"{name}: {rule}")


def check_text(value: object, *, name: str) -> None:
    """Raise `ContractError` unless a field is text."""
    require(ok=isinstance(value, str), name=name, rule="must be text")


def check_pattern(
    value: object, *, name: str, pattern: re.Pattern[str], rule: str
) -> None:
    """Raise `ContractError` unless a field is text that a pattern fits."""
    ok = isinstance(value, str) and pattern.match(value) is not None
    require(ok=ok, name=name, rule=rule)


def check_uuid(value: object, *, name: str) -> None:
    """Raise `ContractError` unless a field is a UUID as `str` writes it."""
    try:
        ok = isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        ok = False
    require(ok=ok, name=name, rule="must be a UUID in lower-case canonical form")


def read_fields(value: object, names: frozenset[str], *, name: str) -> dict[str, Any]:
    """Return a JSON object with exactly these fields, else raise `ContractError`."""
    if not isinstance(value, Mapping) or set(value) != names:
        raise ContractError(f"{name}: must have {', '.join(sorted(names))}")
    return dict(value)


def check_sha256(value: object, *, name: str) -> None:
    """Raise `ContractError` unless a field is a SHA-256 in lower-case hex."""
    check_pattern(
        value, name=name, pattern=_SHA256, rule="must be a SHA-256, 64 hex digits"
    )


def check_uid(value: object, *, name: str) -> None:
    """Raise `ContractError` unless a field is a DICOM UID (PS3.5 section 9.1)."""
    check_pattern(value, name=name, pattern=_UID, rule="must be a DICOM UID")
    require(ok=len(str(value)) <= 64, name=name, rule="must be a DICOM UID")


def is_number(value: object) -> bool:
    """Say whether a value is a finite number; a truth value is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def is_pair(value: object) -> bool:
    """Say whether a value is a tuple of two."""
    return isinstance(value, tuple) and len(value) == 2


def is_corner(value: object) -> bool:
    """Say whether a value is a tuple of two finite numbers, 0 or more."""
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    return all(is_number(part) and part >= 0 for part in value)


def check_share(value: object, *, name: str) -> None:
    """Raise `ContractError` unless a field is a number from 0 to 1."""
    ok = is_number(value) and isinstance(value, int | float) and 0 <= value <= 1
    require(ok=ok, name=name, rule="must be a number from 0 to 1")


def check_whole(value: object, *, name: str, low: int, high: int | None = None) -> None:
    """Raise `ContractError` unless a field is a whole number, `low` to `high`."""
    ok = isinstance(value, int) and not isinstance(value, bool) and value >= low
    if ok and high is not None and isinstance(value, int):
        ok = value <= high
    limit = f"from {low}" + (f" to {high}" if high is not None else "")
    require(ok=ok, name=name, rule=f"must be a whole number {limit}")


def check_type(value: object, kind: type, *, name: str) -> None:
    """Raise `ContractError` unless a field is None or an instance of `kind`."""
    ok = value is None or isinstance(value, kind)
    require(ok=ok, name=name, rule=f"must be a {kind.__name__}")


def check_url(value: object, *, name: str) -> None:
    """Raise `ContractError` unless a field is an http(s) address."""
    ok = isinstance(value, str) and value.startswith(("http://", "https://"))
    require(ok=ok, name=name, rule="must be an http(s) address")


def _check_json(value: object, *, name: str) -> None:
    """Check that a value is plain JSON with finite numbers and text keys."""
    if value is None or isinstance(value, str | bool) or is_number(value):
        return
    if isinstance(value, list | tuple):
        for part in value:
            _check_json(part, name=name)
        return
    if isinstance(value, Mapping):
        for key, part in value.items():
            require(ok=isinstance(key, str), name=name, rule="keys must be text")
            _check_json(part, name=name)
        return
    raise ContractError(f"{name}: must be plain JSON")


def check_object(value: object, *, name: str) -> None:
    """Raise `ContractError` unless a field is a plain JSON object."""
    require(ok=isinstance(value, Mapping), name=name, rule="must be a JSON object")
    _check_json(value, name=name)


def check_timings(value: object, *, name: str) -> None:
    """Raise `ContractError` unless a field is an object of seconds, 0 or more."""
    check_object(value, name=name)
    if isinstance(value, Mapping):
        ok = all(is_number(part) and part >= 0 for part in value.values())
        require(ok=ok, name=name, rule="must hold seconds, 0 or more")


def check_state(value: object, reason: object, *, allowed: frozenset[str]) -> None:
    """Raise `ContractError` unless a state is allowed, and a failure says why."""
    names = ", ".join(sorted(allowed))
    require(ok=value in allowed, name="state", rule=f"must be one of {names}")
    check_text(reason, name="reason")
    if value in {"failed", "rejected"}:
        require(ok=bool(reason), name="reason", rule="must say why")
