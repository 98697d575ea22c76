"""Label maps: who may put and see them, what is refused, and what is forgotten."""

from __future__ import annotations

import gzip
import json
import uuid
import zlib
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Role
from apps.accounts.services import grant_membership
from apps.accounts.types import SYSTEM
from apps.annotations.models import Segmentation, SegmentSlice
from apps.annotations.segment_files import inflate, segment_path
from apps.annotations.segments import forget_slices
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.errors import DomainError
from apps.worklist.models import Case, WorkItem
from apps.worklist.services import place_item
from tests.factories.domain import client_for, make_protocol, make_revision
from tests.factories.segments import hash_of, put_map, segment, segmentation

pytestmark = pytest.mark.django_db
EMPTY = {"verdicts": {}, "annotations": [], "impression": ""}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.SEGMENTS_DIR = tmp_path / "segments"
    return settings.SEGMENTS_DIR


def place(department, *, revision, protocol=None):
    return place_item(
        actor=SYSTEM, revision=revision, protocol=protocol or department.protocol
    )


def second_read(item, protocol):
    """Put another read of the same images on the list."""
    case = Case.objects.create(revision=item.case.revision, protocol=protocol)
    twin = WorkItem.objects.get(id=item.id)
    twin.id, twin.case, twin.reading = uuid.uuid4(), case, None
    twin.state, twin.lease_holder, twin.done_at = "open", None, None
    twin.save(force_insert=True)
    return twin


def content_of(item, voxels, image=0):
    """A draft in which one image is drawn on."""
    series, sops = series_of(item)
    one = segmentation(series, {f"{sops[image]}#1": voxels})
    return {**EMPTY, "segmentations": [one]}


def series_of(item):
    rows = item.case.revision.instances.order_by("sop_uid")
    return rows[0].series_uid, [row.sop_uid for row in rows]


@pytest.fixture
def item(department):
    revision = make_revision(
        department, modality="CT", sop_uids=[f"1.2.3.4.{n}" for n in range(1, 4)]
    )
    return place(department, revision=revision)


@pytest.fixture
def reader(department, item):
    client = client_for(department.reader)
    assert client.post(f"/api/worklist/items/{item.id}/lease").status_code == 200
    item.refresh_from_db()
    return client


def drawn(*points, rows=6, columns=9):
    voxels = np.zeros((rows, columns), dtype=np.uint8)
    for row, column, number in points:
        voxels[row, column] = number
    return voxels


def send(client, item, content, version, verb="reading", method="put"):
    return getattr(client, method)(
        f"/api/worklist/items/{item.id}/{verb}",
        data=json.dumps({"content": content}),
        content_type="application/json",
        headers={"If-Match": f'"{version}"'},
    )


def get(client, item, voxels):
    path = f"/api/worklist/items/{item.id}/segment-slices/{hash_of(voxels)}"
    return client.get(path)


def test_what_was_drawn_is_kept_and_comes_back_with_the_draft(item, reader, folder):
    series, sops = series_of(item)
    voxels = drawn((1, 2, 1), (1, 3, 1), (4, 4, 7))
    first = put_map(reader, item, voxels)
    assert first.status_code == 201, first.content
    assert first.json()["numbers"] == [1, 7]
    assert put_map(reader, item, voxels).status_code == 200
    content = {
        **EMPTY,
        "segmentations": [segmentation(series, {f"{sops[1]}#1": voxels})],
    }
    saved = send(reader, item, content, 0)
    assert saved.status_code == 200, saved.content
    again = reader.get(f"/api/worklist/items/{item.id}/reading").json()["content"]
    assert again["segmentations"][0]["slices"] == {f"{sops[1]}#1": hash_of(voxels)}
    answer = get(reader, item, voxels)
    assert answer.status_code == 200
    assert answer["Content-Encoding"] == "gzip"
    assert "immutable" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]
    assert gzip.decompress(answer.content) == voxels.tobytes()
    item.reading.refresh_from_db()
    stored = item.reading.content["segmentations"]
    assert stored == content["segmentations"], "what is kept is what was sent"


