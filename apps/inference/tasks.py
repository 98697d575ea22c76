"""The steps of an import of a model as Celery tasks."""

from __future__ import annotations

from uuid import UUID

from apps.core.steps import Step
from apps.core.tasks import task
from apps.inference.model_imports_run import run_import, sweep_imports

IMPORT_SOFT_S = 2400
"""More than the importer's own limit: what comes after it is hashed and written."""
IMPORT_HARD_S = 2460


@task(
    name=Step.RUN_MODEL_IMPORT,
    soft_limit_s=IMPORT_SOFT_S,
    hard_limit_s=IMPORT_HARD_S,
)
def run_model_import(*, import_id: str) -> None:
    """Import a model that waits."""
    run_import(import_id=UUID(import_id))


@task(name=Step.SWEEP_MODEL_IMPORTS)
def sweep_model_imports() -> None:
    """Set going again what was lost."""
    sweep_imports()
