"""What can go wrong in the domain, in words that a person can act upon.

Services raise these; `apps.core.api.handle_error` turns them into
`{"code", "detail", ...extra}` with the status. They know nothing of HTTP but
the number.
"""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A refusal with a machine-readable code and plain words.

    Attributes:
        code: Stable, snake_case; what a program decides on.
        detail: One or two sentences: what happened and what to do.
        status: The HTTP status that fits.
        extra: Further JSON-ready members of the answer.
    """

    default_status = 400

    def __init__(
        self, code: str, detail: str, status: int | None = None, **extra: Any
    ) -> None:
        """Keep the parts; `status` defaults to the class's."""
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = self.default_status if status is None else status
        self.extra = extra


class Invalid(DomainError):
    """The request makes no sense as it is."""

    default_status = 400


class Forbidden(DomainError):
    """Known, but not allowed to this person."""

    default_status = 403


class NotFound(DomainError):
    """Unknown, or not yours: the answer does not say which."""

    default_status = 404


class Gone(DomainError):
    """It was here, and it is here no longer."""

    default_status = 410


class Conflict(DomainError):
    """Somebody or something else got there first."""

    default_status = 409


class PreconditionFailed(DomainError):
    """`If-Match` names a version that is no longer the present one."""

    default_status = 412


class PreconditionRequired(DomainError):
    """A save must say which version it was made from (`If-Match`)."""

    default_status = 428


class Unavailable(DomainError):
    """A part that this needs is down; trying again later is right."""

    default_status = 503
