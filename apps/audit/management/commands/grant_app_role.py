"""Give the application's database role what it needs, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from apps.audit.models import APPEND_ONLY_TABLES

if TYPE_CHECKING:
    from argparse import ArgumentParser

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Command(BaseCommand):
    """Grants on all tables; on the audit log, reading and inserting only."""

    help = (
        "Run as the owner of the tables after each migrate: "
        'DATABASE_URL="$DATABASE_OWNER_URL" python manage.py grant_app_role'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the role's name."""
        parser.add_argument("--role", default="overread_app")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Grant, in one transaction; running it again changes nothing."""
        role: str = options["role"]
        if not _NAME.fullmatch(role):
            message = "--role must be a plain PostgreSQL name."
            raise CommandError(message)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if cursor.fetchone() is None:
                message = f"There is no database role {role}: create it first."
                raise CommandError(message)
            cursor.execute("SELECT current_user")
            if cursor.fetchone()[0] == role:
                message = (
                    "This runs as the owner, not as the application: set "
                    "DATABASE_URL to the value of DATABASE_OWNER_URL."
                )
                raise CommandError(message)
            for statement in statements(role):
                cursor.execute(statement)
        self.stdout.write(f"{role} may use the tables; the audit log only to add.")


def statements(role: str) -> list[str]:
    """Return the SQL, in order, for a role's (checked) name."""
    schema = "IN SCHEMA public"
    verbs = "SELECT, INSERT, UPDATE, DELETE"
    locked = [
        f"REVOKE ALL ON {table} FROM {role}, PUBLIC" for table in APPEND_ONLY_TABLES
    ]
    opened = [
        f"GRANT SELECT, INSERT ON {table} TO {role}" for table in APPEND_ONLY_TABLES
    ]
    return [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"REVOKE CREATE ON SCHEMA public FROM {role}",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"REVOKE ALL ON ALL TABLES {schema} FROM {role}",
        f"GRANT {verbs} ON ALL TABLES {schema} TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES {schema} TO {role}",
        f"ALTER DEFAULT PRIVILEGES {schema} GRANT {verbs} ON TABLES TO {role}",
        f"ALTER DEFAULT PRIVILEGES {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
        *locked,
        *opened,
        f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}",
    ]
