"""Seals show what somebody did who has power over the database itself."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction

from apps.accounts.types import SYSTEM
from apps.audit import seals
from apps.audit.events import Event
from apps.audit.models import AuditRecord, AuditSeal
from apps.audit.seals import (
    check_audit,
    check_audit_when_due,
    read_seals,
    seal_audit,
    seal_through,
)
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Unavailable


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path):
    settings.AUDIT_KEY_FILE = tmp_path / "keys" / "audit.key"
    settings.AUDIT_SEALS_FILE = tmp_path / "audit-seals.jsonl"
    cache.delete("audit:horizon")


def write(n, **detail):
    return [
        record(
            actor=SYSTEM,
            event=Event.STUDY_OPEN,
            patients=[uuid4()],
            studies=[uuid4(), uuid4()],
            object_kind="study",
            object_id=uuid4(),
            detail={"i": i, "wörter": "ä", "share": 0.1, **detail},
        )
        for i in range(n)
    ]


def sealed(n=5, seal_of=2):
    """Write n records under seals of a few each; return the records."""
    rows = write(n)
    before, seals.MAX_RECORDS = seals.MAX_RECORDS, seal_of
    try:
        assert seal_through(last_id=rows[-1].id) == n
    finally:
        seals.MAX_RECORDS = before
    seals._keep_apart()
    return rows


def as_owner_of_the_database(sql, *args):
    """Do what only somebody with full power over the database can."""
    tables = ["audit_auditrecord", "audit_auditseal"]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql, args)
        for table in tables:
            on = "ENABLE ALWAYS TRIGGER audit_insert_only"
            cursor.execute(f"ALTER TABLE {table} {on}")


def whats(check):
    return [(one.seal, one.what, one.n) for one in check.problems]


def test_an_untouched_log_is_intact(db):
    sealed(5, seal_of=2)
    assert list(AuditSeal.objects.values_list("number", "n_records")) == [
        (1, 2),
        (2, 2),
        (3, 1),
    ]
    check = check_audit(actor=SYSTEM)
    assert (check.intact, check.seals, check.records) == (True, 3, 5)
    said = AuditRecord.objects.filter(event=Event.AUDIT_CHECK.value).get()
    assert said.detail["intact"] is True
    assert read_seals().waiting == 1  # the check's own record


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_auditrecord SET actor_name = 'nobody'",
        "UPDATE audit_auditrecord SET at = at + interval '1 microsecond'",
        "UPDATE audit_auditrecord SET patients = '{}'",
        "UPDATE audit_auditrecord SET detail = jsonb_set(detail, '{i}', '7')",
        "UPDATE audit_auditrecord SET outcome = 8",
        "UPDATE audit_auditrecord SET source_ip = '192.0.2.1'",
        "UPDATE audit_auditrecord SET event = 'study:delete'",
        "UPDATE audit_auditrecord SET as_superuser = true",
        "UPDATE audit_auditrecord SET studies = ARRAY[studies[2], studies[1]]",
    ],
)
def test_a_changed_record_is_seen_and_where(db, change):
    rows = sealed(5, seal_of=2)
    as_owner_of_the_database(f"{change} WHERE id = %s", rows[2].id)
    check = check_audit(actor=SYSTEM)
    assert whats(check) == [(2, "changed", 0)]
    (problem,) = check.problems
    assert problem.first_id <= rows[2].id <= problem.last_id


def test_each_column_of_a_record_is_sealed():
    columns = {field.attname for field in AuditRecord._meta.concrete_fields}
    assert set(seals._FIELDS) == columns


def test_a_removed_record_is_seen(db):
    rows = sealed(5, seal_of=2)
    as_owner_of_the_database("DELETE FROM audit_auditrecord WHERE id=%s", rows[0].id)
    assert whats(check_audit(actor=SYSTEM)) == [(1, "removed", 1)]


def test_a_record_that_is_slipped_into_a_gap_is_seen(db):
    before = write(1)[0].id
    with connection.cursor() as cursor:  # a transaction that was rolled back
        cursor.execute("SELECT nextval('audit_auditrecord_id_seq')")
    after = write(1)[0].id
    assert after == before + 2
    seal_through(last_id=after)
    slipped = AuditRecord.objects.get(id=before)
    slipped.pk, slipped._state.adding = before + 1, True
    slipped.save()
    assert whats(check_audit(actor=SYSTEM)) == [(1, "added", 1)]


def test_who_makes_the_seals_fit_lacks_the_key(db):
    rows = sealed(4, seal_of=2)
    as_owner_of_the_database(
        "UPDATE audit_auditrecord SET actor_name = 'nobody' WHERE id=%s", rows[0].id
    )
    first = AuditSeal.objects.get(number=1)
    _, digest = seals._digest(first)
    as_owner_of_the_database(
        "UPDATE audit_auditseal SET digest = %s WHERE number = 1", digest
    )
    found = whats(check_audit(actor=SYSTEM))
    assert found == [(1, "seal_changed", 0), (2, "seal_changed", 0)]


def test_a_removed_seal_is_seen(db):
    sealed(6, seal_of=2)
    as_owner_of_the_database("DELETE FROM audit_auditseal WHERE number = 2")
    assert (2, "seal_removed", 0) in whats(check_audit(actor=SYSTEM))


def test_the_end_of_the_log_cut_off_with_its_seals_is_seen_by_the_list(db):
    rows = sealed(6, seal_of=2)
    elsewhere = Path(django_settings.AUDIT_SEALS_FILE)
    as_owner_of_the_database("DELETE FROM audit_auditseal WHERE number = 3")
    as_owner_of_the_database("DELETE FROM audit_auditrecord WHERE id > %s", rows[3].id)
    assert whats(check_audit(actor=SYSTEM)) == [(3, "seal_removed", 0)]
    nothing = elsewhere.with_name("empty.jsonl")
    nothing.touch()
    assert check_audit(actor=SYSTEM, seals_file=nothing).intact


def test_another_key_than_the_one_that_signed_is_seen(db):
    sealed(2, seal_of=2)
    kept = Path(django_settings.AUDIT_KEY_FILE)
    kept.rename(kept.with_suffix(".old"))
    with pytest.raises(Unavailable, match=r"audit\.key"):
        check_audit(actor=SYSTEM)
    seals._private_key(fresh=True)  # a new one in its place
    assert whats(check_audit(actor=SYSTEM)) == [(1, "seal_changed", 0)]


def test_the_key_is_the_accounts_alone(db):
    sealed(1)
    assert Path(django_settings.AUDIT_KEY_FILE).stat().st_mode & 0o077 == 0


def test_a_cut_off_line_of_the_list_does_not_hide_the_others(db):
    sealed(4, seal_of=2)
    path = Path(django_settings.AUDIT_SEALS_FILE)
    whole = path.read_text()
    path.write_text(whole + '{"number": 3, "last')
    assert check_audit(actor=SYSTEM).intact
    write(1)
    seal_through(last_id=AuditRecord.objects.order_by("-id")[0].id)
    seals._keep_apart()
    numbers = {line.number for line in seals._kept(path)}
    assert numbers == {1, 2, 3}


def test_a_check_is_due_once_a_day(db):
    assert check_audit_when_due(actor=SYSTEM) is None  # nothing is sealed yet
    sealed(1)
    assert check_audit_when_due(actor=SYSTEM) is not None
    assert check_audit_when_due(actor=SYSTEM) is None
    with clock.standing_at(clock.now() + timedelta(days=1, seconds=5)):
        assert check_audit_when_due(actor=SYSTEM) is not None


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sealed_that_a_running_transaction_may_still_precede():
    """A lower id that is committed later must not come under a seal of before."""
    late = connections.create_connection("default")
    try:
        late.set_autocommit(False)
        with late.cursor() as cursor:  # its id is lower, its commit later
            cursor.execute("SELECT nextval('audit_auditrecord_id_seq')")
            low = cursor.fetchone()[0]
            cursor.execute("SELECT pg_current_xact_id()")
        (row,) = write(1)
        assert row.id > low
        with clock.standing_at(clock.now() + timedelta(minutes=1)):
            assert seal_audit() == 0  # noted
            assert seal_audit() == 0  # somebody is still at it
        late.rollback()
        with clock.standing_at(clock.now() + timedelta(minutes=2)):
            assert seal_audit() == 1
    finally:
        late.close()
    assert AuditSeal.objects.get().last_id == row.id


def test_a_record_of_just_now_waits(db):
    write(1)
    assert seal_audit() == seal_audit() == 0
    assert read_seals().waiting == 1


def test_the_command_says_what_was_changed(db, capsys):
    rows = sealed(3, seal_of=3)
    call_command("check_audit")
    assert "Intact: 3 records under 1 seals" in capsys.readouterr().out
    as_owner_of_the_database("DELETE FROM audit_auditrecord WHERE id=%s", rows[1].id)
    with pytest.raises(CommandError, match="was changed: 1"):
        call_command("check_audit")
    assert "1 removed" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no file"):
        call_command("check_audit", seals=Path("nowhere.jsonl"))


def test_one_seal_for_all_when_two_workers_seal_at_once(db):
    rows = write(2)
    seal_through(last_id=rows[-1].id)
    again = AuditSeal.objects.get()
    again.pk, again._state.adding = None, True
    with pytest.raises(IntegrityError, match="unique"), transaction.atomic():
        again.save()
    assert seal_through(last_id=rows[-1].id) == 0


def test_the_list_beside_the_database_names_nobody(db):
    sealed(2)
    for line in Path(django_settings.AUDIT_SEALS_FILE).read_text().splitlines():
        assert set(json.loads(line)) == {
            "number",
            "sealed_at",
            "last_id",
            "n_records",
            "digest",
            "signature",
        }