def test_a_draft_without_segmentations_is_what_it_was(item, reader):
    assert send(reader, item, EMPTY, 0).status_code == 200
    item.reading.refresh_from_db()
    assert item.reading.content == EMPTY


def test_a_draft_that_names_what_is_not_here_says_which_images(item, reader):
    series, sops = series_of(item)
    here, not_here = drawn((0, 0, 1)), drawn((5, 5, 1))
    put_map(reader, item, here)
    maps = {f"{sops[0]}#1": here, f"{sops[2]}#1": not_here}
    content = {**EMPTY, "segmentations": [segmentation(series, maps)]}
    refused = send(reader, item, content, 0)
    assert refused.status_code == 422
    assert refused.json()["code"] == "unknown_slices"
    assert refused.json()["missing"] == [f"{sops[2]}#1"]
    put_map(reader, item, not_here)
    assert send(reader, item, content, 0).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"segments": []}, "slices"),
        ({"rows": 9, "columns": 6}, ""),
        ({"series_uid": "1.2.999"}, "series_uid"),
        ({"id": "x"}, "id"),
        ({"rows": 0}, "rows"),
        ({"segments": [segment(1), segment(1)]}, "segments"),
        ({"segments": [segment(0)]}, "segments[0].number"),
        ({"segments": [segment(1, colour="red")]}, "segments[0].colour"),
        ({"segments": [segment(1, label={"code": "1"})]}, "segments[0].label"),
        ({"segments": [segment(1, source={"kind": "moon"})]}, "segments[0].source"),
        ({"slices": {"1.2.3#0": "0" * 64}}, "slices"),
        ({"slices": {"9.9.9#1": "0" * 64}}, "slices.9.9.9#1"),
        ({"slices": {"1.2.3.4.1#1": "X" * 64}}, "slices.1.2.3.4.1#1"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_field_is_named(item, reader, change, field):
    series, sops = series_of(item)
    voxels = drawn((1, 2, 1))
    put_map(reader, item, voxels)
    one = {**segmentation(series, {f"{sops[0]}#1": voxels}), **change}
    refused = send(reader, item, {**EMPTY, "segmentations": [one]}, 0)
    body = refused.json()
    if not field:
        assert refused.status_code == 422
        return
    assert refused.status_code == 400
    assert body["field"].startswith(f"content.segmentations[0].{field}"), body


def test_one_series_has_one_segmentation(item, reader):
    series, _ = series_of(item)
    two = [segmentation(series, {}), segmentation(series, {})]
    refused = send(reader, item, {**EMPTY, "segmentations": two}, 0)
    assert refused.status_code == 400


# --- what may be put


def test_a_bomb_is_given_up_at_its_first_byte_too_many(item, reader):
    voxels = drawn((0, 0, 1))
    bomb = gzip.compress(bytes(200_000_000), compresslevel=9)
    assert len(bomb) < 300_000
    refused = put_map(reader, item, voxels, body=bomb)
    assert refused.status_code == 422
    assert refused.json()["code"] == "bad_slice"


def test_a_body_that_is_too_large_is_not_read(item, reader):
    refused = put_map(reader, item, drawn((0, 0, 1)), body=bytes(9_000_000))
    assert refused.status_code == 413


@pytest.mark.parametrize(
    ("rows", "columns"),
    [("", "9"), ("6", "-9"), ("6", "9e1"), ("0", "9"), ("16385", "1")],
)
def test_a_size_that_is_none(item, reader, rows, columns):
    answer = put_map(
        reader, item, drawn((0, 0, 1)), **{"X-Rows": rows, "X-Columns": columns}
    )
    assert answer.status_code == 400


def test_another_name_or_size_than_the_bytes(item, reader, folder):
    voxels = drawn((2, 2, 1))
    other = hash_of(drawn((2, 2, 2)))
    assert put_map(reader, item, voxels, sha256=other).json()["code"] == "hash_mismatch"
    shorter = put_map(reader, item, voxels, **{"X-Rows": "5"})
    assert shorter.json()["code"] == "bad_slice"
    longer = put_map(reader, item, voxels, **{"X-Rows": "7"})
    assert longer.json()["code"] == "bad_slice"
    assert put_map(reader, item, voxels, sha256="../../etc/passwd").status_code == 404
    assert put_map(reader, item, voxels, sha256="A" * 64).status_code == 400
    assert not folder.exists()
    assert not SegmentSlice.objects.exists()


VOXELS = bytes(range(54))


def unpacked(body):
    """Return what a body unpacks to; None when it is refused in words."""
    codes = []
    try:
        return inflate(body, size=len(VOXELS))
    except DomainError as error:
        codes.append(error.code)
    assert codes == ["bad_slice"]
    return None


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=200))
def test_no_bytes_are_taken_that_are_no_gzip(body):
    assert unpacked(body) is None


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_spoilt_gzip_is_refused_or_gives_exactly_its_size(data):
    """Bytes changed, cut or added: never a crash, never another length."""
    packed = bytearray(gzip.compress(VOXELS, mtime=0))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(packed) - 1))
        packed[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(packed)))
    body = bytes(packed[:cut]) + data.draw(st.binary(max_size=9))
    found = unpacked(body)
    assert found is None or len(found) == len(VOXELS)


