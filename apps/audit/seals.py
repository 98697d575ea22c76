"""Seals on the audit log: signed digests that show what a database's owner changed.

Every few minutes the records that came since are put into one SHA-256 together with
the seal before, and signed with Ed25519 (RFC 8032) by a key that is a file of the
portal's and never in the database. Whoever then changes, removes or slips in a
record, or a seal, is seen by a check; whoever removes the newest seals with their
records is seen by the list of seals that is kept in a file (and in the portal's log)
beside the database.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Sum

from apps.audit.events import Event, Outcome
from apps.audit.models import AuditRecord, AuditSeal
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Unavailable
from apps.core.files import replace_durably
from apps.core.queue import enqueue
from apps.core.steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apps.core.types import ActorLike

log = logging.getLogger(__name__)

MAX_RECORDS: Final = 10_000
"""Records under one seal: how closely a check says where something is wrong."""
QUIET: Final = timedelta(seconds=30)
"""A record is this old before it is considered; see `_settled`."""
CHECK_EVERY: Final = timedelta(days=1)
MAX_PROBLEMS: Final = 20
"""Problems that a check names; it counts the others."""
_HORIZON = "audit:horizon"
_CHUNK = 2_000
_END = 1 << 16
_FIELDS = (
    "id",
    "at",
    "event",
    "outcome",
    "actor_kind",
    "actor_id",
    "actor_name",
    "actor_roles",
    "actor_sites",
    "as_superuser",
    "session_hash",
    "source_ip",
    "site_id",
    "patients",
    "studies",
    "object_kind",
    "object_id",
    "detail",
)


# --- sealing


def seal_audit() -> int:
    """Seal what is settled; meant to be called every minute or so.

    Returns:
        How many records were sealed.

    Raises:
        Unavailable: Seals exist but the key that signed them is gone.
    """
    through = _settled()
    sealed = 0 if through is None else seal_through(last_id=through)
    _keep_apart()
    return sealed


def _settled() -> int | None:
    """Return an id up to which no record can come any more, if one is known.

    Ids are given at insertion and seen at commit, so a lower one may still come. At
    one call the newest record of at least `QUIET` is noted with the number that the
    next transaction gets; once every transaction below that number has ended, all
    up to the record are there or never will be. What is noted is only a hint in the
    cache: when it is lost, a seal comes a call later.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint,"
            " pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() AS s"
        )
        oldest_running, next_one = cursor.fetchone()
    noted = cache.get(_HORIZON)
    if noted is not None and oldest_running < noted["before"]:
        return None
    old = AuditRecord.objects.filter(at__lt=clock.now() - QUIET)
    newest = old.aggregate(id=Max("id"))["id"]
    if newest is not None:
        cache.set(_HORIZON, {"id": newest, "before": next_one}, timeout=3600)
    return noted["id"] if noted is not None else None


def seal_through(*, last_id: int) -> int:
    """Seal all records up to an id, `MAX_RECORDS` to a seal; return how many.

    Args:
        last_id: No record with this id or a lower one may still come.
    """
    sealed = 0
    while True:
        try:
            n = _seal_once(last_id=last_id)
        except IntegrityError:
            return sealed  # another process sealed the same records
        if n == 0:
            return sealed
        sealed += n


@transaction.atomic
def _seal_once(*, last_id: int) -> int:
    before = AuditSeal.objects.order_by("-number").first()
    after_id = before.last_id if before else 0
    ids = AuditRecord.objects.filter(id__gt=after_id, id__lte=last_id).order_by("id")
    taken = list(ids.values_list("id", flat=True)[:MAX_RECORDS])
    if not taken:
        return 0
    made = AuditSeal(
        number=before.number + 1 if before else 1,
        sealed_at=clock.now(),
        first_id=after_id + 1,
        last_id=taken[-1],
        previous=before.digest if before else "",
    )
    made.n_records, made.digest = _digest(made)
    made.signature = _text(_private_key(fresh=before is None).sign(_signed(made)))
    made.save()
    return made.n_records


def _digest(seal: AuditSeal) -> tuple[int, str]:
    """Return how many records are in a seal's range, and the digest of all."""
    running = hashlib.sha256(f"{seal.number}\n{seal.previous}\n".encode("ascii"))
    n = 0
    inside = AuditRecord.objects.filter(id__gte=seal.first_id, id__lte=seal.last_id)
    rows = inside.order_by("id").values_list(*_FIELDS)
    for row in rows.iterator(chunk_size=_CHUNK):
        running.update(canonical(row))
        n += 1
    return n, running.hexdigest()


