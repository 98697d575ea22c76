"""Make the first account: the one that makes the others."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.services import create_user
from apps.accounts.types import SYSTEM
from apps.core.errors import DomainError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Creates a superuser; its use on patient data is marked in the audit log."""

    help = "Create a superuser. The password is asked for, or OVERREAD_ADMIN_PASSWORD."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the names; a password is never an argument."""
        parser.add_argument("username")
        parser.add_argument("--display-name", default="Administrator")
        parser.add_argument("--email", default="")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Create the account."""
        password = os.environ.get("OVERREAD_ADMIN_PASSWORD") or getpass.getpass()
        try:
            create_user(
                actor=SYSTEM,
                username=options["username"],
                password=password,
                display_name=options["display_name"],
                email=options["email"],
                is_superuser=True,
            )
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(f"Created {options['username']}.")
