"""Log lines as JSON, with the request's id and without patient data.

Our own code logs ids and codes only. The filter is for what others write: a
database's error repeats the row that it refused, a library prints a dataset.
"""

from __future__ import annotations

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that this thread or coroutine serves; empty outside."""

REMOVED = "(removed)"

_PATIENT_TERMS = (
    r"Patient'?s? ?(?:Name|ID|Birth ?Date|Address|Comments)|Other ?Patient ?IDs?"
    r"|Accession ?Number|Referring ?Physician'?s? ?Name"
    r"|patient_(?:name|id)|birth_date|accession_number|identity_key"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # PostgreSQL: DETAIL:  Key (patient_id)=(12345) already exists.
    (re.compile(r"Key \(([^)]*)\)=\(.*?\)(?= |\.|$)"), rf"Key (\1)={REMOVED}"),
    (re.compile(r"Failing row contains \(.*", re.DOTALL), f"Failing row {REMOVED}"),
    # pydicom: (0010,0010) Patient's Name   PN: 'DOE^JANE'
    (re.compile(r"\((0010), ?([0-9a-fA-F]{4})\)[^\n]*"), rf"(\1,\2) {REMOVED}"),
    # name=value, name: value, "name": "value"
    (
        re.compile(
            rf"(?i)\b({_PATIENT_TERMS})(['\"]?\s*[:=]\s*)"
            r"(\"[^\"]*\"|'[^']*'|[^,;&}\)\]\n]+)"
        ),
        rf"\1\2{REMOVED}",
    ),
    # DICOM person names: FAMILY^GIVEN
    (re.compile(r"\b[^\W\d_][\w'.-]*\^[\w'^.-]*"), REMOVED),
    # A query string may hold what somebody searched for.
    (
        re.compile(r"(/(?:api|dicom-web|internal|ws|pixels)[^\s?\"]*)\?[^\s\"]*"),
        r"\1?" + REMOVED,
    ),
)


def without_patient_data(message: str) -> str:
    """Return the text with everything that looks like a patient's taken out."""
    for pattern, replacement in _RULES:
        message = pattern.sub(replacement, message)
    return message


class NoPatientData(logging.Filter):
    """Cleans message and traceback of every record that passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record in place; never drops it."""
        record.msg = without_patient_data(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = without_patient_data(record.exc_text)
        return True


class AddRequestId(logging.Filter):
    """Puts the request's id on the record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add it; never drops the record."""
        record.request_id = request_id.get()
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if given := getattr(record, "request_id", ""):
            line["request"] = given
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["error"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)
