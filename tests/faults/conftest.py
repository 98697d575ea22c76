"""The stack that the faults are done to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.harness import Stack
from tests.faults.running import FILMS, Running
from tests.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running() -> Running:
    """The running stack; without one, or without films, there is nothing to break."""
    if "OVERREAD_STACK_URL" not in os.environ:
        pytest.skip("needs the running stack (script/test starts one)")
    if not FILMS.exists():
        pytest.skip("../shared/data is not here")
    return Running(Stack.from_environment())


@pytest.fixture
def reader(running: Running) -> Iterator[Person]:
    """A radiologist at Northfield."""
    person = Person(running.stack, "radiologist")
    yield person
    person.http.close()
