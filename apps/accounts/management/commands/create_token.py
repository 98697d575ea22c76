"""Make an API token for an account, such as a machine's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from apps.accounts.selectors import make_actor
from apps.accounts.tokens import MAX_DAYS, Scope, create_token
from apps.core.errors import DomainError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Prints the secret, which is kept nowhere."""

    help = "Create an API token of an account for DICOMweb; prints its secret once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare whose, what for and how long."""
        parser.add_argument("username")
        parser.add_argument("--name", default="command line")
        parser.add_argument(
            "--scope",
            action="append",
            choices=[scope.value for scope in Scope],
            help="read, store; may be given twice; read when left out",
        )
        parser.add_argument("--days", type=int, default=90, help=f"1 to {MAX_DAYS}")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Create the token."""
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            raise CommandError("There is no such account, or it is not active.")
        scopes = [Scope(scope) for scope in options["scope"] or [Scope.READ.value]]
        try:
            _, secret = create_token(
                actor=make_actor(user=user),
                name=options["name"],
                scopes=scopes,
                days=options["days"],
            )
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(secret)
