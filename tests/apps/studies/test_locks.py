"""What one process at a time may do, and a process that hangs with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest
from django.db import DatabaseError, connection, transaction

from apps.studies.locks import only_one
from tests.faults.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
LIMITS = ("idle_session_timeout", "idle_in_transaction_session_timeout")


class Holder:
    """Another process: it takes the lock and asks nothing until it is woken."""

    def __init__(self, *, silent_s: float, in_transaction: bool = False) -> None:
        self._silent_s, self._in_transaction = silent_s, in_transaction
        self.holds, self.woken = Event(), Event()

    def __call__(self) -> bool:
        try:
            with ExitStack() as held:
                ours = held.enter_context(only_one("a thing", silent_s=self._silent_s))
                if self._in_transaction:
                    held.enter_context(transaction.atomic())
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT 1")
                self.holds.set()
                assert self.woken.wait(60)
            return ours
        finally:
            connection.close()


def is_free() -> bool:
    with only_one("a thing") as is_ours:
        return is_ours


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_while_one_is_at_it_nobody_else_is(pool):
    holder = Holder(silent_s=60)
    at_it = pool.submit(holder)
    try:
        assert holder.holds.wait(30)
        assert not is_free()
    finally:
        holder.woken.set()
    assert at_it.result(30)
    assert is_free()


@pytest.mark.parametrize("in_transaction", [False, True])
def test_who_hangs_with_it_loses_it_and_is_told_when_it_wakes(pool, in_transaction):
    holder = Holder(silent_s=0.3, in_transaction=in_transaction)
    at_it = pool.submit(holder)
    try:
        assert holder.holds.wait(30)
        wait_until(is_free, "the lock of the one that hangs is free", within_s=30)
    finally:
        holder.woken.set()
    with pytest.raises(DatabaseError):
        at_it.result(30)


def test_a_connection_may_be_silent_again_afterwards():
    def limits() -> list[str]:
        with connection.cursor() as cursor:
            return [cursor.execute(f"SHOW {one}").fetchone()[0] for one in LIMITS]

    before = limits()
    with only_one("a thing", silent_s=7) as is_ours:
        assert is_ours
        assert limits() == ["7s", "7s"]
    assert limits() == before
