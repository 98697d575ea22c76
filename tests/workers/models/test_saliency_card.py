"""What a card may ask for of occlusion, and what it costs at most."""

from __future__ import annotations

import pytest

from workers.model_card import card_problems, read_card
from workers.saliency_card import MOST_PATCHES, Occlusion, count_patches

RESIZED = [{"name": "squeeze_resize", "height": 64, "width": 48}]
CARD = {
    "name": "m",
    "version": "1",
    "intended_use": "detection",
    "input": {"kind": "film"},
    "labels": [{"scheme": "SCT", "code": "1", "display": "One"}],
    "preprocessing": RESIZED,
}
ASKED = {"method": "occlusion", "patch": 16, "stride": 8}


def problems(saliency=None, **changes):
    said = {} if saliency is None else {"saliency": saliency}
    return card_problems(CARD | said | changes)


def test_it_is_read():
    assert read_card(CARD).saliency is None
    asked = read_card(CARD | {"saliency": ASKED}).saliency
    assert asked == Occlusion(patch=16, stride=8, fill="mean_image")
    grey = read_card(CARD | {"saliency": ASKED | {"fill": 0}}).saliency
    assert grey.fill == 0.0
    assert isinstance(grey.fill, float)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "gradients"}, "whose “method” is occlusion"),
        ({"patch": 0}, "patch and stride must be whole"),
        ({"patch": 16.5}, "patch and stride must be whole"),
        ({"stride": True}, "patch and stride must be whole"),
        ({"stride": 17}, "stride at most patch"),
        ({"fill": "black"}, "“saliency.fill” must be a number"),
        ({"fill": float("nan")}, "“saliency.fill” must be a number"),
        ({"blur": 1}, "blur is unknown"),
        ({"patch": 49, "stride": 20}, "at most 48, the film's side"),
        ({"patch": 4, "stride": 2}, "the patch would be laid on 713 places"),
    ],
)
def test_what_is_wrong_is_named(changes, words):
    (problem,) = problems(ASKED | changes)
    assert words in problem


def test_a_film_of_unknown_size_costs_nobody_knows_what():
    for steps in ([], [*RESIZED, {"name": "pad_square"}]):
        (problem,) = problems(ASKED, preprocessing=steps)
        assert "needs squeeze_resize" in problem
    assert not problems(ASKED, preprocessing=[{"name": "pad_square"}, *RESIZED])


def test_volumes_are_not_occluded():
    found = problems(ASKED, input={"kind": "volume"}, preprocessing=[])
    assert "“saliency”: occlusion is for films" in found


def test_the_last_place_is_at_the_edge():
    assert count_patches((64, 48), patch=16, stride=8) == 7 * 5
    assert count_patches((64, 48), patch=16, stride=10) == 6 * 5
    assert count_patches((16, 16), patch=16, stride=16) == 1
    assert count_patches((224, 224), patch=32, stride=16) == 169
    assert count_patches((224, 224), patch=32, stride=10) == 441 > MOST_PATCHES