def test_what_else_a_gzip_file_carries_is_not_kept(item, reader):
    """A second member is refused; a file name inside the header is not stored."""
    voxels = drawn((0, 0, 1))
    two = gzip.compress(voxels.tobytes()) + gzip.compress(b"")
    assert put_map(reader, item, voxels, body=two).json()["code"] == "bad_slice"
    packer = zlib.compressobj(wbits=-15)
    deflated = packer.compress(voxels.tobytes()) + packer.flush()
    named = b"\x1f\x8b\x08\x08\0\0\0\0\0\xffDoe^Jane\0" + deflated
    named += zlib.crc32(voxels.tobytes()).to_bytes(4, "little")
    named += len(voxels.tobytes()).to_bytes(4, "little")
    assert put_map(reader, item, voxels, body=named).status_code == 201
    assert b"Jane" not in segment_path(sha256=hash_of(voxels)).read_bytes()


# --- who may


def test_without_the_lease_nothing_is_taken(department, item, reader):
    voxels = drawn((0, 0, 1))
    other = client_for(department.person(Role.RADIOLOGIST, "second"))
    refused = put_map(other, item, voxels)
    assert refused.status_code == 409
    assert refused.json()["code"] == "lease_lost"
    reader.delete(f"/api/worklist/items/{item.id}/lease")
    assert put_map(reader, item, voxels).json()["code"] == "lease_lost"
    assert not SegmentSlice.objects.exists()


def test_a_colleagues_draft_is_not_shown_and_not_named(department, item, reader):
    """Knowing the hash of what somebody drew is not enough to see it."""
    voxels = drawn((3, 3, 1))
    put_map(reader, item, voxels)
    second = client_for(department.person(Role.RADIOLOGIST, "second"))
    assert get(second, item, voxels).status_code == 404
    twin = second_read(item, make_protocol(department, "concurrent"))
    assert second.post(f"/api/worklist/items/{twin.id}/lease").status_code == 200
    series, sops = series_of(item)
    content = {
        **EMPTY,
        "segmentations": [segmentation(series, {f"{sops[0]}#1": voxels})],
    }
    assert send(second, twin, content, 0).json()["code"] == "unknown_slices"


def sign(reader, item, *maps, version=0, **parts):
    series, sops = series_of(item)
    for voxels in maps:
        put_map(reader, item, voxels)
    named = {f"{sop}#1": voxels for sop, voxels in zip(sops, maps, strict=False)}
    one = {**segmentation(series, named), **parts}
    content = {**EMPTY, "segmentations": [one]}
    answer = send(reader, item, content, version, verb="sign", method="post")
    assert answer.status_code == 200, answer.content
    return one


def test_signed_it_is_shown_to_whoever_may_see_the_study(
    department, item, reader, broker
):
    voxels = drawn((3, 3, 1))
    one = sign(reader, item, voxels)
    assert Segmentation.objects.get().hashes == [hash_of(voxels)]
    second = client_for(department.person(Role.RADIOLOGIST, "second"))
    path = f"/api/studies/{item.case.revision.study_id}/segmentations"
    found = second.get(path).json()
    assert found["hidden_reason"] == ""
    assert found["items"][0]["slices"] == one["slices"]
    assert found["items"][0]["signed_by"] == department.reader.display_name
    assert gzip.decompress(get(second, item, voxels).content) == voxels.tobytes()
    lead = client_for(department.person(Role.CLINICAL_LEAD, "lead"))
    assert lead.get(path).status_code == 403


