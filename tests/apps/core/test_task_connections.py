"""Tasks share their process' connection to the database, unless it is broken."""

from __future__ import annotations

import psycopg
import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_postrun, task_prerun
from django.db import connection

from portal.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fixup():
    """What Celery does around each task, called as its worker calls it."""
    return DjangoWorkerFixup(app)


def around_a_task(fixup):
    fixup.close_database()
    task_prerun.send(sender=None)
    task_postrun.send(sender=None)
    fixup.close_database()


def backend():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def test_many_tasks_use_one_connection(fixup):
    connection.close()  # one of an earlier test may be about to be too old
    first = backend()
    for _ in range(5):
        around_a_task(fixup)
        assert backend() == first


def test_a_connection_that_broke_is_replaced_before_the_next_task(fixup):
    first = backend()
    settings = connection.get_connection_params()
    settings = {k: settings[k] for k in ("dbname", "user", "password", "host", "port")}
    with psycopg.connect(**settings, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [first])
    around_a_task(fixup)
    assert backend() != first
