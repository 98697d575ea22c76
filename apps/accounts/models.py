"""Tables of accounts, sites, and who is what where."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from apps.accounts.roles import Role as Role
from apps.core.models import BaseModel

_FRACTION = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Site(BaseModel):
    """A department whose people see its own studies, and how its list is ordered.

    Deadlines are seconds from arrival. `base_rate` stands in for the AI's
    probability where there is none. The weights say how much a certain positive of
    each acuity shortens the allowance (0 not at all, 1 fully).
    """

    name = models.CharField(max_length=120, unique=True)
    code = models.SlugField(max_length=32, unique=True)
    stat_deadline_s = models.PositiveIntegerField(default=1800)
    priority_deadline_s = models.PositiveIntegerField(default=7200)
    routine_deadline_s = models.PositiveIntegerField(default=28800)
    base_rate = models.FloatField(default=0.1, validators=_FRACTION)
    stat_in_a_row = models.PositiveSmallIntegerField(default=3)
    ai_ordering = models.BooleanField(default=True)
    critical_weight = models.FloatField(default=1.0, validators=_FRACTION)
    urgent_weight = models.FloatField(default=0.7, validators=_FRACTION)
    routine_weight = models.FloatField(default=0.3, validators=_FRACTION)

    class Meta:
        """Alphabetical; deadlines in order, fractions in 0–1."""

        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(stat_deadline_s__lte=models.F("priority_deadline_s"))
                & models.Q(priority_deadline_s__lte=models.F("routine_deadline_s")),
                name="site_deadlines_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(base_rate__range=(0.0, 1.0))
                & models.Q(critical_weight__range=(0.0, 1.0))
                & models.Q(urgent_weight__range=(0.0, 1.0))
                & models.Q(routine_weight__range=(0.0, 1.0)),
                name="site_fractions",
            ),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes accounts; the services call it."""

    def create_user(
        self, username: str, password: str | None = None, **fields: Any
    ) -> User:
        """Create an account; without a password nobody can log in to it."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str, **fields: Any) -> User:
        """Create an account that passes every permission check."""
        return self.create_user(username, password, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person's or a service's account.

    While `password_is_temporary`, somebody else knows the password: whoever logs in
    with it may do nothing but choose one of their own (`make_actor`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=150, unique=True)
    display_name = models.CharField(max_length=150)
    email = models.EmailField(blank=True, default="")
    is_active = models.BooleanField(default=True)
    password_is_temporary = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name"]

    class Meta:
        """Alphabetical."""

        ordering: ClassVar = ["username"]

    def __str__(self) -> str:
        """Return the login name."""
        return self.username

    @property
    def initials(self) -> str:
        """One to three capitals: of the words' first letters, titles left out."""
        words = [w for w in self.display_name.split() if not w.endswith(".")]
        letters = [word[0].upper() for word in words if word[0].isalpha()]
        return "".join(letters[:3]) or self.username[:2].upper()


class Membership(BaseModel):
    """An account is something at a site."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    site = models.ForeignKey(Site, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)

    class Meta:
        """Each role once."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "site", "role"], name="membership_once"
            )
        ]

    def __str__(self) -> str:
        """Return the role."""
        return self.role


class LoginFailure(models.Model):
    """One failed login, kept for the length of the lock-out.

    `name_key` is a keyed hash of the name that was typed: people type passwords
    into the wrong field.
    """

    id = models.BigAutoField(primary_key=True)
    name_key = models.CharField(max_length=64)
    source_ip = models.GenericIPAddressField(null=True)
    at = models.DateTimeField()

    class Meta:
        """Indexes for the three counts."""

        indexes: ClassVar = [
            models.Index(fields=["name_key", "at"], name="failure_by_name"),
            models.Index(fields=["source_ip", "at"], name="failure_by_ip"),
        ]

    def __str__(self) -> str:
        """Return the moment."""
        return self.at.isoformat()


class ApiToken(BaseModel):
    """A key with which a person's program asks in that person's name.

    The key itself is shown once and not kept: `secret_hash` is its SHA-256, `hint`
    its first letters, by which its owner recognises it. It never allows more than
    its owner may, and dies with the account.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    hint = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=8))
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Hotkeys(BaseModel):
    """The keys of the browser's commands that a person changed."""

    user = models.OneToOneField(User, models.CASCADE, related_name="hotkeys")
    keys = models.JSONField(default=dict)

    def __str__(self) -> str:
        """Return whose they are."""
        return str(self.user_id)
