"""What every test shares.

The database is a real PostgreSQL, `DATABASE_URL`, with a role that may create
databases (`python -m deploy.local services --test` gives one as
`DATABASE_OWNER_URL`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.db.backends.postgresql.operations import DatabaseOperations

from apps.audit.models import APPEND_ONLY_TABLES
from tests.matrix.worlds import make_worlds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.matrix.worlds import Worlds

_flush = DatabaseOperations.execute_sql_flush


def _flush_audit_too(self: DatabaseOperations, sql_list: Sequence[str]) -> None:
    """Empty the tables after a transactional test, the audit log included.

    The log refuses TRUNCATE to everybody, so its owner (who the tests are) takes
    the trigger off for the length of the flush and puts it back as it was.
    """
    off = [f"ALTER TABLE {t} DISABLE TRIGGER USER" for t in APPEND_ONLY_TABLES]
    on = [
        f"ALTER TABLE {t} ENABLE ALWAYS TRIGGER audit_insert_only"
        for t in APPEND_ONLY_TABLES
    ]
    _flush(self, [*off, *sql_list, *on])


DatabaseOperations.execute_sql_flush = _flush_audit_too  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Let no test see what another one cached."""
    cache.clear()


@pytest.fixture
def worlds(db: None) -> Worlds:
    """Two sites with one person for each role, and a superuser."""
    return make_worlds()
