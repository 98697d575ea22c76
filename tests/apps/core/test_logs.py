"""No patient gets into the log, whoever writes the line."""

from __future__ import annotations

import io
import json
import logging

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import Site
from apps.core.logs import (
    AddRequestId,
    JsonLines,
    NoPatientData,
    request_id,
    without_patient_data,
)


@pytest.fixture
def log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(AddRequestId())
    handler.addFilter(NoPatientData())
    logger = logging.getLogger("test.patient.data")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("(0010,0010) Patient's Name            PN: 'DOE^JANE'", "DOE"),
        ("(0010, 0020) Patient ID                LO: '12345-X'", "12345"),
        ("refused PatientID=12345-X; go on", "12345"),
        ('{"patient_name": "Doe, Jane", "n": 1}', "Jane"),
        ("{'birth_date': '1970-01-02'}", "1970"),
        ("AccessionNumber: A998877", "A998877"),
        ("cannot read MÜLLER^HANS^^Dr here", "HANS"),
        ("DETAIL:  Key (patient_id)=(12345-X) already exists.", "12345"),
        ("DETAIL:  Failing row contains (a, DOE, 1970).", "DOE"),
        ("Not Found: /api/worklist?q=Doe+Jane", "Jane"),
        ("GET /dicom-web/studies?PatientName=Doe* 200", "Doe"),
    ],
)
def test_what_looks_like_a_patient_is_taken_out(line, secret):
    cleaned = without_patient_data(line)
    assert secret not in cleaned
    assert "(removed)" in cleaned


@pytest.mark.parametrize(
    "line",
    [
        "revision 5d0c1f2a registered with 143 images in 0.8 s",
        "C-STORE from MODALITY1 to OVERREAD ended",
        "The queue did not take workflow.sweep (OperationalError)",
        "GET /api/worklist 200",
    ],
)
def test_what_is_harmless_stays(line):
    assert without_patient_data(line) == line


def test_arguments_and_tracebacks_are_cleaned_too(log):
    logger, stream = log
    try:
        raise ValueError("bad row PatientName=DOE^JANE")
    except ValueError:
        logger.exception("failed for %s", "PatientID=12345")
    line = json.loads(stream.getvalue())
    assert "DOE" not in stream.getvalue()
    assert "12345" not in stream.getvalue()
    assert line["level"] == "error"
    assert "ValueError" in line["error"]


def test_a_databases_refusal_does_not_repeat_the_row(log, db):
    logger, stream = log
    secret = "-".join(("secret", "code"))  # not as source that a traceback shows
    Site.objects.create(name="Known", code=secret)
    try:
        with transaction.atomic():
            Site.objects.create(name="Other", code=secret)
    except IntegrityError:
        logger.exception("not stored")
    assert secret not in stream.getvalue()
    assert "site" in stream.getvalue()


def test_one_json_object_a_line_with_the_requests_id(log):
    logger, stream = log
    token = request_id.set("abc-123")
    logger.info("two\nlines")
    request_id.reset(token)
    assert len(stream.getvalue().splitlines()) == 1
    line = json.loads(stream.getvalue())
    assert line["request"] == "abc-123"
    assert line["message"] == "two\nlines"
    assert line["at"].endswith("+00:00")
