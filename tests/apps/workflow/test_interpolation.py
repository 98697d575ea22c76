"""Filling between drawn slices: asked for, done by a worker, and taken into a draft."""

from __future__ import annotations

import gzip
import io
import json
from datetime import timedelta

import httpx
import numpy as np
import pydicom
import pytest
from django.test import Client
from pydicom.uid import generate_uid

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.annotations.models import SegmentInterpolation, SegmentSlice
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.reports.services import export_reading
from apps.workflow import flow
from apps.workflow.segments.interpolation import accept_filled
from apps.worklist.models import WorkItem
from tests.factories.dicom import make_ct_series, to_bytes
from tests.factories.domain import client_for, make_film
from tests.factories.segments import hash_of, put_map, segmentation
from workers.portal_client import PortalUnavailableError
from workers.segment_contracts import InterpolateRequest, InterpolateResult
from workers.tasks_segments import interpolate

pytestmark = pytest.mark.django_db
HEIGHTS = (0.0, 1.0, 2.0, 4.0, 8.0, 9.0, 10.0)
GRID = np.mgrid[:64, :64].astype(float)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.SEGMENTS_DIR = tmp_path / "segments"
    settings.PACKS_DIR = tmp_path / "packs"


@pytest.fixture
def slices():
    slices = make_ct_series(n_slices=len(HEIGHTS))
    for dataset, height in zip(slices, HEIGHTS, strict=True):
        dataset.ImagePositionPatient[2] = height
    return slices


def arrive(department, archive, files):
    for content in files:
        archive.c_store(content, called="NORTH")
    archive.settle()
    flow.take_arrivals()
    item = WorkItem.objects.get()
    client = client_for(department.reader)
    assert client.post(f"/api/worklist/items/{item.id}/lease").status_code == 200
    item.refresh_from_db()
    return item, client


@pytest.fixture
def read(department, archive, broker, slices):
    return arrive(department, archive, [to_bytes(one) for one in slices])


def disc(radius, number=4):
    inside = (GRID[0] - 30) ** 2 + (GRID[1] - 33) ** 2 <= radius**2
    return np.where(inside, np.uint8(number), np.uint8(0))


def key(slices, at):
    return f"{slices[at].SOPInstanceUID}#1"


def ask(client, item, slices, maps, /, **changed):
    body = {
        "series_uid": slices[0].SeriesInstanceUID,
        "number": 4,
        "slices": {key: hash_of(voxels) for key, voxels in maps.items()},
        **changed,
    }
    return client.post(
        f"/api/worklist/items/{item.id}/segment-interpolations",
        data=json.dumps(body),
        content_type="application/json",
    )


def drawn(client, item, slices, **maps):
    """Put label maps, by the image's number in the series."""
    named = {key(slices, int(at[1:])): voxels for at, voxels in maps.items()}
    for voxels in named.values():
        assert put_map(client, item, voxels).status_code in {200, 201}
    return named


class Portal(httpx.BaseTransport):
    """The portal itself, as a worker's HTTP reaches it."""

    def __init__(self):
        self.asked = []

    def handle_request(self, request):
        self.asked.append((request.method, request.url.path))
        answer = Client().generic(
            request.method,
            request.url.path,
            request.read(),
            content_type="application/octet-stream",
            headers={"Authorization": request.headers["Authorization"]},
        )
        return httpx.Response(answer.status_code, content=answer.content)


def work(broker):
    """Do what waits in the queue of the workers, and give the answers to the portal."""
    results = []
    for name, kwargs in broker.take("pixels"):
        if name != "workers.interpolate":
            continue
        request = InterpolateRequest.from_message(kwargs["request"])
        result = interpolate(request, transport=Portal())
        accept_filled(result=InterpolateResult.from_message(result.to_message()))
        results.append(result)
    return results


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    return django_capture_on_commit_callbacks(execute=True)


