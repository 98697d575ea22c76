"""Tables that belong to no part of the domain."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class BaseModel(models.Model):
    """An id of ours that may appear in a URL, and two times."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """No table of its own."""

        abstract = True


class SiteSequence(models.Model):
    """The last number given to a change at a site."""

    site_id = models.UUIDField(primary_key=True)
    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        """Return site and number."""
        return f"{self.site_id} at {self.last}"


class Change(models.Model):
    """Something at a site changed; numbered per site, gap-free, in commit order.

    A row says only what changed, never how: who is told of it loads the present
    state, with their own permissions.
    """

    id = models.BigAutoField(primary_key=True)
    site_id = models.UUIDField()
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=32)
    object_id = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        """A number is given once."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site_id", "seq"], name="change_seq")
        ]

    def __str__(self) -> str:
        """Return site, number and kind."""
        return f"{self.site_id} {self.seq}: {self.kind}"