def test_signed_it_is_hidden_while_somebody_still_reads(
    department, item, reader, broker
):
    voxels = drawn((3, 3, 1))
    sign(reader, item, voxels)
    second_read(item, make_protocol(department, "after_commit"))
    second = client_for(department.person(Role.RADIOLOGIST, "second"))
    path = f"/api/studies/{item.case.revision.study_id}/segmentations"
    found = second.get(path).json()
    assert found["items"] == []
    assert "hidden" in found["hidden_reason"]
    assert get(second, item, voxels).status_code == 404
    assert get(reader, item, voxels).status_code == 200, "one's own is one's own"


def test_what_may_be_an_ais_is_shown_as_ai_is(department, item, reader, broker):
    """Copied from a model or from PACS, and signed, it tells what that one found."""
    protocol = make_protocol(department, "none")
    item.case.protocol = protocol
    item.case.save()
    copied, voxels = {"kind": "foreign", "sop_uid": "1.2.3"}, drawn((3, 3, 1))
    sign(reader, item, voxels, segments=[segment(1, source=copied)])
    second = client_for(department.person(Role.RADIOLOGIST, "second"))
    path = f"/api/studies/{item.case.revision.study_id}/segmentations"
    assert second.get(path).json() == {"items": [], "hidden_reason": ""}
    assert get(second, item, voxels).status_code == 404
    protocol.display_mode = "concurrent"
    protocol.save()
    assert len(second.get(path).json()["items"]) == 1
    assert get(second, item, voxels).status_code == 200


def test_a_signed_reading_takes_nothing_more(item, reader, broker):
    sign(reader, item, drawn((3, 3, 1)))
    assert put_map(reader, item, drawn((1, 1, 1))).status_code == 409


def test_an_unaided_read_copies_nothing(department, item):
    blinded = place(
        department,
        revision=make_revision(department, modality="CT", sop_uids=["1.2.7.1"]),
        protocol=make_protocol(department, "after_commit"),
    )
    client = client_for(department.reader)
    assert client.post(f"/api/worklist/items/{blinded.id}/lease").status_code == 200
    series, sops = series_of(blinded)
    voxels = drawn((1, 1, 1))
    put_map(client, blinded, voxels)
    one = segmentation(series, {f"{sops[0]}#1": voxels})
    copied = {**one, "segments": [segment(1, source={"kind": "ai"})]}
    refused = send(client, blinded, {**EMPTY, "segmentations": [copied]}, 0)
    assert refused.status_code == 400
    assert refused.json()["field"].endswith("segments[0].source")
    own = {**EMPTY, "segmentations": [one]}
    committed = send(client, blinded, own, 0, verb="commit", method="post")
    assert committed.status_code == 200, committed.content
    kept = committed.json()["reading"]["unaided"]["content"]["segmentations"]
    assert kept[0]["slices"] == one["slices"]
    now_copied = {**EMPTY, "segmentations": [copied]}
    assert send(client, blinded, now_copied, 1).status_code == 200


def test_two_saves_at_once_show_both(item, reader):
    first, second = drawn((1, 1, 1)), drawn((2, 2, 1))
    for voxels in (first, second):
        put_map(reader, item, voxels)
    assert send(reader, item, content_of(item, first), 0).status_code == 200
    late = send(reader, item, content_of(item, second), 0)
    assert late.status_code == 412
    there = late.json()["current"]["content"]["segmentations"][0]["slices"]
    assert list(there.values()) == [hash_of(first)]
    assert get(reader, item, second).status_code == 200, (
        "neither side's voxels are lost"
    )


# --- what nobody named


