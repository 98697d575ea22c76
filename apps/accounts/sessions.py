"""Logging in and out, and what too many wrong passwords lead to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils.crypto import salted_hmac

from apps.accounts.models import LoginFailure, User
from apps.accounts.passwords import require_strong
from apps.accounts.selectors import actor_of, make_actor, request_ip
from apps.accounts.tokens import revoke_all_tokens
from apps.accounts.types import Actor
from apps.audit.events import Event, Outcome
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import DomainError, Invalid

if TYPE_CHECKING:
    from django.http import HttpRequest

WINDOW = timedelta(minutes=15)
"""How long a failure counts, and so how long a lock-out lasts."""
MAX_PER_PAIR = 5
"""Failures of one name from one address."""
MAX_PER_NAME = 20
"""Failures of one name from anywhere: guessing from many addresses."""
MAX_PER_ADDRESS = 50
"""Failures from one address with any names: a hospital may share one."""

TOKEN_KEY = "token:"  # noqa: S105
"""How the key of a failed API token begins; those are counted apart."""


class BadCredentials(DomainError):
    """No account has this name and password; the answer does not say which."""

    default_status = 401

    def __init__(self) -> None:
        """Say it in plain words."""
        super().__init__("bad_credentials", "The name or the password is wrong.")


class LockedOut(DomainError):
    """Too many failures; even the right password waits."""

    default_status = 429

    def __init__(self, retry_after_s: int) -> None:
        """Say how long to wait, in seconds and in words."""
        minutes = max(1, -(-retry_after_s // 60))
        super().__init__(
            "locked_out",
            f"Too many failed attempts. Try again in {minutes} min, or ask an admin.",
            retry_after_s=retry_after_s,
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try: the name's keyed hash, what is safe to record of it, the address."""

    name_key: str
    account: User | None
    source_ip: str | None

    def actor(self) -> Actor:
        """Return who is recorded: the account meant, or nobody known."""
        if self.account is not None:
            return make_actor(user=self.account, source_ip=self.source_ip)
        name = f"unknown:{self.name_key[:12]}"
        return Actor(kind="user", username=name, source_ip=self.source_ip)


def log_in(*, request: HttpRequest, username: str, password: str) -> Actor:
    """Start a session for the account, or say why not.

    The check, its record and the count are one transaction under a lock on the
    name, so that parallel guesses cannot outrun the count.

    Raises:
        BadCredentials: The name or the password is wrong.
        LockedOut: There were too many failures within the last 15 minutes.
    """
    attempt = _attempt(request, username)
    refusal: DomainError | None = None
    with transaction.atomic():
        lock_name(attempt.name_key)
        wait_s = _wait_s(attempt)
        user = (
            None
            if wait_s
            else auth.authenticate(request, username=username, password=password)
        )
        if wait_s:
            refusal = LockedOut(wait_s)
        elif not isinstance(user, User):
            refusal = _failed(attempt)
        else:
            LoginFailure.objects.filter(
                name_key=attempt.name_key, source_ip=attempt.source_ip
            ).delete()
            return _start(request, user)
    raise refusal


class WrongPassword(DomainError):
    """Who is logged in did not know the account's present password."""

    default_status = 400

    def __init__(self) -> None:
        """Say which field."""
        super().__init__(
            "wrong_password", "current: is not your present password.", field="current"
        )


def change_password(*, request: HttpRequest, current: str, new: str) -> Actor:
    """Give the account of this session another password; its other sessions end.

    Guesses at the present one count as failed logins do. Where somebody else had
    set the present one, tokens made meanwhile end too.

    Raises:
        WrongPassword: `current` is not the present password.
        LockedOut: There were too many failures within the last 15 minutes.
        Invalid: The new one is too weak, or the old one; the detail says why.
    """
    username = actor_of(request).username
    attempt = _attempt(request, username)
    refusal: DomainError | None = None
    with transaction.atomic():
        lock_name(attempt.name_key)
        user = User.objects.select_for_update().get(pk=actor_of(request).person_id)
        wait_s = _wait_s(attempt)
        if wait_s:
            refusal = LockedOut(wait_s)
        elif not user.check_password(current):
            _failed(attempt)
            refusal = WrongPassword()
        else:
            return _replace_own(request, user, new)
    raise refusal


