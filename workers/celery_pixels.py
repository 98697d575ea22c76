"""The Celery application of the workers without a model (queue `pixels`)."""

from __future__ import annotations

from workers.broker import give_back_at_start, make_app
from workers.contracts import QUEUE_PIXELS
from workers.logs import log_as_json
from workers.settings import read_settings

LIMIT_S = 1800

app = make_app(
    "overread-pixels",
    broker_url=read_settings().broker_url,
    queue=QUEUE_PIXELS,
    include=[
        "workers.tasks_pixels",
        "workers.tasks_segments",
        "workers.tasks_compare",
    ],
    limit_s=LIMIT_S,
)
log_as_json()
give_back_at_start(app)
