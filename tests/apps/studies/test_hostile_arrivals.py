"""Hostile files to a real archive: C-STORE, and through our own door.

`OVERREAD_HOSTILE=200` sends more of them. After them each study that the archive took
is known to the portal, held, or noted
with a reason, and the sound ones that came between are on the worklist.
"""

from __future__ import annotations

import io
import os
import re
import time
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from pynetdicom import AE, _config

from apps.accounts.types import SYSTEM
from apps.interop.orthanc import Archive, ArchiveUnavailable
from apps.studies import archive as archive_module
from apps.studies.models import (
    ArrivalCursor,
    ArrivalFailure,
    QuarantinedStudy,
    Study,
    StudyRevision,
)
from apps.workflow import flow
from apps.workflow.intake.door import take_file
from apps.workflow.intake.types import Status, Via
from tests.factories.dicom import make_dx, to_bytes
from tests.factories.mutations import mutations

COUNT = int(os.environ.get("OVERREAD_HOSTILE", "40"))
"""200 take two minutes longer: many end in a timeout of the sender."""
EVERY = 10
SETTLE_S = 60.0
_NAMES = ("ORTHANC_URL", "ORTHANC_USER", "ORTHANC_PASSWORD")
_UIDS = re.compile(rb"1\.2\.826\.0\.1\.1(?=[1-6])")

pytestmark = pytest.mark.django_db


@pytest.fixture
def archive(settings):
    """Give a real archive whose change list begins now; empty it in the end."""
    if any(name not in os.environ for name in (*_NAMES, "OVERREAD_DICOM_PORT")):
        pytest.skip("no Orthanc: ORTHANC_URL is not set (script/test sets it)")
    given = {name: os.environ[name] for name in _NAMES}
    settings.STATE_DIR = os.environ["OVERREAD_STATE_DIR"]
    with Archive(*given.values()) as real:
        try:
            real.ping()
        except ArchiveUnavailable:
            pytest.skip("Orthanc is not running")
        for name, value in given.items():
            setattr(settings, name, value)
        archive_module.archive.cache_clear()
        ArrivalCursor.objects.create(seq=real.last_change_seq())
        before = set(real.all_study_ids())
        yield real
        for study_id in set(real.all_study_ids()) - before:
            real.delete_study(study_id)
    archive_module.archive.cache_clear()


def renamed(content: bytes, number: int) -> bytes:
    """Give a file UIDs of its own, of the same length, where it still says them."""
    return _UIDS.sub(b"1.2.826.%03d.1" % number, content)


def sound_study() -> tuple[str, bytes]:
    """Return a new study of one image that has nothing wrong."""
    uid = str(generate_uid())
    grey = np.arange(64 * 48, dtype=np.uint16).reshape(48, 64)
    return uid, to_bytes(make_dx(grey, study_uid=uid, body_part="HAND"))


class Modality:
    """Sends files as they are: what is in them is never looked at."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    def send(self, contents: list[bytes]) -> None:
        """Send files, a new association for each: a dropped one harms no other."""
        for content in contents:
            self.outcomes[self._send(content)] += 1

    def _send(self, content: bytes) -> str:
        try:
            stream = io.BytesIO(content)
            pydicom.filereader.read_preamble(stream, force=False)
            meta = pydicom.filereader._read_file_meta_info(stream)
            named = (str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID))
        except Exception:  # noqa: BLE001  no sender could name such a file
            return "cannot be offered"
        if not "".join(named).isascii():
            return "cannot be offered"
        entity = AE(ae_title="XR1")
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 2
        try:
            entity.add_requested_context(*named)
        except ValueError:
            return "cannot be offered"
        link = entity.associate(
            "127.0.0.1", int(os.environ["OVERREAD_DICOM_PORT"]), ae_title="NORTH"
        )
        if not link.is_established:
            return "association refused"
        try:
            return self._store(link, content)
        finally:
            link.release() if link.is_established else link.abort()

    @staticmethod
    def _store(link, content: bytes) -> str:
        if not link.accepted_contexts:
            return "transfer syntax refused"
        try:
            with raw_sending(content) as path:
                status = link.send_c_store(path)
        except (ValueError, AttributeError, RuntimeError):
            return "cannot be offered"
        if "Status" not in status:
            return "connection dropped"
        return "taken" if status.Status == 0 else f"status {status.Status:04X}"


@contextmanager
def raw_sending(content: bytes):
    """Have pynetdicom send a file's dataset byte for byte."""
    path = f"/dev/shm/{generate_uid()}.dcm"  # noqa: S108  ours, and short-lived
    with open(path, "wb") as target:
        target.write(content)
    _config.STORE_SEND_CHUNKED_DATASET = True
    try:
        yield path
    finally:
        _config.STORE_SEND_CHUNKED_DATASET = False
        os.unlink(path)


