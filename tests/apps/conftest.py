"""What the tests of the domain share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from portal.celery import app
from tests.factories.domain import make_department

# `tests/apps/interop` has a real archive under the same name, which wins there.
from tests.fakes.border import archive as archive
from tests.fakes.border import broker as broker

if TYPE_CHECKING:
    from tests.factories.domain import Department


@pytest.fixture(autouse=True)
def _our_queue() -> None:
    """Make the portal's application current: a worker's makes itself so at import."""
    app.set_current()


@pytest.fixture
def department(db: None) -> Department:
    """One site with a radiologist, an AE title and the clinical protocol."""
    return make_department()
