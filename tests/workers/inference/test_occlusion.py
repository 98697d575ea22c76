"""Where a graph's findings come from: against NumPy, and through a worker."""

from __future__ import annotations

import hashlib
import io
import uuid

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from tests.factories.dicom import make_dx, to_bytes
from tests.fakes.portal import FakePortal
from workers.contracts import PRIORITY_MAX, InferRequest
from workers.inference.answering import answer
from workers.inference.engine import Engine
from workers.inference.occlusion import occlusion_maps
from workers.model_files import CARD_NAME, ONNX_NAME, hash_files, write_card, zip_files
from workers.models.package import load_package
from workers.saliency_card import Occlusion

MADE = np.random.default_rng(12)
FIRST = MADE.normal(size=(6, 24 * 20)).astype(np.float32) / 10
LAST = MADE.normal(size=(3, 6)).astype(np.float32)


def by_numpy(images):
    """Return the log odds, [N, 3], of films, [N, 1, 24, 20]."""
    return np.tanh(images.reshape(len(images), -1) @ FIRST.T) @ LAST.T


def ask(images):
    return torch.from_numpy(by_numpy(images.numpy()))


def places(side, *, patch, stride):
    """Return where a patch begins: every stride, the last one at the edge."""
    found = list(range(0, side - patch + 1, stride))
    return found if found[-1] == side - patch else [*found, side - patch]


def maps_by_hand(film, *, patch, stride, fill):
    """Return how far the log odds fall, averaged over the patches on each pixel."""
    _, rows, columns = film.shape
    total, times = np.zeros((3, rows, columns)), np.zeros((rows, columns))
    for row in places(rows, patch=patch, stride=stride):
        for column in places(columns, patch=patch, stride=stride):
            at = (slice(row, row + patch), slice(column, column + patch))
            covered = film.copy()
            covered[0][at] = film.mean() if fill == "mean_image" else fill
            fall = by_numpy(film[None])[0] - by_numpy(covered[None])[0]
            total[(slice(None), *at)] += fall[:, None, None]
            times[at] += 1
    return total / times


@pytest.mark.parametrize("fill", ["mean_image", -1.5])
@pytest.mark.parametrize(
    ("patch", "stride"), [(8, 4), (7, 3), (5, 5), (6, 1), (20, 20)]
)
def test_the_map_is_what_numpy_computes(patch, stride, fill):
    film = MADE.normal(size=(1, 24, 20)).astype(np.float32)
    asked = []

    def counted(images):
        asked.append(len(images))
        return ask(images)

    how = Occlusion(patch=patch, stride=stride, fill=fill)
    found = occlusion_maps(counted, torch.from_numpy(film), how=how, at_once=4)
    expected = maps_by_hand(film, patch=patch, stride=stride, fill=fill)
    assert found.shape == (3, 24, 20)
    assert found == pytest.approx(expected, abs=1e-5)
    assert max(asked) <= 4
    n_places = len(places(24, patch=patch, stride=stride)) * len(
        places(20, patch=patch, stride=stride)
    )
    assert sum(asked) == 1 + n_places


# --- through a worker

CODES = ["36118008", "233604007"]
FILM = MADE.normal(2000, 600, (240, 200)).clip(0, 4095)
FILM[20:100, 120:180] = 4000.0


def card(**changes):
    made = {
        "name": "corner",
        "version": "1",
        "intended_use": "detection",
        "labels": [
            {"scheme": "SCT", "code": code, "display": code, "threshold": 0.5}
            for code in CODES
        ],
        "input": {"kind": "film", "modalities": ["DX", "CR"]},
        "preprocessing": [
            {"name": "squeeze_resize", "height": 24, "width": 20},
            {"name": "standardise", "epsilon": 1e-3},
        ],
        "architecture": {"name": "onnx_film", "params": {"columns": [0, 1]}},
        "calibration": {
            "labels": [{"code": c, "slope": 1.0, "intercept": 0.0} for c in CODES]
        },
        "saliency": {"method": "occlusion", "patch": 6, "stride": 3},
    }
    return made | changes


