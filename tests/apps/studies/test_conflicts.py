"""Other content under the same UIDs: held whole, shown, and decided by a person."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.studies.conflicts import hold_conflict
from apps.studies.models import HeldFile, QuarantinedStudy
from tests.factories.domain import unchanged_by

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _state(settings, tmp_path):
    settings.STATE_DIR = tmp_path


def hold(department, data=b"other", study="1.2.3", sop="1.2.3.4"):
    return hold_conflict(
        actor=SYSTEM,
        site=department.site,
        data=data,
        study_uid=study,
        series_uid="1.2.3.1",
        sop_uid=sop,
        via="dicom",
    )


def test_a_held_file_is_whole_private_and_held_once(department, tmp_path):
    first = hold(department)
    path = Path(tmp_path) / "held" / f"{hashlib.sha256(b'other').hexdigest()}.dcm"
    assert path.read_bytes() == b"other"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert unchanged_by(lambda: hold(department)) == first
    assert hold(department, b"third", sop="1.2.3.5") == first
    row = QuarantinedStudy.objects.get()
    assert (row.kind, row.state, row.n_images) == ("conflict", "held", 2)
    assert row.site == department.site
    assert HeldFile.objects.count() == 2
    assert AuditRecord.objects.filter(event="study:quarantine").count() == 1
    assert [p.suffix for p in path.parent.iterdir()] == [".dcm", ".dcm"]