def canonical(row: tuple[Any, ...]) -> bytes:
    """Return the bytes of one record that go into the digest: one line of JSON."""
    content = json.dumps(
        [_plain(value) for value in row],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return content.encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _signed(seal: AuditSeal) -> bytes:
    """Return what the signature is of."""
    said = [
        "overread audit seal 1",
        seal.number,
        _plain(seal.sealed_at),
        seal.first_id,
        seal.last_id,
        seal.n_records,
        seal.previous,
        seal.digest,
    ]
    return json.dumps(said).encode("ascii")


# --- the key, and the list beside the database


def _private_key(*, fresh: bool) -> Ed25519PrivateKey:
    """Return the key; made once, before the first seal."""
    path = Path(settings.AUDIT_KEY_FILE)
    if not path.exists():
        if not fresh:
            raise Unavailable(
                "no_seal_key",
                f"The key that seals the audit log is gone ({path.name}): restore it."
                " Records are still written; they wait for their seal.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Ed25519PrivateKey.generate().private_bytes_raw()
        replace_durably(path, f"{_text(made)}\n".encode())
    return Ed25519PrivateKey.from_private_bytes(
        base64.b64decode(path.read_text("ascii").strip(), validate=True)
    )


def _keep_apart() -> None:
    """Add to the list beside the database the seals that are not on it."""
    path = Path(settings.AUDIT_SEALS_FILE)
    end = _end_of(path)
    last = max((line.number for line in _seals_in(end.splitlines())), default=0)
    fresh = list(AuditSeal.objects.filter(number__gt=last).order_by("number"))
    if not fresh:
        return
    lines = "".join(
        json.dumps(
            {
                "number": seal.number,
                "sealed_at": _plain(seal.sealed_at),
                "last_id": seal.last_id,
                "n_records": seal.n_records,
                "digest": seal.digest,
                "signature": seal.signature,
            }
        )
        + "\n"
        for seal in fresh
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_off = bool(end) and not end.endswith("\n")
    with path.open("a", encoding="ascii") as file:
        file.write("\n" * cut_off + lines)
        file.flush()
        os.fsync(file.fileno())
    for seal in fresh:
        log.info("Audit seal %s through %s: %s", seal.number, seal.last_id, seal.digest)


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of the list beside the database."""

    number: int
    last_id: int
    digest: str


def _kept(path: Path) -> list[Kept]:
    """Read the list; a line that was cut off by a crash is passed over."""
    if not path.exists():
        return []
    with path.open(encoding="ascii", errors="replace") as file:
        return list(_seals_in(file))


def _end_of(path: Path) -> str:
    """Return the last lines of the list, which grows by one a minute for years."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END))
        text = file.read().decode("ascii", errors="replace")
    return text if size <= _END else text.partition("\n")[2]


def _seals_in(lines: Iterable[str]) -> Iterator[Kept]:
    for line in lines:
        try:
            said = json.loads(line)
            one = Kept(int(said["number"]), int(said["last_id"]), said["digest"])
        except (ValueError, KeyError, TypeError):
            log.warning("The list of seals has a line that is no seal.")
            continue
        yield one


# --- checking, and what is known


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was changed after it was sealed.

    Attributes:
        seal: The number of the seal.
        first_id: The range of records that it covers; 0 where it is not known.
        last_id: See there.
        what: `changed`, `removed` or `added` (records), `seal_changed` (or signed
            by another key), `seal_removed`.
        n: How many records too few or too many; 0 where that is not the question.
    """

    seal: int
    first_id: int
    last_id: int
    what: str
    n: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it as the record of the check keeps it."""
        return {
            "seal": self.seal,
            "first_id": self.first_id,
            "last_id": self.last_id,
            "what": self.what,
            "n": self.n,
        }


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found: what was compared, and what does not agree."""

    seals: int
    records: int
    problems: tuple[Problem, ...]

    @property
    def intact(self) -> bool:
        """True when nothing was changed since it was sealed."""
        return not self.problems


def check_audit(*, actor: ActorLike, seals_file: Path | None = None) -> Check:
    """Compare all sealed records with their seals, and put the result on record.

    Args:
        actor: Who had it checked.
        seals_file: A list of seals that was kept elsewhere; the portal's own when
            none is given.

    Raises:
        Unavailable: There are seals, but the key is gone.
    """
    kept = _kept(seals_file or Path(settings.AUDIT_SEALS_FILE))
    found = list(_problems(kept, key=_public_key()))
    last = AuditSeal.objects.order_by("-number").first()
    check = Check(
        seals=AuditSeal.objects.count(),
        records=AuditRecord.objects.filter(id__lte=last.last_id).count() if last else 0,
        problems=tuple(found),
    )
    record(
        actor=actor,
        event=Event.AUDIT_CHECK,
        outcome=Outcome.SUCCESS if check.intact else Outcome.MAJOR_FAILURE,
        detail={
            "intact": check.intact,
            "seals": check.seals,
            "records": check.records,
            "n_problems": len(found),
            "problems": [one.as_json() for one in found[:MAX_PROBLEMS]],
        },
    )
    if not check.intact:
        log.error("The audit log was changed after it was sealed: %s", found[0])
    return check


def check_audit_when_due(*, actor: ActorLike) -> Check | None:
    """Check once a day; None when the last check is newer than that."""
    last = AuditRecord.objects.filter(
        event=Event.AUDIT_CHECK.value, at__gt=clock.now() - CHECK_EVERY
    )
    if last.exists() or not AuditSeal.objects.exists():
        return None
    return check_audit(actor=actor)


def _problems(kept: list[Kept], *, key: Ed25519PublicKey | None) -> Iterator[Problem]:
    by_number = {line.number: line for line in kept}
    seals = AuditSeal.objects.order_by("number")
    number, last_id, digest = 0, 0, ""
    for seal in seals.iterator(chunk_size=_CHUNK):
        for gone in range(number + 1, seal.number):
            yield Problem(gone, last_id + 1, seal.first_id - 1, "seal_removed")
        linked = seal.number > number + 1 or (
            seal.previous == digest and seal.first_id == last_id + 1
        )
        line = by_number.pop(seal.number, None)
        agrees = line is None or (line.digest, line.last_id) == (
            seal.digest,
            seal.last_id,
        )
        span = (seal.number, seal.first_id, seal.last_id)
        if not (linked and agrees and _signature_holds(seal, key)):
            yield Problem(*span, "seal_changed")
        else:
            yield from _records_of(seal)
        number, last_id, digest = seal.number, seal.last_id, seal.digest
    for line in sorted(by_number.values(), key=lambda one: one.number):
        if line.number > number:
            yield Problem(line.number, last_id + 1, line.last_id, "seal_removed")


def _public_key() -> Ed25519PublicKey | None:
    """Return the key that seals are checked with; None before the first seal."""
    if not AuditSeal.objects.exists():
        return None
    return _private_key(fresh=False).public_key()


def _signature_holds(seal: AuditSeal, key: Ed25519PublicKey | None) -> bool:
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(seal.signature, validate=True), _signed(seal))
    except (InvalidSignature, ValueError):
        return False
    return True


def _records_of(seal: AuditSeal) -> Iterator[Problem]:
    n, digest = _digest(seal)
    if (n, digest) == (seal.n_records, seal.digest):
        return
    what = "changed"
    if n != seal.n_records:
        what = "removed" if n < seal.n_records else "added"
    missing = abs(n - seal.n_records)
    yield Problem(seal.number, seal.first_id, seal.last_id, what, missing)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


@dataclass(frozen=True, slots=True)
class Seals:
    """How far the log is sealed, and what the last check said.

    Attributes:
        seals: How many there are.
        records: How many records they cover.
        sealed_at: When the newest was made.
        waiting: How many records wait for their seal.
        public_key: The half of the key that checks, 32 bytes in base64: kept
            elsewhere, with a copy of the list, it lets anybody check. None when the
            key is not there.
        checked_at: When the last check ended.
        found: What it put on record (see `check_audit`).
    """

    seals: int
    records: int
    sealed_at: datetime | None
    waiting: int
    public_key: str | None
    checked_at: datetime | None
    found: dict[str, Any] | None


def read_seals() -> Seals:
    """Return the state of the seals; nothing of it is about a patient."""
    last = AuditSeal.objects.order_by("-number").first()
    covered = AuditSeal.objects.aggregate(n=Sum("n_records"))["n"]
    after = AuditRecord.objects.filter(id__gt=last.last_id if last else 0)
    check = (
        AuditRecord.objects.filter(event=Event.AUDIT_CHECK.value)
        .order_by("-id")
        .first()
    )
    key = _public_key() if Path(settings.AUDIT_KEY_FILE).exists() else None
    return Seals(
        seals=last.number if last else 0,
        records=covered or 0,
        sealed_at=last.sealed_at if last else None,
        waiting=after.count(),
        public_key=_text(key.public_bytes_raw()) if key else None,
        checked_at=check.at if check else None,
        found=check.detail if check else None,
    )


@transaction.atomic
def request_check(*, actor: ActorLike) -> None:
    """Have the log checked now, by a worker; its result comes on record."""
    record(actor=actor, event=Event.AUDIT_CHECK_REQUEST)
    enqueue(Step.CHECK_AUDIT, now=True)