def settle(archive, sound) -> None:
    """Take arrivals until the portal has nothing new to learn."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        flow.take_arrivals()
        known = set(Study.objects.values_list("study_uid", flat=True))
        if set(sound) <= known and not unstable(archive):
            break
        time.sleep(0.3)
    flow.reconcile()


def unstable(archive) -> bool:
    return any(not study.is_stable for study in archive.all_studies())


def unexplained(archive) -> list[str]:
    """Return the archive's studies of which the portal knows nothing."""
    known = set(Study.objects.values_list("archive_id", flat=True))
    known |= set(QuarantinedStudy.objects.values_list("archive_id", flat=True))
    failures = ArrivalFailure.objects.exclude(reason="")
    known |= set(failures.values_list("archive_id", flat=True))
    return [study_id for study_id in archive.all_study_ids() if study_id not in known]


def check_all(archive, sound) -> None:
    settle(archive, sound)
    assert unexplained(archive) == []
    for uid in sound:
        revision = StudyRevision.objects.get(study__study_uid=uid)
        assert revision.n_images == 1
    uid, content = sound_study()  # and it still answers
    last = Modality()
    last.send([content])
    assert last.outcomes == {"taken": 1}
    settle(archive, [uid])
    assert Study.objects.filter(study_uid=uid).exists()


def test_a_modality_that_sends_anything_harms_nobody(department, archive, broker):
    modality, scanner, sound = Modality(), Modality(), []
    for index, mutation in enumerate(mutations(count=COUNT)):
        modality.send([renamed(mutation.content, 100 + index)])
        if index % EVERY == 0:
            uid, content = sound_study()
            scanner.send([content])
            sound.append(uid)
    print(dict(modality.outcomes))  # noqa: T201  pytest -s
    assert scanner.outcomes == {"taken": len(sound)}
    assert modality.outcomes.total() == COUNT
    assert modality.outcomes["taken"] > COUNT // 4
    check_all(archive, sound)
    print(fates())  # noqa: T201


def test_our_own_door_gives_each_file_one_outcome(department, archive, broker):
    counts, sound = Counter(), []
    for index, mutation in enumerate(mutations(count=COUNT)):
        content = renamed(mutation.content, 500 + index)
        outcome = take(department, content, name=f"hostile {index}")
        counts[outcome.status] += 1
        assert outcome.status is Status.STORED or len(outcome.reason) > 10, outcome
        if index % EVERY == 0:
            uid, content = sound_study()
            assert take(department, content, name="sound").status is Status.STORED
            sound.append(uid)
    print({status.value: n for status, n in counts.items()})  # noqa: T201
    assert counts.total() == COUNT
    assert counts[Status.STORED] > 0
    check_all(archive, sound)
    print(fates())  # noqa: T201


def take(department, content, *, name):
    return take_file(
        actor=SYSTEM, site=department.site, source=content, name=name, via=Via.COMMAND
    )


def fates() -> dict[str, int]:
    return {
        "registered": Study.objects.count(),
        "held": QuarantinedStudy.objects.count(),
        "noted": ArrivalFailure.objects.count(),
    }