def test_what_lies_between_is_filled_by_place(read, slices, broker, commits):
    item, client = read
    other = disc(30, number=9)
    other[disc(60) == 0] = 0
    maps = drawn(client, item, slices, s1=disc(4.4), s5=disc(12.4), s3=other)
    with commits:
        asked = ask(client, item, slices, maps)
    assert asked.status_code == 202, asked.content
    path = f"/api/worklist/items/{item.id}/segment-interpolations/{asked.json()['id']}"
    assert client.get(path).json()["state"] == "queued"
    [result] = work(broker)
    assert result.state == "done", result.reason
    found = client.get(path).json()
    assert found["state"] == "done"
    assert set(found["slices"]) == {key(slices, at) for at in (2, 4)}, (
        "image 3 is full of another segment"
    )
    for at in (2, 4):
        share = (HEIGHTS[at] - HEIGHTS[1]) / (HEIGHTS[5] - HEIGHTS[1])
        sha256 = found["slices"][key(slices, at)]
        body = client.get(f"/api/worklist/items/{item.id}/segment-slices/{sha256}")
        voxels = np.frombuffer(gzip.decompress(body.content), np.uint8).reshape(64, 64)
        assert set(np.unique(voxels)) == {0, 4}
        radius = np.sqrt((voxels == 4).sum() / np.pi)
        assert radius == pytest.approx(4.4 + share * 8, abs=0.4)
    assert AuditRecord.objects.filter(event="segment:interpolate").count() == 1


def test_taken_into_a_draft_it_is_called_semiautomatic(
    read, slices, broker, archive, commits
):
    item, client = read
    maps = drawn(client, item, slices, s1=disc(4), s5=disc(12))
    with commits:
        asked = ask(client, item, slices, maps).json()
    work(broker)
    path = f"/api/worklist/items/{item.id}/segment-interpolations/{asked['id']}"
    filled = client.get(path).json()["slices"]
    one = segmentation(slices[0].SeriesInstanceUID, maps)
    one["slices"] |= filled
    signed = client.post(
        f"/api/worklist/items/{item.id}/sign",
        data=json.dumps({"content": {"segmentations": [one]}}),
        content_type="application/json",
        headers={"If-Match": '"0"'},
    )
    assert signed.status_code == 200, signed.content
    row = export_reading(actor=SYSTEM, reading_id=item.reading_id)
    assert row is not None
    assert row.state == "stored", row.problems
    objects = [
        f.content for f in archive.files.values() if b"SEMIAUTOMATIC" in f.content
    ]
    assert len(objects) == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"number": 5}, 422, "nothing_between"),
        ({"number": 0}, 400, "invalid"),
        ({"series_uid": "1.2.3"}, 400, "invalid"),
        ({"series_uid": "x"}, 400, "invalid"),
        ({"slices": {}}, 422, "nothing_between"),
        ({"slices": {"1.2.3#1": "0" * 64}}, 400, "invalid"),
        ({"slices": []}, 400, "invalid"),
    ],
)
def test_what_cannot_be_filled_is_said_at_once(read, slices, change, status, code):
    item, client = read
    maps = drawn(client, item, slices, s1=disc(4), s5=disc(12))
    refused = ask(client, item, slices, maps, **change)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert not SegmentInterpolation.objects.exists()


def test_what_is_not_here_is_said(read, slices):
    item, client = read
    maps = drawn(client, item, slices, s1=disc(4))
    answer = ask(client, item, slices, maps | {key(slices, 5): disc(12)})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_slices")
    assert answer.json()["missing"] == [key(slices, 5)]


def test_without_the_lease_nothing_is_asked(read, slices, department):
    item, client = read
    maps = drawn(client, item, slices, s1=disc(4), s5=disc(12))
    second = client_for(department.person(Role.RADIOLOGIST, "second"))
    assert ask(second, item, slices, maps).json()["code"] == "lease_lost"


def test_images_that_lie_nowhere(department, archive, broker):
    """Two films of one series: nothing is known to lie between them."""
    study, series = generate_uid(), generate_uid()
    films = [make_film(study_uid=study, series_uid=series, number=n) for n in (1, 2)]
    item, client = arrive(department, archive, films)
    headers = [pydicom.dcmread(io.BytesIO(film)) for film in films]
    voxels = np.full((headers[0].Rows, headers[0].Columns), 4, dtype=np.uint8)
    maps = drawn(client, item, headers, s0=voxels, s1=voxels)
    answer = ask(client, item, headers, maps)
    assert answer.status_code == 422
    assert answer.json()["code"] == "no_places"


