"""What the tests of the domain share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories.domain import make_department

# `tests/apps/interop` has a real archive under the same name, which wins there.
from tests.fakes.border import archive as archive
from tests.fakes.border import broker as broker

if TYPE_CHECKING:
    from tests.factories.domain import Department


@pytest.fixture
def department(db: None) -> Department:
    """One site with a radiologist, an AE title and the clinical protocol."""
    return make_department()
