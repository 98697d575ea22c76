"""`dicomweb-client`, as it is published, against the portal and a real Orthanc."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from django.db import connection
from pydicom.pixels import pixel_array

from apps.accounts.tokens import Scope, create_token
from apps.interop.orthanc import Archive, ArchiveUnavailable
from apps.studies import archive as archive_module
from apps.workflow.models import IntakeFile
from tests.factories.domain import actor_for, make_ct, make_department

pytestmark = pytest.mark.django_db(transaction=True)
_NAMES = ("ORTHANC_URL", "ORTHANC_USER", "ORTHANC_PASSWORD")
SMALL = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom_small"
ROOT = Path(__file__).resolve().parents[3]
START_S = 60.0
NATIVE = frozenset(f"1.2.840.10008.1.2{tail}" for tail in ("", ".1", ".2", ".1.99"))


@pytest.fixture
def archive():
    """Give the real archive, emptied before and after."""
    if any(name not in os.environ for name in _NAMES):
        pytest.skip("no Orthanc: ORTHANC_URL is not set (script/test sets it)")
    with Archive(*(os.environ[name] for name in _NAMES)) as real:
        try:
            real.ping()
        except ArchiveUnavailable:
            pytest.skip(f"no Orthanc at {os.environ['ORTHANC_URL']}")
        _empty(real)
        archive_module.archive.cache_clear()
        yield real
        _empty(real)
    archive_module.archive.cache_clear()


def _empty(real):
    for study_id in list(real.all_study_ids()):
        real.delete_study(study_id)


@pytest.fixture
def served(transactional_db, tmp_path, archive):
    """Serve the portal as it is served in earnest, on the tests' database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    base, _, _ = os.environ["DATABASE_URL"].partition("?")
    name = connection.settings_dict["NAME"]
    database = os.environ["DATABASE_URL"].replace(
        base, base.rpartition("/")[0] + f"/{name}"
    )
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.fakes.served_settings",
        "DATABASE_URL": database,
        "OVERREAD_PUBLIC_URL": url,
        "OVERREAD_STATE_DIR": str(tmp_path / "state"),
    }
    granian = Path(sys.executable).parent / "granian"
    call = (str(granian), "--interface", "wsgi", "--host", "127.0.0.1")
    more = ("--port", str(port), "--blocking-threads", "2", "--no-ws")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*call, *more, "portal.wsgi:application"],
            env=env,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(url, server, tmp_path / "log")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(url, server, log):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            httpx.get(f"{url}/api/session", timeout=5)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the portal did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture
def secret(transactional_db):
    actor = actor_for(make_department().reader)
    return create_token(actor=actor, name="x", scopes=list(Scope), days=1)[1]


@pytest.fixture
def client(served, secret):
    return DICOMwebClient(
        f"{served}/dicom-web", headers={"Authorization": f"Bearer {secret}"}
    )


def read(content):
    return pydicom.dcmread(io.BytesIO(content))


def test_store_search_and_retrieve(client):
    slices = [read(content) for content in make_ct(n=5)]
    uid, series = slices[0].StudyInstanceUID, slices[0].SeriesInstanceUID
    told = client.store_instances(slices)
    assert len(told.ReferencedSOPSequence) == 5
    # It takes the same again, in pieces of unknown length, into the named study.
    client.set_chunk_size(1000)
    told = client.store_instances(slices, study_instance_uid=uid)
    assert len(told.ReferencedSOPSequence) == 5
    client.set_chunk_size(10**6)

    [study] = client.search_for_studies(search_filters={"StudyInstanceUID": uid})
    assert pydicom.Dataset.from_json(study).NumberOfStudyRelatedInstances == 5
    [found] = client.search_for_series(uid)
    assert pydicom.Dataset.from_json(found).SeriesInstanceUID == series
    rows = [pydicom.Dataset.from_json(row) for row in client.search_for_instances(uid)]
    assert {row.SOPInstanceUID for row in rows} == {s.SOPInstanceUID for s in slices}

    for back in (client.retrieve_study(uid), client.retrieve_series(uid, series)):
        assert {b.SOPInstanceUID: b for b in back} == {
            s.SOPInstanceUID: s for s in slices
        }
    one = slices[2]
    where = (uid, series, one.SOPInstanceUID)
    assert client.retrieve_instance(*where) == one
    [frame] = client.retrieve_instance_frames(*where, frame_numbers=[1])
    stored = np.frombuffer(frame, one.pixel_array.dtype)
    assert (stored.reshape(one.pixel_array.shape) == one.pixel_array).all()
    header = client.retrieve_instance_metadata(*where)
    value = client.retrieve_bulkdata(header["7FE00010"]["BulkDataURI"])
    assert value == [one.PixelData]
    assert len(client.retrieve_series_metadata(uid, series)) == 5
    picture = client.retrieve_instance_rendered(*where, media_types=("image/png",))
    assert picture.startswith(b"\x89PNG")


