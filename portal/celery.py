"""The portal's Celery application and its schedule."""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun, worker_process_init
from django.db import close_old_connections

from apps.core.niceness import asked_steps, give_way_to_other_parts
from apps.core.steps import Step
from workers.ending import end_soon_after_failure

os.environ.setdefault(
    "DJANGO_SETTINGS_MODULE",
    f"portal.settings.{os.environ.get('OVERREAD_ENV', 'local')}",
)

app = Celery("overread")
# "Current" is kept per thread; a web server's other threads ask for the default.
app.set_default()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
end_soon_after_failure(app)

# Celery closes the database's connection before and after every task, and each new one
# costs as much as a short task. It is told not to; what is broken or has been open for
# too long (CONN_MAX_AGE) is closed here instead, as between two requests of the web.
app.conf.update(CELERY_DB_REUSE_MAX=sys.maxsize)


def _close_old(**_: Any) -> None:
    close_old_connections()


task_prerun.connect(_close_old)
task_postrun.connect(_close_old)


@worker_process_init.connect
def _give_way(**_: Any) -> None:
    """Let others have the processor first, where the environment says so.

    Only what runs tasks: started this way as a whole, a worker beside busy programs
    was not ready for minutes.
    """
    give_way_to_other_parts(asked_steps())


def _every(step: Step, seconds: float) -> dict[str, Any]:
    # A beat that nobody took in time is dropped: after an outage the next one does
    # the same work, and a thousand of them would only do it a thousand times.
    return {
        "task": step.value,
        "schedule": seconds,
        "options": {"queue": "portal", "expires": max(2 * seconds, 5.0)},
    }


app.conf.beat_schedule = {
    "take arrivals": _every(Step.TAKE_ARRIVALS, 1.0),
    "expire leases": _every(Step.EXPIRE_LEASES, 5.0),
    "remind of critical results": _every(Step.REMIND_CRITICAL, 20.0),
    "watch the STAT share": _every(Step.WATCH_STAT_SHARE, 300.0),
    "deliver what was lost": _every(Step.DELIVER_DUE, 30.0),
    "sweep": _every(Step.SWEEP, 15.0),
    "reconcile": _every(Step.RECONCILE, 600.0),
    "watch folders": _every(Step.WATCH_FOLDERS, 5.0),
    "forget label maps": _every(Step.FORGET_SLICES, 3600.0),
    "sweep model imports": _every(Step.SWEEP_MODEL_IMPORTS, 15.0),
    "seal the audit log": _every(Step.SEAL_AUDIT, 60.0),
    "check the audit log": _every(Step.CHECK_AUDIT, 3600.0),
    "forget sessions": _every(Step.FORGET_SESSIONS, 3600.0),
    "abandon uploads": _every(Step.ABANDON_UPLOADS, 3600.0),
}