def corner_graph():
    """Return a graph whose first label is how bright the upper right is."""
    weights = np.zeros((24 * 20, 2), dtype=np.float32)
    bright = np.zeros((24, 20), dtype=np.float32)
    bright[2:10, 12:18] = 0.1
    weights[:, 0], weights[:, 1] = bright.ravel(), -bright.ravel()
    made = helper.make_graph(
        [
            helper.make_node("Flatten", ["film"], ["pixels"]),
            helper.make_node("MatMul", ["pixels", "w"], ["odds"]),
        ],
        "corner",
        [helper.make_tensor_value_info("film", TensorProto.FLOAT, ["n", 1, 24, 20])],
        [helper.make_tensor_value_info("odds", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    return model.SerializeToString()


def answered(workplace, **given):
    changes = given.pop("card", {})
    files = {CARD_NAME: write_card(card(**changes)), ONNX_NAME: corner_graph()}
    film = make_dx(FILM.astype(np.uint16), window=(2048, 4096))
    portal = FakePortal(
        revision_id=str(uuid.uuid4()),
        token="scoped",
        instances={str(film.SOPInstanceUID): to_bytes(film)},
        models={hash_files(files): zip_files(files)},
    )
    request = InferRequest(
        run_id=str(uuid.uuid4()),
        revision_id=portal.revision_id,
        package_hash=hash_files(files),
        token="scoped",
        portal_url=portal.url,
        **given,
    )
    with portal:
        result = answer(
            InferRequest.from_message(request.to_message()), workplace=workplace
        )
    return result, portal, str(film.SOPInstanceUID)


def test_a_result_does_not_wait_for_its_reasons(workplace):
    result, portal, _ = answered(workplace)
    assert (result.state, result.reason) == ("done", "")
    assert [one.label_code for one in result.findings] == CODES
    assert {one.saliency for one in result.findings} == {None}
    assert not portal.artefacts


def test_what_was_found_is_shown_where_it_is(workplace):
    first, _, _ = answered(workplace)
    result, portal, sop_uid = answered(
        workplace, explain=(CODES[0],), priority=PRIORITY_MAX
    )
    assert (result.state, result.reason) == ("done", "")
    (finding,) = result.findings
    assert finding.label_code == CODES[0]
    assert finding.raw_score == pytest.approx(first.findings[0].raw_score, abs=1e-5)
    assert finding.box is None
    saliency = finding.saliency
    assert (saliency.sop_uid, saliency.frame) == (sop_uid, 1)
    assert saliency.meta == {
        "cut_off": 0.5,
        "columns": 200,
        "rows": 240,
        "method": "occlusion",
    }
    content = portal.artefacts[saliency.sha256]
    assert hashlib.sha256(content).hexdigest() == saliency.sha256
    grey = np.asarray(Image.open(io.BytesIO(content)), dtype=float)
    rows, columns = grey.shape
    inside = grey[rows * 2 // 24 : rows * 10 // 24, columns * 12 // 20 : -columns // 10]
    assert inside.mean() > 4 * grey.mean()
    assert grey[rows * 17 // 24 :, : columns * 7 // 20].max() == 0


def test_what_speaks_for_nothing_has_no_map(workplace):
    result, portal, _ = answered(workplace, explain=(CODES[1],))
    (finding,) = result.findings
    # Covering what is bright only makes the second label likelier.
    assert finding.raw_score < 0
    assert finding.saliency is None
    assert not portal.artefacts


def test_a_card_that_asks_for_none_gets_none(workplace):
    result, _, _ = answered(workplace, explain=(CODES[0],), card={"saliency": None})
    assert result.state == "rejected"
    assert "does not ask for occlusion" in result.reason


def test_it_gives_up_in_time(workplace):
    hurried = type(workplace)(
        **{
            name: getattr(workplace, name)
            for name in workplace.__dataclass_fields__
            if name != "explain_s"
        },
        explain_s=-1.0,
    )
    result, _, _ = answered(hurried, explain=(CODES[0],))
    assert result.state == "rejected"
    assert "others come first" in result.reason


def test_each_few_films_are_asked_for_by_themselves_and_last(workplace):
    seen = []

    class Watched(Engine):
        def judge(self, package, tensors, *, priority, coming=None):
            seen.append((len(tensors), priority))
            return super().judge(package, tensors, priority=priority, coming=coming)

    watched = Watched(device=workplace.device, threads=1)
    names = [n for n in workplace.__dataclass_fields__ if n != "engine"]
    slow = type(workplace)(
        **{name: getattr(workplace, name) for name in names}, engine=watched
    )
    result, _, _ = answered(slow, explain=(CODES[0],), priority=PRIORITY_MAX)
    watched.close()
    assert result.state == "done"
    assert {priority for _, priority in seen} == {PRIORITY_MAX}
    assert max(n for n, _ in seen) <= 2
    # The result's own film, the film as it is, and 7 x 6 places of the patch.
    assert sum(n for n, _ in seen) == 1 + 1 + 42


def test_the_card_of_a_package_is_checked_when_it_is_loaded():
    files = {
        CARD_NAME: write_card(
            card(saliency={"method": "occlusion", "patch": 1, "stride": 1})
        ),
        ONNX_NAME: corner_graph(),
    }
    with pytest.raises(ValueError, match="laid on 480 places"):
        load_package(zip_files(files))