def _replace_own(request: HttpRequest, user: User, new: str) -> Actor:
    if user.check_password(new):
        raise Invalid("invalid", "new: is the present password.", field="new")
    require_strong(new, user)
    was_temporary = user.password_is_temporary
    user.set_password(new)
    user.password_is_temporary = False
    user.save(update_fields=["password", "password_is_temporary", "updated_at"])
    actor = actor_of(request)
    record(
        actor=actor, event=Event.SESSION_PASSWORD, detail={"temporary": was_temporary}
    )
    if was_temporary:
        revoke_all_tokens(actor=actor, user_id=user.pk)
    auth.update_session_auth_hash(request, user)
    request.user = user
    _forget_actor(request)
    return actor_of(request)


def log_out(*, request: HttpRequest) -> None:
    """End the session; without one nothing happens."""
    if not request.user.is_authenticated:
        return
    with transaction.atomic():
        record(actor=actor_of(request), event=Event.SESSION_LOGOUT)
        auth.logout(request)
    _forget_actor(request)


def forget_ended_sessions() -> None:
    """Remove the rows of sessions that ran out; nobody can use them any more."""
    SessionStore.clear_expired()


def _attempt(request: HttpRequest, username: str) -> _Attempt:
    name = User.normalize_username(username)
    # Keyed, because people type their password into the wrong field.
    key = salted_hmac("overread.login", name.casefold(), algorithm="sha256").hexdigest()
    account = User.objects.filter(username=name).first()
    return _Attempt(name_key=key, account=account, source_ip=request_ip(request))


def lock_name(name_key: str) -> None:
    """Let one try of a name (its hash, hexadecimal) be counted at a time."""
    number = int.from_bytes(bytes.fromhex(name_key[:16]), "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _wait_s(attempt: _Attempt) -> int:
    """Return the seconds until the next try is looked at, 0 for now."""
    since = clock.now() - WINDOW
    recent = LoginFailure.objects.filter(at__gt=since).exclude(
        name_key__startswith=TOKEN_KEY
    )
    by_name, by_ip = Q(name_key=attempt.name_key), Q(source_ip=attempt.source_ip)
    limits = (
        (by_name & by_ip, MAX_PER_PAIR),
        (by_name, MAX_PER_NAME),
        (by_ip, MAX_PER_ADDRESS),
    )
    for which, most in limits:
        failures = recent.filter(which)
        if failures.count() >= most:
            last: Any = failures.aggregate(last=Max("at"))["last"]
            return max(1, int((last + WINDOW - clock.now()).total_seconds()))
    return 0


def _failed(attempt: _Attempt) -> DomainError:
    now = clock.now()
    LoginFailure.objects.filter(at__lte=now - WINDOW).delete()
    LoginFailure.objects.create(
        name_key=attempt.name_key, source_ip=attempt.source_ip, at=now
    )
    record(
        actor=attempt.actor(),
        event=Event.SESSION_LOGIN_FAILED,
        outcome=Outcome.MINOR_FAILURE,
    )
    wait_s = _wait_s(attempt)
    if wait_s:
        record(
            actor=attempt.actor(),
            event=Event.SESSION_LOCKED,
            outcome=Outcome.SERIOUS_FAILURE,
            detail={"retry_after_s": wait_s},
        )
    return BadCredentials()


def _start(request: HttpRequest, user: User) -> Actor:
    log_out(request=request)
    auth.login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    if request.session.session_key is None:
        request.session.create()
    _forget_actor(request)
    actor = actor_of(request)
    record(actor=actor, event=Event.SESSION_LOGIN)
    return actor


def _forget_actor(request: HttpRequest) -> None:
    if hasattr(request, "overread_actor"):
        del request.overread_actor
