"""What the portal asks of a worker about segments, and what it answers.

As `workers.contracts`: frozen, valid once they exist, plain JSON on the queue; ids,
hashes and a scoped token only. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from workers.contract_checks import check_uuid, require
from workers.contracts import VERSION, read_message

TASK_INTERPOLATE: Final = "workers.interpolate"
TASK_ACCEPT_INTERPOLATION: Final = "workflow.accept_interpolation"
STATES: Final = frozenset({"done", "failed"})

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_slices(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    return all(
        _is_text(key) and _is_text(sha256) and _SHA256.match(sha256)
        for key, sha256 in value.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpolateRequest:
    """Fill the images between those that a segment was drawn on.

    Attributes:
        job_id: UUID of the request; what is asked is fetched from the portal.
        revision_id: UUID of the study revision.
        token: Bearer token of the machine API; never logged.
        portal_url: Where the machine API is.
    """

    job_id: str
    revision_id: str
    token: str = field(repr=False)
    portal_url: str

    def __post_init__(self) -> None:
        """Check every field."""
        check_uuid(self.job_id, name="job_id")
        check_uuid(self.revision_id, name="revision_id")
        require(ok=isinstance(self.token, str), name="token", rule="must be text")
        ok = _is_text(self.portal_url) and self.portal_url.startswith("http")
        require(ok=ok, name="portal_url", rule="must be an http(s) address")

    def to_message(self) -> dict[str, Any]:
        """Return the plain JSON object."""
        return {
            "version": VERSION,
            "job_id": self.job_id,
            "revision_id": self.revision_id,
            "token": self.token,
            "portal_url": self.portal_url,
        }

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Read and check a JSON object.

        Raises:
            ContractError: It does not keep to the contract.
        """
        names = frozenset({"job_id", "revision_id", "token", "portal_url"})
        return cls(**read_message(message, names))


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpolateResult:
    """The answer to an `InterpolateRequest`.

    Attributes:
        job_id: As asked.
        state: `done` or `failed`.
        reason: Why it failed, in plain words; empty when done.
        slices: The new label maps by image, stored at the portal; none when failed.
    """

    job_id: str
    state: str
    reason: str = ""
    slices: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every field."""
        check_uuid(self.job_id, name="job_id")
        require(ok=self.state in STATES, name="state", rule="must be done or failed")
        ok = _is_text(self.reason) and bool(self.reason) == (self.state == "failed")
        require(ok=ok, name="reason", rule="must say why it failed")
        ok = _is_slices(self.slices) and (self.state == "done" or not self.slices)
        require(ok=ok, name="slices", rule="must be SHA-256 by image, when done")

    def to_message(self) -> dict[str, Any]:
        """Return the plain JSON object."""
        return {
            "version": VERSION,
            "job_id": self.job_id,
            "state": self.state,
            "reason": self.reason,
            "slices": dict(self.slices),
        }

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Read and check a JSON object.

        Raises:
            ContractError: It does not keep to the contract.
        """
        names = frozenset({"job_id", "state", "reason", "slices"})
        return cls(**read_message(message, names))
