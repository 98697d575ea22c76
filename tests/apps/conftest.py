"""What the tests of the domain share."""

from __future__ import annotations

import pytest

from tests.factories.domain import Department, make_department


@pytest.fixture
def department(db: None) -> Department:
    """One site with a radiologist, an AE title and the clinical protocol."""
    return make_department()
