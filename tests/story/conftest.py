"""The story's stage: an archive and a broker at the border, the rest real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from apps.studies.models import Study
from apps.worklist.models import WorkItem
from tests.factories.domain import (
    Department,
    client_for,
    make_department,
    make_model,
    run_task,
    unchanged_by,
)
from tests.fakes.border import archive as archive
from tests.fakes.border import broker as broker

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from django.test import Client

    from tests.factories.domain import FakeBroker
    from tests.fakes.archive import FakeArchive


@dataclass
class Stage:
    """One department that works, and a way to let one thing happen at a time."""

    department: Department
    archive: FakeArchive
    broker: FakeBroker
    client: Client
    commit: Callable[..., AbstractContextManager[Any]]

    def do(self, name: str, **kwargs: Any) -> None:
        """Run a step, then run it again and see that no row changed."""
        self.run(name, **kwargs)
        unchanged_by(lambda: self.run(name, **kwargs))

    def run(self, name: str, **kwargs: Any) -> None:
        with self.commit(execute=True):
            run_task(name, kwargs)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        with self.commit(execute=True):
            return getattr(self.client, method)(
                f"/api/{path}", content_type="application/json", **kwargs
            )

    def take(self, queue: str) -> list[tuple[str, dict[str, Any]]]:
        return self.broker.take(queue)

    def arrive(self, *files: bytes) -> WorkItem:
        """Send files as a modality and take them in; the steps wait in the queue."""
        for file in files:
            outcome = self.archive.c_store(file, called="NORTH")
        self.archive.settle()
        self.run("workflow.take_arrivals")
        study = Study.objects.get(archive_id=outcome.study_id)
        return WorkItem.objects.get(case__revision__study=study)


@pytest.fixture
def stage(
    db: None,
    archive: FakeArchive,
    broker: FakeBroker,
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[Any]],
) -> Stage:
    department = make_department()
    make_model(department.site)
    found = Stage(
        department=department,
        archive=archive,
        broker=broker,
        client=client_for(department.reader),
        commit=django_capture_on_commit_callbacks,
    )
    # The list follows the slot before the story begins: else the sweep asks for that
    # some time later, wherever the story has come to by then.
    found.run("workflow.settle_slots", site_id=str(department.site.id))
    return found
