"""The network of findings: what its parts promise, and its boxes on the film."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workers.inference.predict import explain, predict, prepare_images
from workers.models.finding_net import FindingNet, Places
from workers.models.package import ModelPackage
from workers.models.registry import build
from workers.pixels.image import DisplayImage, ImageHeader

PARAMS = {
    "n_labels": 3,
    "stem": 4,
    "widths": [8, 8, 8],
    "depths": [1, 1, 1],
    "map_width": 8,
}
CARD = {
    "labels": [{"code": str(k), "threshold": 0.0} for k in range(3)],
    "calibration": {"labels": [{"slope": 1.0, "intercept": 0.0}] * 3},
    "preprocessing": [
        {"name": "squeeze_resize", "height": 96, "width": 96},
        {"name": "standardise", "epsilon": 1e-3},
    ],
}


@pytest.fixture
def package():
    torch.manual_seed(2)
    module = build("finding_net", **PARAMS).eval()
    return ModelPackage(card=CARD, module=module, package_hash="0" * 64)


def film(rows=240, columns=300):
    values = np.random.default_rng(1).random((rows, columns), dtype=np.float32)
    header = ImageHeader(
        sop_uid="1.2.3",
        sop_class_uid="1.2",
        modality="DX",
        view="PA",
        image_type=(),
        is_for_processing=False,
        instance_number=1,
        rows=rows,
        columns=columns,
        n_frames=1,
        samples=1,
        pixel_spacing=None,
    )
    return DisplayImage(header=header, frame=1, values=values, voi="window")


def test_its_shapes_and_that_boxes_surround_their_cells(package):
    module = package.film_module
    features = module.features(torch.randn(2, 1, 96, 96))
    assert module.classify_members(features).shape == (1, 2, 3)
    assert module.pool(features).shape == (2, 16)
    places = module.places(features)
    assert places.odds.shape == (2, 3, 12, 12)
    assert places.boxes.shape == (2, 3, 4, 12, 12)
    centre = (torch.arange(12) + 0.5) / 12
    left, top, right, bottom = places.boxes.unbind(2)
    assert (left < centre[None, None, None, :]).all()
    assert (right > centre[None, None, None, :]).all()
    assert (top < centre[None, None, :, None]).all()
    assert (bottom > centre[None, None, :, None]).all()


def test_one_plain_cell_is_enough_for_the_label(package):
    """A nodule is one cell of many: it must move the study's logit."""
    module = package.film_module
    features = torch.zeros(1, 8, 12, 12)
    with torch.no_grad():
        module.whole.weight.zero_()
        module.cells.weight.fill_(1.0)
    quiet = module.classify(features)
    features[0, :, 4, 7] = 2.0
    assert (module.classify(features) > quiet + 2.0).all()


def test_a_box_is_said_in_the_films_own_pixels(package, monkeypatch):
    odds = torch.full((1, 3, 12, 12), -6.0)
    odds[0, 1, 3, 9] = 6.0
    boxes = torch.zeros(1, 3, 4, 12, 12)
    boxes[0, 1, :, 3, 9] = torch.tensor([0.70, 0.20, 0.90, 0.45])
    monkeypatch.setattr(
        FindingNet, "places", lambda self, features: Places(odds=odds, boxes=boxes)
    )
    image = film()
    (prepared,) = prepare_images(package, [image])
    device = torch.device("cpu")
    found = explain(
        package, prepared, image.header, label=1, is_positive=True, device=device
    )
    assert found.box == ((210.0, 48.0), (270.0, 108.0))
    rows, columns = found.saliency.values.shape
    place = np.unravel_index(found.saliency.values.argmax(), (rows, columns))
    assert (place[0] / rows * 12 // 1, place[1] / columns * 12 // 1) == (3, 9)
    unsure = explain(
        package, prepared, image.header, label=1, is_positive=False, device=device
    )
    assert unsure.box is None
    boxes[0, 1, :, 3, 9] = torch.tensor([-0.2, 0.2, 1.7, 0.45])
    cut = explain(
        package, prepared, image.header, label=1, is_positive=True, device=device
    )
    assert cut.box == ((0.0, 48.0), (300.0, 108.0))


def test_it_scores_every_label_of_its_card(package):
    image = film()
    found = predict(
        package, prepare_images(package, [image]), device=torch.device("cpu")
    )
    assert [score.label_code for score in found.scores] == ["0", "1", "2"]
    assert all(0 < score.probability < 1 for score in found.scores)
    assert all(score.uncertainty is None for score in found.scores)
    assert found.embedding.shape == (16,)