def test_each_of_two_hundred_odd_files_is_in_the_answer(served, secret, archive):
    """Every file is stored or refused, and what may be seen comes back whole."""
    if not SMALL.is_dir():
        pytest.skip(f"no real data: {SMALL} is missing")
    files = [p for p in sorted(SMALL.rglob("*")) if p.is_file()]
    head = {"Authorization": f"Bearer {secret}"}
    body = b"".join(
        b"--b0\r\nContent-Type: application/dicom\r\n\r\n" + p.read_bytes() + b"\r\n"
        for p in files
    )
    kind = 'multipart/related; type="application/dicom"; boundary=b0'
    answer = httpx.post(
        f"{served}/dicom-web/studies",
        content=body + b"--b0--\r\n",
        headers={**head, "Content-Type": kind},
        timeout=400,
    )
    assert answer.status_code == 202
    told = pydicom.Dataset.from_json(answer.text)
    failed = [*told.FailedSOPSequence, *told[0x0008119A].value]
    assert len(told.ReferencedSOPSequence) + len(failed) == len(files)
    assert all(item.TextValue and item.FailureReason for item in failed)
    # What a media directory names and nobody sent is a line of the report as well.
    lines = IntakeFile.objects.exclude(status="missing")
    statuses = Counter(lines.values_list("status", flat=True))
    assert statuses.total() == len(files)
    stored = statuses["stored"]
    assert stored >= 120
    client = DICOMwebClient(f"{served}/dicom-web", headers=head)
    _compare(client, stored)


def _compare(client, stored):
    """Have every object back; compare frames where the decoders know them."""
    studies = client.search_for_studies(limit=1000)
    seen, equal = 0, 0
    for row in studies:
        uid = row["0020000D"]["Value"][0]
        for dataset in client.iter_study(
            uid, media_types=(("application/dicom", "*"),)
        ):
            seen += 1
            equal += _same_frames(client, dataset)
        client.retrieve_study_metadata(uid)
    promised = sum(row["00201208"]["Value"][0] for row in studies)
    assert seen == promised
    # What may be AI's stays here: no reader has these studies on a list.
    assert stored - 5 <= seen <= stored
    assert equal >= 80


def _same_frames(client, dataset):
    if "PixelData" not in dataset:
        return 0
    if dataset.file_meta.TransferSyntaxUID not in NATIVE:
        return 0
    try:
        pixels = pixel_array(dataset, raw=True)
    except (ValueError, AttributeError, NotImplementedError, RuntimeError):
        return 0
    where = (
        dataset.StudyInstanceUID,
        dataset.SeriesInstanceUID,
        dataset.SOPInstanceUID,
    )
    [frame] = client.retrieve_instance_frames(*where, frame_numbers=[1])
    first = pixels[0] if int(dataset.get("NumberOfFrames") or 1) > 1 else pixels
    if int(dataset.BitsAllocated) == 1:
        bits = np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")
        got = bits[: first.size]
    elif dataset.PhotometricInterpretation == "YBR_FULL_422":
        return 0
    else:
        got = np.frombuffer(frame, first.dtype.newbyteorder("<"))[: first.size]
    if int(dataset.get("PlanarConfiguration") or 0) == 1:
        got = got.reshape(3, -1).T
    assert (got.ravel() == first.ravel()).all(), dataset.SOPInstanceUID
    return 1
