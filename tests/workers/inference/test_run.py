"""The workers against the machine API: what is asked, what comes back.

The same tests hold against the real portal: start it (`script/server`), register
the package, import the film, and build the requests from what
`apps.workflow.flow` sends; `tests/story` does that.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
import uuid
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch

from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from tests.fakes.portal import PUBLIC_KEY, SIGNING_KEY, FakePortal, _Handler
from workers.contracts import OUTDATED, InferRequest, InferResult, PackRequest
from workers.inference import films
from workers.inference.answering import answer, make_workplace
from workers.inference.engine import Engine
from workers.inference.pictures import load_pictures
from workers.inference.store import ModelStore, ModelUnavailableError
from workers.inference.trust import TrustedModels
from workers.inference.workplace import Gate
from workers.model_trust import AllowedPackage, make_key, sign_list
from workers.models.package import package_hash, save_package, write_package_zip
from workers.models.registry import build
from workers.portal_client import (
    PortalClient,
    PortalError,
    PortalUnavailableError,
)
from workers.settings import read_settings
from workers.tasks_pixels import make_pack

TOKEN = "scoped-token"
MEMBER = {"stem": 4, "widths": [8, 8], "depths": [1, 1]}
CARD = {
    "name": "test-model",
    "version": "1",
    "intended_use": "detection",
    "labels": [
        {"code": "233604007", "scheme": "SCT", "display": "Pneumonia", "threshold": 0.0}
    ],
    "input": {"modalities": ["CR", "DX"], "views_excluded": ["LL", "LATERAL"]},
    "preprocessing": [
        {"name": "squeeze_resize", "height": 96, "width": 96},
        {"name": "standardise", "epsilon": 1e-6},
    ],
    "architecture": {"name": "film_ensemble", "params": {"members": [MEMBER, MEMBER]}},
    "calibration": {"labels": [{"code": "233604007", "slope": 1.0, "intercept": 0.5}]},
}
FILM = (np.random.default_rng(3).normal(2000, 600, (240, 300))).clip(0, 4095)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    torch.manual_seed(0)
    module = build("film_ensemble", members=[MEMBER, MEMBER])
    save_package(folder, card=CARD, module=module)
    return folder


@pytest.fixture
def settings(tmp_path):
    return read_settings(
        {
            "OVERREAD_STATE_DIR": str(tmp_path),
            "OVERREAD_SHIPPED_MODELS": str(tmp_path / "none"),
            "OVERREAD_TORCH_THREADS": "1",
            "OVERREAD_MODEL_KEY": PUBLIC_KEY,
        }
    )


@pytest.fixture
def workplace(settings):
    found = make_workplace(settings)
    yield found
    found.decoder.close()


def film(**changes):
    return make_dx(FILM.astype(np.uint16), window=(2048, 4096), **changes)


def portal_with(datasets, package):
    return FakePortal(
        revision_id=str(uuid.uuid4()),
        token=TOKEN,
        instances={str(d.SOPInstanceUID): to_bytes(d) for d in datasets},
        models={package_hash(package): write_package_zip(package)},
    )


def ask(portal, package, workplace, **changes):
    given = {
        "run_id": str(uuid.uuid4()),
        "revision_id": portal.revision_id,
        "package_hash": package_hash(package),
        "token": TOKEN,
        "portal_url": portal.url,
    }
    request = InferRequest(**(given | changes))
    result = answer(request, workplace=workplace)
    again = InferResult.from_message(json.loads(json.dumps(result.to_message())))
    assert again == result
    assert result.run_id == request.run_id
    return result


def of_many_labels(folder, *, threshold):
    """Save a network of eight labels whose outputs differ."""
    labels = [
        {
            "code": str(number),
            "scheme": "SCT",
            "display": f"Finding {number}",
            "threshold": threshold,
        }
        for number in range(8)
    ]
    architecture = {
        "name": "xrv_densenet",
        "params": {"n_outputs": 8, "growth": 4, "blocks": [1, 1], "stem": 8},
    }
    torch.manual_seed(2)
    module = build("xrv_densenet", **architecture["params"])
    module.classifier.weight.data.abs_()  # so that something speaks for each label
    card = CARD | {
        "labels": labels,
        "architecture": architecture,
        "calibration": {
            "labels": [
                {"code": label["code"], "slope": 1.0, "intercept": 0.0}
                for label in labels
            ]
        },
    }
    save_package(folder, card=card, module=module)
    return folder


@pytest.mark.parametrize(("threshold", "n"), [(1.0, 5), (0.0, 8)])
def test_it_is_drawn_why_for_what_is_there_and_for_the_most_probable(
    threshold, n, tmp_path, workplace
):
    package = of_many_labels(tmp_path / "package", threshold=threshold)
    with portal_with([film()], package) as portal:
        result = ask(portal, package, workplace)
    findings = sorted(result.findings, key=lambda finding: -finding.probability)
    assert len(findings) == 8
    assert [f.saliency is not None for f in findings] == [True] * n + [False] * (8 - n)


def test_no_pixels_are_kept_while_a_study_waits_for_the_network(
    package, workplace, monkeypatch
):
    loaded, at_the_engine = [], []

    def load(*args, **more):
        found = load_pictures(*args, **more)
        loaded.extend(weakref.ref(one.values) for one in found)
        return found

    def judge(*args, **more):
        at_the_engine.extend(ref() for ref in loaded)
        return Engine.judge(workplace.engine, *args, **more)

    monkeypatch.setattr(films, "load_pictures", load)
    monkeypatch.setattr(workplace.engine, "judge", judge)
    with portal_with([film()], package) as portal:
        assert ask(portal, package, workplace).state == "done"
    assert at_the_engine == [None]


def test_files_of_few_films_are_in_memory_however_many_are_in_hand(
    package, workplace, monkeypatch
):
    in_memory, most, lock = [], [], threading.Lock()

    def fetch(*args):
        with lock:
            in_memory.append(1)
            most.append(len(in_memory))
        time.sleep(0.05)
        return fetched(*args)

    def load(*args, **more):
        found = load_pictures(*args, **more)
        with lock:
            in_memory.pop()
        return found

    fetched = films._fetch
    monkeypatch.setattr(films, "_fetch", fetch)
    monkeypatch.setattr(films, "load_pictures", load)
    few = replace(workplace, films=Gate(2))
    with portal_with([film()], package) as portal, ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask, portal, package, few) for _ in range(6)]
        assert [one.result().state for one in asked] == ["done"] * 6
    assert max(most) == 2


def test_a_film_is_judged(package, workplace):
    dataset = film()
    with portal_with([dataset], package) as portal:
        result = ask(portal, package, workplace)
    assert (result.state, result.reason) == ("done", "")
    (finding,) = result.findings
    assert finding.label_code == "233604007"
    expected = 1 / (1 + np.exp(-(finding.raw_score + 0.5)))
    assert finding.probability == pytest.approx(expected, abs=1e-6)
    assert 0 <= finding.uncertainty <= 1
    parts = {"fetch_s", "prepare_s", "infer_s", "explain_s", "store_s"}
    assert set(result.timings) == parts
    assert result.device

    assert finding.saliency.sop_uid == str(dataset.SOPInstanceUID)
    assert finding.saliency.meta == {"cut_off": 0.5, "columns": 300, "rows": 240}
    (left, top), (right, bottom) = finding.box.points
    assert 0 <= left < right <= 300
    assert 0 <= top < bottom <= 240

    stored = portal.artefacts
    assert stored[finding.saliency.sha256].startswith(b"\x89PNG")
    vector = np.load(io.BytesIO(stored[result.embedding.sha256]))
    assert vector.dtype == np.float32
    assert vector.shape == (16,)


def test_the_same_study_gives_the_same_answer(package, workplace):
    with portal_with([film()], package) as portal:
        first = ask(portal, package, workplace)
        stored = dict(portal.artefacts)
        second = ask(portal, package, workplace)
    assert second.findings == first.findings
    assert second.embedding == first.embedding
    assert portal.artefacts == stored


def test_both_polarities_get_one_answer(package, workplace):
    plain = film()
    turned = make_dx(
        4095 - FILM.astype(np.uint16), photometric="MONOCHROME1", window=(2048, 4096)
    )
    scores = []
    for dataset in (plain, turned):
        with portal_with([dataset], package) as portal:
            scores.append(ask(portal, package, workplace).findings[0].raw_score)
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_the_lateral_is_left_out(package, workplace):
    frontal, lateral = film(), film(view="LL", instance_number=2)
    with portal_with([frontal, lateral], package) as portal:
        result = ask(portal, package, workplace)
    judged = [image["sop_uid"] for image in result.quality["images"]]
    assert judged == [str(frontal.SOPInstanceUID)]


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (film(view="LL"), "view"),
        (make_ct_series(n_slices=1)[0], "kind"),
        (make_dx(np.full((240, 300), 900, np.uint16)), "blank"),
        (make_dx(FILM[:100, :100].astype(np.uint16)), "at least 128"),
    ],
)
def test_what_the_model_may_not_judge_is_rejected(package, workplace, dataset, words):
    with portal_with([dataset], package) as portal:
        result = ask(portal, package, workplace)
    assert result.state == "rejected"
    assert words in result.reason
    assert result.findings == ()
    assert portal.artefacts == {}


def test_a_damaged_file_is_rejected_in_words(package, workplace):
    dataset = film()
    with portal_with([dataset], package) as portal:
        uid = str(dataset.SOPInstanceUID)
        portal.instances[uid] = portal.instances[uid][:-5000]
        result = ask(portal, package, workplace)
    assert result.state == "rejected"
    assert "incomplete" in result.reason


def test_another_model_than_asked_is_not_run(package, workplace):
    wanted = "b" * 64
    with portal_with([film()], package) as portal:
        portal.models[wanted] = portal.models[package_hash(package)]
        portal.allowed = [wanted]
        result = ask(portal, package, workplace, package_hash=wanted)
    assert result.state == "failed"
    assert "hash" in result.reason


def test_a_refusal_is_failed_and_not_asked_again(package, workplace):
    with portal_with([film()], package) as portal:
        result = ask(portal, package, workplace, token="forged")
        assert len(portal.requests) == 1
    assert result.state == "failed"
    assert "403" in result.reason
    assert "forged" not in result.reason


def test_nothing_of_the_patient_comes_back_or_goes_into_an_address(package, workplace):
    dataset = film(patient_name="Verysecret^Name", patient_id="SECRET-77")
    with portal_with([dataset], package) as portal:
        result = ask(portal, package, workplace)
        said = json.dumps(result.to_message()) + json.dumps(portal.requests)
    assert "ecret" not in said
    assert "SECRET" not in said


# --- the client


def client(portal, **changes):
    given = {
        "portal_url": portal.url,
        "token": TOKEN,
        "revision_id": portal.revision_id,
        "first_pause_s": 0.01,
    }
    return PortalClient(**(given | changes))


def test_a_portal_that_restarts_is_asked_again(package):
    dataset = film()
    with portal_with([dataset], package) as portal, client(portal) as found:
        portal.fail_next = [502, 503, 500]
        assert len(found.list_instances()) == 1
        assert len(portal.requests) == 4


def test_a_portal_that_stays_away_is_said_to(package):
    with portal_with([film()], package) as portal, client(portal) as found:
        portal.fail_next = [503] * 9
        with pytest.raises(PortalUnavailableError):
            found.list_instances()
    lost = PortalClient(
        portal_url="http://127.0.0.1:9",
        token=TOKEN,
        revision_id=str(uuid.uuid4()),
        first_pause_s=0.01,
    )
    with lost, pytest.raises(PortalUnavailableError, match="ConnectError"):
        lost.list_instances()


def test_a_refusal_is_final(package):
    with portal_with([film()], package) as portal, client(portal) as found:
        with pytest.raises(PortalError) as caught:
            found.read_instance("1.2.3.4")
        assert caught.value.status == 404
        assert caught.value.code == "not_found"
        assert len(portal.requests) == 1


@pytest.mark.parametrize("refused", ["models/allowed", "inputs", "artefacts"])
def test_a_token_that_has_ended_is_an_answer_of_its_own(
    refused, package, workplace, monkeypatch
):
    """At the first question, at the images, or when what was made is stored."""
    ended = 403, {"code": "token_expired", "detail": "This worker token has ended."}
    own = _Handler._refusal
    over = []

    def refuse(handler):
        over.extend([True] * handler.path.endswith(refused))
        return ended if over else own(handler)

    monkeypatch.setattr(_Handler, "_refusal", refuse)
    with portal_with([film()], package) as portal:
        result = ask(portal, package, workplace)
    assert over
    assert (result.state, result.reason) == ("failed", OUTDATED)


def test_instances_come_in_order_and_few_at_a_time(package):
    datasets = make_ct_series(n_slices=12)
    with portal_with(datasets, package) as portal, client(portal) as found:
        refs = found.list_instances()
        seen = []
        for ref, content in found.read_instances(refs):
            assert content == portal.instances[ref.sop_uid]
            seen.append(ref.sop_uid)
            assert len(portal.requests) <= len(seen) + 7
    assert seen == [ref.sop_uid for ref in refs]


def test_many_instances_take_few_requests(package):
    with portal_with(make_ct_series(n_slices=19), package) as portal:
        with client(portal) as found:
            refs = found.list_instances()
            before = len(portal.requests)
            files = dict(found.read_instances(refs))
        assert [files[ref] for ref in refs] == list(portal.instances.values())
        assert [verb for verb, _ in portal.requests[before:]] == ["POST"] * 3


def test_what_does_not_come_together_is_asked_for_again(package):
    """The portal gives as many of the first as go into one answer."""
    with portal_with(make_ct_series(n_slices=5), package) as portal:
        portal.together = 2
        with client(portal) as found:
            refs = found.list_instances()
            files = dict(found.read_instances(refs))
        assert [files[ref] for ref in refs] == list(portal.instances.values())
        assert [verb for verb, _ in portal.requests[1:]] == ["POST", "POST", "GET"]


def test_an_artefact_is_named_by_its_hash(package):
    with portal_with([film()], package) as portal, client(portal) as found:
        ref = found.store_artefact(b"bytes", media_type="image/png", meta={"x": 1})
    assert ref.sha256 == hashlib.sha256(b"bytes").hexdigest()
    assert portal.artefacts == {ref.sha256: b"bytes"}


def test_the_token_is_in_the_header_only(package, caplog):
    seen = []

    def handle(request):
        seen.append(request)
        return httpx.Response(200, json={"instances": []})

    caplog.set_level("DEBUG")
    with PortalClient(
        portal_url="http://portal.test/",
        token="very-private-token",
        revision_id=str(uuid.uuid4()),
        transport=httpx.MockTransport(handle),
    ) as found:
        found.list_instances()
    assert seen[0].headers["Authorization"] == "Bearer very-private-token"
    assert "very-private-token" not in str(seen[0].url)
    assert "very-private-token" not in caplog.text


# --- models


def store_in(tmp_path, *, shipped=None, public_key=PUBLIC_KEY):
    return ModelStore(
        trusted=TrustedModels(public_key=public_key, key_file=tmp_path / "signing.pub"),
        shipped=shipped or tmp_path / "none",
        cache=tmp_path / "cache",
        device=torch.device("cpu"),
    )


def allowing(*names, key=SIGNING_KEY, number=1):
    """Return what gives a signed list of packages."""
    entries = [
        AllowedPackage(package_hash=name, name="m", version="1", admitted_at="2026")
        for name in names
    ]
    content = sign_list(entries, number=number, issued_at="2026", private_key=key)
    return lambda: content


def refuse():
    raise AssertionError("it must not be fetched")


def test_a_model_is_fetched_once(tmp_path, package):
    name, content = package_hash(package), write_package_zip(package)
    store_in(tmp_path).get(name, fetch=lambda: content, fetch_list=allowing(name))
    kept = store_in(tmp_path)
    assert kept.get(name, fetch=refuse, fetch_list=allowing(name)).package_hash == name
    assert kept.get(name, fetch=refuse, fetch_list=allowing(name)) is kept.get(
        name, fetch=refuse, fetch_list=allowing(name)
    )


def test_a_damaged_cache_is_fetched_again(tmp_path, package):
    name, content = package_hash(package), write_package_zip(package)
    store_in(tmp_path).get(name, fetch=lambda: content, fetch_list=allowing(name))
    cached = tmp_path / "cache" / f"{name}.zip"
    cached.write_bytes(cached.read_bytes()[:-100])
    assert (
        store_in(tmp_path)
        .get(name, fetch=lambda: content, fetch_list=allowing(name))
        .package_hash
        == name
    )
    assert cached.read_bytes() == content


def test_a_shipped_model_is_ready_without_the_portal(tmp_path, package):
    found = store_in(tmp_path, shipped=package.parent)
    assert package_hash(package) in {one.package_hash for one in found.warm()}
    assert found.get(
        package_hash(package),
        fetch=refuse,
        fetch_list=allowing(package_hash(package)),
    )


def test_a_model_of_another_hash_is_refused(tmp_path, package):
    with pytest.raises(ModelUnavailableError, match="hash"):
        store_in(tmp_path).get(
            "c" * 64,
            fetch=lambda: write_package_zip(package),
            fetch_list=allowing("c" * 64),
        )
    assert not list(Path(tmp_path).rglob("*.zip"))


# --- only what the portal signed


def get(store, name, package, *, listed):
    content = write_package_zip(package)
    return store.get(name, fetch=lambda: content, fetch_list=listed)


def test_a_model_that_is_not_on_the_signed_list_is_refused(tmp_path, package):
    name = package_hash(package)
    with pytest.raises(ModelUnavailableError, match="not on the portal's signed list"):
        get(store_in(tmp_path), name, package, listed=allowing("d" * 64))
    assert not list(Path(tmp_path).rglob("*.zip"))


def test_a_list_of_another_key_or_changed_by_a_byte_is_refused(tmp_path, package):
    name = package_hash(package)
    with pytest.raises(ModelUnavailableError, match="not signed by this portal"):
        get(store_in(tmp_path), name, package, listed=allowing(name, key=make_key()))
    good = allowing("d" * 64)()
    forged = good.replace(b"d" * 64, name.encode())
    with pytest.raises(ModelUnavailableError, match="not signed by this portal"):
        get(store_in(tmp_path), name, package, listed=lambda: forged)


def test_an_older_list_brings_no_withdrawn_model_back(tmp_path, package):
    name, store = package_hash(package), store_in(tmp_path)
    get(store, name, package, listed=allowing(name, number=3))
    store._trusted._fetched_at = float("-inf")
    with pytest.raises(ModelUnavailableError, match="not on the portal's signed list"):
        get(store, name, package, listed=allowing(number=4))
    with pytest.raises(ModelUnavailableError, match="older"):
        get(store, name, package, listed=allowing(name, number=3))


def test_a_worker_without_a_key_loads_nothing(tmp_path, package):
    name = package_hash(package)
    store = store_in(tmp_path, public_key="")
    with pytest.raises(ModelUnavailableError, match="OVERREAD_MODEL_KEY"):
        get(store, name, package, listed=allowing(name))
    (tmp_path / "signing.pub").write_text(PUBLIC_KEY + "\n")
    assert get(store, name, package, listed=allowing(name)).package_hash == name


def test_a_run_of_an_unlisted_model_fails_with_the_reason(package, workplace):
    with portal_with([film()], package) as portal:
        portal.allowed = []
        result = ask(portal, package, workplace)
    assert result.state == "failed"
    assert "not on the portal's signed list" in result.reason


# --- packs over the same API


def pack_request(portal, **changes):
    given = {
        "request_id": "pack-1",
        "revision_id": portal.revision_id,
        "token": TOKEN,
        "portal_url": portal.url,
        "source_hash": "d" * 64,
    }
    return PackRequest(**(given | changes))


def test_a_pack_is_built_over_the_machine_api(package, settings, workplace):
    datasets = [film(), *make_ct_series(n_slices=6)]
    with portal_with(datasets, package) as portal:
        portal.fail_next = [503]
        result = make_pack(
            pack_request(portal), settings=settings, decoder=workplace.decoder
        )
    assert (result.state, result.reason) == ("ready", "")
    assert (result.n_series, result.n_instances, result.n_frames) == (2, 7, 7)
    assert (settings.packs_dir / portal.revision_id / "index.json").is_file()


def test_a_pack_that_may_not_be_built_says_so(package, settings, workplace):
    with portal_with([film()], package) as portal:
        result = make_pack(
            pack_request(portal, token="forged"),
            settings=settings,
            decoder=workplace.decoder,
        )
    assert result.state == "failed"
    assert "403" in result.reason
    assert list(settings.packs_dir.iterdir()) == []


def test_a_full_disk_is_said_in_words(package, settings, workplace):
    settings.packs_dir.parent.mkdir(parents=True, exist_ok=True)
    settings.packs_dir.write_text("a file where the folder should be")
    with portal_with([film()], package) as portal:
        result = make_pack(
            pack_request(portal), settings=settings, decoder=workplace.decoder
        )
    assert result.state == "failed"
    assert "disk" in result.reason
