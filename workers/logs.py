"""The workers' log: a line of JSON an event, no arguments, no patient data."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from celery.signals import setup_logging


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, kind of error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. Of an error its type and place, never its text."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            if trace is not None:
                code = trace.tb_frame.f_code
                line["where"] = f"{code.co_filename}:{trace.tb_lineno}"
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Have Celery leave logging to us: JSON lines on standard error."""

    def _configure(**_: Any) -> None:
        start_logging()

    setup_logging.connect(_configure, weak=False)


def start_logging() -> None:
    """Write JSON lines on standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(os.environ.get("OVERREAD_LOG_LEVEL", "INFO"))
    # That a task ended is said too, with how long it took.
    for name in ("httpx", "httpcore", "PIL", "amqp", "celery.worker.strategy"):
        logging.getLogger(name).setLevel(logging.WARNING)