def test_what_no_draft_named_for_a_day_is_forgotten(item, reader, folder):
    series, sops = series_of(item)
    named, unnamed, fresh = drawn((1, 1, 1)), drawn((2, 2, 1)), drawn((3, 3, 1))
    for voxels in (named, unnamed, fresh):
        put_map(reader, item, voxels)
    content = {
        **EMPTY,
        "segmentations": [segmentation(series, {f"{sops[0]}#1": named})],
    }
    assert send(reader, item, content, 0).status_code == 200
    # Undone, but not for good:
    assert send(reader, item, EMPTY, 1).status_code == 200
    old = clock.now() - timedelta(days=1, seconds=1)
    SegmentSlice.objects.exclude(sha256=hash_of(fresh)).update(created_at=old)
    assert forget_slices() == 1
    assert get(reader, item, unnamed).status_code == 404
    assert not segment_path(sha256=hash_of(unnamed)).exists()
    for voxels in (named, fresh):
        assert get(reader, item, voxels).status_code == 200
    assert AuditRecord.objects.filter(event="segment:remove").count() == 1
    assert forget_slices() == 0
    assert put_map(reader, item, unnamed).status_code == 201


def test_a_file_that_others_need_stays(department, item, reader):
    voxels = drawn((2, 2, 1))
    put_map(reader, item, voxels)
    elsewhere = place(
        department,
        revision=make_revision(department, modality="CT", sop_uids=["1.2.8.1"]),
    )
    second = client_for(department.person(Role.RADIOLOGIST, "second"))
    assert second.post(f"/api/worklist/items/{elsewhere.id}/lease").status_code == 200
    assert put_map(second, elsewhere, voxels).status_code == 201
    old = clock.now() - timedelta(days=2)
    SegmentSlice.objects.filter(reader=department.reader).update(created_at=old)
    assert forget_slices() == 1
    assert get(reader, item, voxels).status_code == 404
    assert get(second, elsewhere, voxels).status_code == 200


def test_putting_it_again_begins_its_day_again(item, reader):
    voxels = drawn((2, 2, 1))
    put_map(reader, item, voxels)
    SegmentSlice.objects.update(created_at=clock.now() - timedelta(days=2))
    assert put_map(reader, item, voxels).status_code == 200
    assert forget_slices() == 0


def test_a_damaged_file_heals(item, reader):
    voxels = drawn((2, 2, 1))
    put_map(reader, item, voxels)
    path = segment_path(sha256=hash_of(voxels))
    path.write_bytes(path.read_bytes()[:-3])
    assert put_map(reader, item, voxels).status_code == 200
    assert gzip.decompress(get(reader, item, voxels).content) == voxels.tobytes()


# --- amended


def test_an_amendment_begins_with_the_signed_voxels(department, item, reader, broker):
    """Also that of a colleague, who never put them."""
    kept, changed = drawn((3, 3, 1)), drawn((4, 4, 1))
    one = sign(reader, item, kept)
    lead = department.person(Role.RADIOLOGIST, "second")
    grant_membership(
        actor=SYSTEM,
        user_id=lead.pk,
        site_id=department.site.pk,
        role=Role.CLINICAL_LEAD,
    )
    second = client_for(lead)
    path = f"/api/worklist/items/{item.id}"
    opened = second.post(
        f"{path}/amend",
        data=json.dumps({"reason_code": "addition", "reason_text": ""}),
        content_type="application/json",
    )
    assert opened.status_code == 200, opened.content
    reading = opened.json()["reading"]
    assert reading["content"]["segmentations"][0]["slices"] == one["slices"]
    assert gzip.decompress(get(second, item, kept).content) == kept.tobytes()
    _, sops = series_of(item)
    assert put_map(second, item, changed).status_code == 201
    more = {**one, "slices": {**one["slices"], f"{sops[1]}#1": hash_of(changed)}}
    content = {**EMPTY, "segmentations": [more]}
    saved = send(second, item, content, reading["version"])
    assert saved.status_code == 200, saved.content
    signed = send(
        second, item, content, saved.json()["version"], verb="sign", method="post"
    )
    assert signed.status_code == 200, signed.content
    path = f"/api/studies/{item.case.revision.study_id}/segmentations"
    [found] = reader.get(path).json()["items"]
    assert found["slices"] == more["slices"], "what was amended speaks no more"
