"""Nobody changes the audit log: not the application, not the owner."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import InternalError, ProgrammingError, connection, transaction
from django.db.utils import DatabaseError

from apps.accounts.models import Site
from apps.accounts.types import SYSTEM
from apps.audit.events import Event
from apps.audit.models import APPEND_ONLY_TABLES, AuditRecord
from apps.audit.services import record

CHANGES = [
    "UPDATE audit_auditseal SET digest = ''",
    "DELETE FROM audit_auditseal",
    "TRUNCATE audit_auditseal",
    "UPDATE audit_auditrecord SET actor_name = 'nobody'",
    "UPDATE audit_auditrecord SET actor_name = 'nobody' WHERE false",
    "DELETE FROM audit_auditrecord",
    "TRUNCATE audit_auditrecord",
    "TRUNCATE audit_auditrecord CASCADE",
]


@pytest.fixture
def written(db):
    return record(actor=SYSTEM, event=Event.SYSTEM_START)


@pytest.fixture
def app_role(db):
    """The application's role as `grant_app_role` makes it; undone with the test.

    It is the real one where the owner may act as it (`deploy.local services`), else
    one made here, which takes a superuser.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = 'overread_app' "
            "AND pg_has_role(current_user, oid, 'SET')"
        )
        name = "overread_app" if cursor.fetchone() else "overread_app_of_a_test"
        if name != "overread_app":
            cursor.execute(f"CREATE ROLE {name} NOLOGIN")
    call_command("grant_app_role", role=name)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {name}")
    yield name
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.mark.parametrize("sql", CHANGES)
def test_the_owner_is_refused_by_the_trigger(written, sql):
    with (
        pytest.raises(DatabaseError, match="insert-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert AuditRecord.objects.filter(pk=written.pk, actor_name="system").exists()


@pytest.mark.parametrize("sql", CHANGES)
def test_replica_mode_does_not_get_around_the_trigger(written, sql):
    """A superuser's attempt ends at the trigger, anybody else's before it."""
    both = f"SET LOCAL session_replication_role = replica; {sql}"
    with (
        pytest.raises(DatabaseError, match=r"insert-only|denied to set parameter"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(both)


def test_the_trigger_is_on_always(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgenabled FROM pg_trigger "
            "WHERE tgname = 'audit_insert_only'"
        )
        found = dict(cursor.fetchall())
    assert found == dict.fromkeys(APPEND_ONLY_TABLES, "A")


@pytest.mark.parametrize("sql", CHANGES)
def test_the_application_has_no_right_to_try(written, app_role, sql):
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    assert AuditRecord.objects.filter(pk=written.pk, actor_name="system").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE audit_auditrecord DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_insert_only ON audit_auditrecord",
        "DROP TABLE audit_auditrecord",
        "CREATE TABLE mine (id int)",
        "DROP FUNCTION audit_refuse_change() CASCADE",
        "DELETE FROM django_migrations",
        "SET LOCAL session_replication_role = replica",
    ],
)
def test_the_application_cannot_take_the_guard_away(app_role, sql):
    with (
        pytest.raises(
            (ProgrammingError, InternalError), match=r"must be owner|permission denied"
        ),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_the_application_can_do_its_work(app_role):
    site = Site.objects.create(name="Work", code="work")
    Site.objects.filter(pk=site.pk).update(stat_in_a_row=4)
    kept = record(actor=SYSTEM, event=Event.SITE_CREATE, site_id=site.pk)
    assert AuditRecord.objects.get(pk=kept.pk).site_id == site.pk
    site.delete()


def test_tables_made_later_are_granted_too(app_role):
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("CREATE TABLE made_later (id serial PRIMARY KEY, n int)")
        cursor.execute(f"SET LOCAL ROLE {app_role}")
        cursor.execute("INSERT INTO made_later (n) VALUES (1) RETURNING id")
        assert cursor.fetchone() == (1,)


def test_granting_twice_ends_the_same(app_role):
    def rights() -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, privilege_type "
                "FROM information_schema.role_table_grants WHERE grantee = %s",
                [app_role],
            )
            return sorted(cursor.fetchall())

    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    before = rights()
    call_command("grant_app_role", role=app_role)
    assert rights() == before
    for table in APPEND_ONLY_TABLES:
        assert {verb for name, verb in before if name == table} == {"SELECT", "INSERT"}


@pytest.mark.django_db
def test_a_role_that_is_not_there_or_not_a_name_is_refused():
    with pytest.raises(CommandError, match="create it first"):
        call_command("grant_app_role", role="nobody_of_that_name")
    with pytest.raises(CommandError, match="plain PostgreSQL name"):
        call_command("grant_app_role", role="x; DROP TABLE accounts_user")


@pytest.mark.django_db
def test_the_application_cannot_grant_to_itself():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        me = cursor.fetchone()[0]
    with pytest.raises(CommandError, match="runs as the owner"):
        call_command("grant_app_role", role=me)


def test_the_model_refuses_before_the_database_has_to(written):
    written.actor_name = "somebody else"
    with pytest.raises(TypeError, match="written once"):
        written.save()
    with pytest.raises(TypeError, match="written once"):
        written.delete()
    with pytest.raises(TypeError, match="written once"):
        AuditRecord.objects.all().update(actor_name="x")
    with pytest.raises(TypeError, match="written once"):
        AuditRecord.objects.all().delete()
