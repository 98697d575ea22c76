"""Scoped tokens by which workers reach the machine API, and nothing else.

A token names one request, one study revision, the verbs it may use and its
end. It says nothing of a patient and cannot be widened: it is signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.core import signing

from apps.core.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable

_SALT = "overread.machine"
# As long as a request may wait: workers that were away for a night find theirs valid.
LIFETIME_S = 24 * 3600

READ_INSTANCES = "instances:read"
READ_MODEL = "model:read"
WRITE_ARTEFACT = "artefact:write"
INTERPOLATE = "segments:interpolate"
COMPARE = "comparison:work"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineScope:
    """What one worker request may do."""

    request_id: str
    revision_id: UUID
    verbs: frozenset[str]

    def require(self, *, verb: str, revision_id: UUID | None = None) -> None:
        """Raise `Forbidden` unless the scope covers the verb and the revision."""
        if verb not in self.verbs:
            raise Forbidden("forbidden", f"This token does not allow {verb}.")
        if revision_id is not None and revision_id != self.revision_id:
            raise Forbidden("forbidden", "This token is for another study revision.")


def issue_token(*, request_id: str, revision_id: UUID, verbs: Iterable[str]) -> str:
    """Return a signed token for one worker request."""
    return signing.dumps(
        {"rid": request_id, "revision": str(revision_id), "verbs": sorted(verbs)},
        salt=_SALT,
    )


def read_token(*, token: str) -> MachineScope:
    """Return the scope of a token.

    Raises:
        Forbidden: The token is forged, broken or has ended.
    """
    try:
        body = signing.loads(token, salt=_SALT, max_age=LIFETIME_S)
    except signing.SignatureExpired as error:
        raise Forbidden("token_expired", "This worker token has ended.") from error
    except signing.BadSignature as error:
        raise Forbidden("bad_token", "This is not a worker token.") from error
    return MachineScope(
        request_id=body["rid"],
        revision_id=UUID(body["revision"]),
        verbs=frozenset(body["verbs"]),
    )
