"""What the input gate said of a run, for people. Pure; older records are read too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_WORSE: Final = {"failed": 0, "noted": 1, "passed": 2}


def input_quality(quality: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the gate's verdict and checks, the worst first; None when it said nothing.

    Of several pictures each check is told once, as it went worst.

    Args:
        quality: `InferenceRun.quality`.
    """
    worst: dict[str, dict[str, Any]] = {}
    for check in _checks(quality):
        name = str(check.get("name", ""))
        if check.get("outcome") not in _WORSE or not name:
            continue
        seen = worst.get(name)
        if seen is None or _WORSE[check["outcome"]] < _WORSE[seen["outcome"]]:
            worst[name] = _plain(check)
    if not worst:
        return None
    checks = sorted(worst.values(), key=lambda one: _WORSE[one["outcome"]])
    return {"verdict": str(quality.get("verdict", "")), "checks": checks}


def _checks(quality: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    images = quality.get("images")
    for part in (quality, *(images if isinstance(images, list) else [])):
        found = part.get("checks") if isinstance(part, Mapping) else None
        if isinstance(found, list):
            yield from (check for check in found if isinstance(check, Mapping))


def _plain(check: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": str(check["name"]),
        "outcome": str(check["outcome"]),
        "words": str(check.get("words", "")),
        "value": check.get("value"),
        "limit": check.get("limit"),
        "unit": str(check.get("unit", "")),
    }
