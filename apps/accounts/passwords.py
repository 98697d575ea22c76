"""What a password has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.core.errors import Invalid

if TYPE_CHECKING:
    from apps.accounts.models import User


def require_strong(password: str, user: User) -> None:
    """Raise `Invalid` `weak_password`, saying why, unless a password will do."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("weak_password", " ".join(error.messages)) from None
