"""What the portal asks of a worker about an earlier study, and what it answers.

As `workers.contracts`: frozen, valid once they exist, plain JSON on the queue; ids,
hashes and scoped tokens only. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from workers.contract_checks import ContractError, check_uuid, read_fields, require
from workers.contracts import VERSION, read_message

TASK_COMPARE: Final = "workers.compare"
TASK_ACCEPT_COMPARISON: Final = "workflow.accept_comparison"
STATES: Final = frozenset({"done", "incomparable", "failed"})
MOST_LESIONS: Final = 1000
REGISTRATION: Final = frozenset(
    {"overlap", "correlation", "inconsistency_mm", "turn_degrees", "shift_mm"}
)
_REQUEST: Final = (
    *("comparison_id", "revision_id", "prior_revision_id"),
    *("token", "prior_token", "portal_url"),
)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _is_text(value: object, *, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most


def _is_place(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_numbers(value: object, names: frozenset[str]) -> bool:
    if not isinstance(value, Mapping) or set(value) != names:
        return False
    return all(_is_number(one) for one in value.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRequest:
    """Compare what a model marked on a study with what it marked on an earlier one.

    Attributes:
        comparison_id: UUID; which series and masks is fetched from the portal.
        revision_id: UUID of the study revision.
        prior_revision_id: UUID of the earlier study's.
        token: Bearer token of the machine API for the study; never logged.
        prior_token: The same for the earlier study.
        portal_url: Where the machine API is.
    """

    comparison_id: str
    revision_id: str
    prior_revision_id: str
    token: str = field(repr=False)
    prior_token: str = field(repr=False)
    portal_url: str

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("comparison_id", "revision_id", "prior_revision_id"):
            check_uuid(getattr(self, name), name=name)
        for name in ("token", "prior_token"):
            ok = isinstance(getattr(self, name), str)
            require(ok=ok, name=name, rule="must be text")
        ok = _is_text(self.portal_url, most=400) and self.portal_url.startswith("http")
        require(ok=ok, name="portal_url", rule="must be an http(s) address")

    def to_message(self) -> dict[str, Any]:
        """Return the plain JSON object."""
        return {"version": VERSION, **{name: getattr(self, name) for name in _REQUEST}}

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Read and check a JSON object.

        Raises:
            ContractError: It does not keep to the contract.
        """
        return cls(**read_message(message, frozenset(_REQUEST)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place on an image: column and row in pixels, DICOM's convention."""

    sop_uid: str
    column: float
    row: float

    def __post_init__(self) -> None:
        """Check every field."""
        ok = _is_text(self.sop_uid, most=64) and self.sop_uid != ""
        require(ok=ok, name="sop_uid", rule="must be a DICOM UID")
        for name in ("column", "row"):
            ok = _is_number(getattr(self, name))
            require(ok=ok, name=name, rule="must be a number")

    @classmethod
    def of(cls, value: object) -> Self | None:
        """Read a JSON object, or None."""
        if value is None:
            return None
        return cls(
            **read_fields(value, frozenset({"sop_uid", "column", "row"}), name="at")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a lesion is."""

    volume_ml: float
    diameter_mm: float

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("volume_ml", "diameter_mm"):
            value = getattr(self, name)
            ok = _is_number(value) and value > 0
            require(ok=ok, name=name, rule="must be a number above 0")

    @classmethod
    def of(cls, value: object) -> Self | None:
        """Read a JSON object, or None."""
        if value is None:
            return None
        names = frozenset({"volume_ml", "diameter_mm"})
        return cls(**read_fields(value, names, name="size"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionPair:
    """A lesion now and then; one of both may be missing.

    Attributes:
        label_code: Of the model's label.
        now_number: Its place among those of the study, 1 the largest; None when gone.
        then_number: The same of the earlier study; None when it is new.
        now: Its size now; None when it has gone.
        then: Its size then; None when it is new.
        now_at: Where it is now, or where it was, on an image of the study.
        then_at: Where it was, or where it would have been, on one of the earlier.
    """

    label_code: str
    now_number: int | None
    then_number: int | None
    now: Size | None
    then: Size | None
    now_at: Spot | None
    then_at: Spot | None

    def __post_init__(self) -> None:
        """Check every field."""
        ok = _is_text(self.label_code, most=32) and self.label_code != ""
        require(ok=ok, name="label_code", rule="must be a code")
        ok = self.now is not None or self.then is not None
        require(ok=ok, name="lesion", rule="must be there now or then")
        sizes = ((self.now_number, self.now), (self.then_number, self.then))
        for number, size in sizes:
            ok = (number is None) == (size is None)
            ok = ok and (number is None or _is_place(number))
            require(ok=ok, name="number", rule="must be there with its size")

    @classmethod
    def of(cls, value: object) -> Self:
        """Read a JSON object."""
        names = ("label_code", "now_number", "then_number", "now", "then")
        body = read_fields(
            value, frozenset({*names, "now_at", "then_at"}), name="lesion"
        )
        return cls(
            label_code=body["label_code"],
            now_number=body["now_number"],
            then_number=body["then_number"],
            now=Size.of(body["now"]),
            then=Size.of(body["then"]),
            now_at=Spot.of(body["now_at"]),
            then_at=Spot.of(body["then_at"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareResult:
    """The answer to a `CompareRequest`.

    Attributes:
        comparison_id: As asked.
        state: `done`, `incomparable` or `failed`.
        reason: Why not, in plain words; empty when done.
        registration: Numbers of how the studies lie over each other; {} unless done.
        lesions: What the model marked, now and then, one to one.
    """

    comparison_id: str
    state: str
    reason: str = ""
    registration: Mapping[str, float] = field(default_factory=dict)
    lesions: tuple[LesionPair, ...] = ()

    def __post_init__(self) -> None:
        """Check every field."""
        check_uuid(self.comparison_id, name="comparison_id")
        done = self.state == "done"
        ok = self.state in STATES
        require(ok=ok, name="state", rule="must be done, incomparable or failed")
        ok = _is_text(self.reason, most=4000) and bool(self.reason) != done
        require(ok=ok, name="reason", rule="must say why, unless done")
        ok = len(self.lesions) <= MOST_LESIONS and (done or not self.lesions)
        require(ok=ok, name="lesions", rule="must be few, and none unless done")
        ok = _are_numbers(self.registration, REGISTRATION if done else frozenset())
        require(ok=ok, name="registration", rule="must be its numbers, when done")

    def to_message(self) -> dict[str, Any]:
        """Return the plain JSON object."""
        return {
            "version": VERSION,
            "comparison_id": self.comparison_id,
            "state": self.state,
            "reason": self.reason,
            "registration": dict(self.registration),
            "lesions": [asdict(lesion) for lesion in self.lesions],
        }

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Read and check a JSON object.

        Raises:
            ContractError: It does not keep to the contract.
        """
        names = ("comparison_id", "state", "reason", "registration", "lesions")
        body = read_message(message, frozenset(names))
        if not isinstance(body["lesions"], list):
            raise ContractError("lesions: must be a list")
        lesions = tuple(LesionPair.of(one) for one in body.pop("lesions"))
        return cls(**body, lesions=lesions)
