"""The Celery application of the workers that run models (queue `gpu`)."""

from __future__ import annotations

from workers.broker import give_back_at_start, make_app
from workers.contracts import QUEUE_GPU
from workers.logs import log_as_json
from workers.settings import read_settings

app = make_app(
    "overread-gpu",
    broker_url=read_settings().broker_url,
    queue=QUEUE_GPU,
    include=["workers.tasks_gpu"],
    limit_s=None,
)
# Threads that wait; what works is a process of its own (workers.supervisor).
app.conf.update(worker_pool="threads", worker_concurrency=read_settings().slots)
log_as_json()
give_back_at_start(app)
