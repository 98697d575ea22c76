"""Fixtures that put fakes at the process border: the archive and the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apps.studies import archive as archive_module
from tests.factories.domain import FakeBroker
from tests.fakes.archive import FakeArchive

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeArchive]:
    fake = FakeArchive()
    monkeypatch.setattr(archive_module, "Archive", lambda *args, **kwargs: fake)
    archive_module.archive.cache_clear()
    yield fake
    archive_module.archive.cache_clear()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> FakeBroker:
    fake = FakeBroker()
    monkeypatch.setattr("apps.core.queue.current_app", fake)
    return fake
