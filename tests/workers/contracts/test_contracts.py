"""Every message survives the queue, and a message that is wrong says where."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.contract_checks import ContractError
from workers.contracts import (
    INFER_STATES,
    MASK_MEDIA_TYPE,
    ArtefactRef,
    BoxResult,
    FindingResult,
    InferRequest,
    InferResult,
    MaskRef,
    PackRequest,
    PackResult,
)

RUN = "6f1f3c55-2f5d-4f0e-8a5c-6d1b8f7d9a10"
SHA = "a" * 64

uuids = st.uuids().map(str)
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
uids = st.lists(st.integers(0, 999999), min_size=2, max_size=8).map(
    lambda parts: ".".join(map(str, parts))
)
shares = st.floats(0, 1)
scalars = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=9)
objects = st.dictionaries(
    st.text(min_size=1, max_size=8),
    scalars | st.lists(scalars, max_size=3) | st.floats(-1e6, 1e6),
    max_size=4,
)
ids = st.text("abcdef0123456789-", min_size=1, max_size=50)
tokens = st.text(max_size=60).map(lambda tail: f"secret-{tail}")
urls = st.just("http://127.0.0.1:18200") | st.just("https://portal.example/x")
timings = st.dictionaries(st.sampled_from(["fetch_s", "infer_s"]), st.floats(0, 1e6))

artefacts = st.builds(
    ArtefactRef,
    sha256=hashes,
    media_type=st.sampled_from(["image/png", "application/octet-stream"]),
    sop_uid=st.none() | uids,
    frame=st.none() | st.integers(1, 9999),
    meta=objects,
)
corners = st.tuples(st.floats(0, 1e4), st.floats(0, 1e4))
boxes = st.builds(
    lambda sop_uid, frame, corner, size: BoxResult(
        sop_uid=sop_uid,
        frame=frame,
        points=(corner, (corner[0] + size[0], corner[1] + size[1])),
    ),
    uids,
    st.integers(1, 99),
    corners,
    st.tuples(st.floats(1, 1e4), st.floats(1, 1e4)),
)
masks = st.builds(
    MaskRef,
    artefact=st.builds(ArtefactRef, sha256=hashes, media_type=st.just(MASK_MEDIA_TYPE)),
    series_uid=uids,
    sop_uids=st.lists(uids, min_size=1, max_size=4, unique=True).map(tuple),
    rows=st.integers(1, 4096),
    columns=st.integers(1, 4096),
    volume_ml=st.floats(0, 1e4),
)
findings = st.builds(
    FindingResult,
    label_code=st.text("abcdef0123456789", min_size=1, max_size=12),
    raw_score=st.floats(-50, 50),
    probability=shares,
    uncertainty=st.none() | shares,
    box=st.none() | boxes,
    saliency=st.none() | artefacts,
    mask=st.none() | masks,
)
done = st.builds(
    InferResult,
    run_id=uuids,
    package_hash=hashes,
    state=st.just("done"),
    quality=objects,
    findings=st.lists(findings, max_size=3, unique_by=lambda f: f.label_code).map(
        tuple
    ),
    embedding=st.none() | artefacts,
    timings=timings,
    device=st.text(max_size=20),
)
not_done = st.builds(
    InferResult,
    run_id=uuids,
    package_hash=hashes,
    state=st.sampled_from(sorted(INFER_STATES - {"done"})),
    reason=st.text(min_size=1, max_size=40),
    quality=objects,
)
messages = st.one_of(
    done,
    not_done,
    st.builds(
        PackRequest,
        request_id=ids,
        revision_id=uuids,
        token=tokens,
        portal_url=urls,
        source_hash=hashes,
    ),
    st.builds(
        InferRequest,
        run_id=uuids,
        revision_id=uuids,
        package_hash=hashes,
        token=tokens,
        portal_url=urls,
        priority=st.integers(0, 9),
        explain=st.lists(ids, max_size=3).map(tuple),
    ),
    st.builds(
        PackResult,
        request_id=ids,
        revision_id=uuids,
        state=st.just("ready"),
        n_series=st.integers(0, 99),
        n_bytes=st.integers(0, 2**40),
        timings=timings,
    ),
)


@given(messages)
def test_a_message_survives_the_queue(message):
    sent = json.dumps(message.to_message(), allow_nan=False)
    assert type(message).from_message(json.loads(sent)) == message


@given(messages, st.integers() | st.none() | st.text(max_size=3))
def test_another_version_is_refused(message, version):
    body = message.to_message() | {"version": version}
    if version == 1:
        return
    with pytest.raises(ContractError, match="version"):
        type(message).from_message(body)


@given(messages)
def test_a_token_is_never_shown(message):
    assert "secret-" not in repr(message)


def result(**changes):
    body = {"version": 1, "run_id": RUN, "package_hash": SHA, "state": "done"}
    return body | changes


FINDING = {"label_code": "x", "raw_score": 0.2, "probability": 0.3}
BOX = {"sop_uid": "1.2", "frame": 1, "points": [[1, 2], [3, 4]]}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"run_id": "42"}, "run_id"),
        ({"run_id": RUN.upper()}, "run_id"),
        ({"package_hash": "A" * 64}, "package_hash"),
        ({"state": "perhaps"}, "state"),
        ({"state": "failed"}, "reason"),
        ({"state": "failed", "reason": "x", "findings": [FINDING]}, "findings"),
        ({"findings": [FINDING, FINDING]}, "findings"),
        ({"findings": [FINDING | {"probability": 1.01}]}, "probability"),
        ({"findings": [FINDING | {"raw_score": float("nan")}]}, "raw_score"),
        ({"findings": [FINDING | {"raw_score": True}]}, "raw_score"),
        ({"findings": [FINDING | {"box": BOX | {"frame": 0}}]}, "frame"),
        (
            {"findings": [FINDING | {"box": BOX | {"points": [[3, 4], [1, 2]]}}]},
            "point",
        ),
        ({"findings": [FINDING | {"box": BOX | {"points": [[1, 2]]}}]}, "points"),
        ({"findings": [FINDING | {"box": [1]}]}, "BoxResult"),
        ({"findings": "none"}, "findings"),
        ({"embedding": {"sha256": "x", "media_type": "a/b"}}, "sha256"),
        ({"quality": {"x": float("inf")}}, "quality"),
        ({"timings": {"fetch_s": -1}}, "timings"),
        ({"patient_name": "no"}, "patient_name"),
    ],
)
def test_a_wrong_result_says_which_field(changes, names):
    with pytest.raises(ContractError, match=names):
        InferResult.from_message(result(**changes))


@pytest.mark.parametrize("message", [None, [], "x", 3, {}])
def test_what_is_no_message_is_refused(message):
    with pytest.raises(ContractError):
        InferResult.from_message(message)


def test_a_missing_field_is_named():
    with pytest.raises(ContractError, match="run_id"):
        InferRequest.from_message({"version": 1, "revision_id": RUN})
