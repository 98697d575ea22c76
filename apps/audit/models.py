"""The append-only audit log, and the seals on it."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.audit.events import Event, Outcome

_FIXED = "An audit record is written once: it is neither changed nor deleted."

APPEND_ONLY_TABLES = ("audit_auditrecord", "audit_auditseal")
"""Tables on which the application role may only SELECT and INSERT."""


class AuditRecordQuerySet(models.QuerySet["AuditRecord"]):
    """Reads and nothing else; the database refuses the rest as well."""

    def update(self, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        """Refuse."""
        raise TypeError(_FIXED)

    def delete(self) -> NoReturn:
        """Refuse."""
        raise TypeError(_FIXED)


class AuditRecord(models.Model):
    """Who did what to whose data, when, from where, with what outcome.

    Names and roles are copied as they were at that moment: the record stands even
    when the account is renamed or gone, so nothing here is a foreign key.
    `actor_sites` are the sites that the actor belonged to; for an event of no site
    (a login) they decide whose admins may see it. `as_superuser` marks that the
    actor passed every permission check by being a superuser.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    event = models.CharField(max_length=48, choices=[(e.value, e.value) for e in Event])
    outcome = models.PositiveSmallIntegerField(
        choices=[(o.value, o.name.lower()) for o in Outcome], default=Outcome.SUCCESS
    )
    actor_kind = models.CharField(max_length=8)
    actor_id = models.UUIDField(null=True, db_index=True)
    actor_name = models.CharField(max_length=150)
    actor_roles = ArrayField(models.CharField(max_length=16), default=list)
    actor_sites = ArrayField(models.UUIDField(), default=list)
    as_superuser = models.BooleanField(default=False)
    session_hash = models.CharField(max_length=64, blank=True, default="")
    source_ip = models.GenericIPAddressField(null=True)
    site_id = models.UUIDField(null=True)
    patients = ArrayField(models.UUIDField(), default=list)
    studies = ArrayField(models.UUIDField(), default=list)
    object_kind = models.CharField(max_length=32, blank=True, default="")
    object_id = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)

    objects: ClassVar[models.Manager[Self]] = models.Manager.from_queryset(
        AuditRecordQuerySet
    )()

    class Meta:
        """Indexes for the page and for "who saw this patient"."""

        indexes: ClassVar = [
            models.Index(fields=["site_id", "-id"], name="audit_site_newest"),
            models.Index(fields=["event", "-id"], name="audit_event_newest"),
            GinIndex(fields=["patients"], name="audit_patients"),
            GinIndex(fields=["studies"], name="audit_studies"),
        ]

    def __str__(self) -> str:
        """Return number and event."""
        return f"{self.id} {self.event}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a record that exists is refused."""
        if not self._state.adding:
            raise TypeError(_FIXED)
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        """Refuse."""
        raise TypeError(_FIXED)


class AuditSeal(models.Model):
    """A signed digest of the records that came since the seal before it.

    Triggers and rights keep the application from changing the log; a seal shows
    what somebody did who has power over the database itself. Seals are numbered
    from 1 without a gap, cover every id from the first to their last, and each
    holds the digest of the one before.
    """

    id = models.BigAutoField(primary_key=True)
    number = models.PositiveBigIntegerField(unique=True)
    sealed_at = models.DateTimeField()
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField(unique=True)
    n_records = models.PositiveIntegerField()
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    signature = models.CharField(max_length=88)

    def __str__(self) -> str:
        """Return number and range."""
        return f"{self.number}: {self.first_id} to {self.last_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a seal that exists is refused."""
        if not self._state.adding:
            raise TypeError(_FIXED)
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002
        """Refuse."""
        raise TypeError(_FIXED)