def test_a_request_that_was_lost_is_sent_again_and_given_up(
    read, slices, broker, commits
):
    item, client = read
    maps = drawn(client, item, slices, s1=disc(4), s5=disc(12))
    with commits:
        asked = ask(client, item, slices, maps).json()
    for attempt in (2, 3):
        broker.take("pixels")
        old = clock.now() - timedelta(minutes=5)
        SegmentInterpolation.objects.update(asked_at=old)
        flow.send_waiting(now=clock.now(), limit=9)
        assert SegmentInterpolation.objects.get().attempts == attempt
    SegmentInterpolation.objects.update(asked_at=clock.now() - timedelta(minutes=5))
    flow.send_waiting(now=clock.now(), limit=9)
    path = f"/api/worklist/items/{item.id}/segment-interpolations/{asked['id']}"
    body = client.get(path).json()
    assert body["state"] == "failed"
    assert "No worker answered" in body["reason"]


def test_no_more_than_a_few_wait(read, slices):
    item, client = read
    maps = drawn(client, item, slices, s1=disc(4), s5=disc(12))
    codes = [ask(client, item, slices, maps).status_code for _ in range(4)]
    assert codes == [202, 202, 202, 409]


def test_a_token_opens_its_own_job_and_no_label_map_beside(
    read, slices, broker, commits
):
    item, client = read
    maps = drawn(client, item, slices, s1=disc(4), s5=disc(12))
    secret = disc(7)
    put_map(client, item, secret)
    with commits:
        first = ask(client, item, slices, maps).json()["id"]
        second = ask(client, item, slices, maps).json()["id"]
    requests = {
        kwargs["request"]["job_id"]: kwargs["request"]
        for name, kwargs in broker.take("pixels")
        if name == "workers.interpolate"
    }
    headers = {"Authorization": f"Bearer {requests[first]['token']}"}
    path = "/api/machine/segment-interpolations"
    get = lambda rest: Client().get(f"{path}/{rest}", headers=headers).status_code  # noqa: E731
    assert get(first) == 200
    assert get(second) == 403
    assert get(f"{first}/slices/{hash_of(disc(4))}") == 200
    assert get(f"{first}/slices/{hash_of(secret)}") == 404
    revision = item.case.revision_id
    answer = Client().get(
        f"/api/machine/revisions/{revision}/instances", headers=headers
    )
    assert answer.status_code == 403
    bad = Client().put(
        f"{path}/{first}/slices/{hash_of(secret)}",
        data=gzip.compress(disc(8).tobytes()),
        content_type="application/octet-stream",
        headers=headers,
    )
    assert bad.json()["code"] == "hash_mismatch"


def test_an_answer_that_was_not_stored_is_none(read, slices, broker, commits):
    item, client = read
    maps = drawn(client, item, slices, s1=disc(4), s5=disc(12))
    with commits:
        job = ask(client, item, slices, maps).json()["id"]
    accept_filled(
        result=InterpolateResult(
            job_id=job, state="done", slices={key(slices, 2): "0" * 64}
        )
    )
    assert SegmentInterpolation.objects.get().state == "failed"
    before = SegmentSlice.objects.count()
    assert work(broker)[0].state == "failed", "its job has ended"
    assert SegmentSlice.objects.count() == before


def test_a_portal_that_is_away_is_asked_later():
    def nothing(request):
        raise httpx.ConnectError("away")

    request = InterpolateRequest(
        job_id="6f1f3c55-2f5d-4f0e-8a5c-6d1b8f7d9a10",
        revision_id="6f1f3c55-2f5d-4f0e-8a5c-6d1b8f7d9a10",
        token="t",
        portal_url="http://127.0.0.1:9",
    )
    with pytest.raises(PortalUnavailableError):
        interpolate(request, transport=httpx.MockTransport(nothing))
