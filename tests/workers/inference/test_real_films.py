"""Real films through the whole way of a worker: children, adults, recorded answers.

`OVERREAD_HELD_OUT=all` takes every held-out film instead of sixty.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import numpy as np
import pytest

from tests.factories.dicom import make_dx, to_bytes
from tests.fakes.portal import PUBLIC_KEY, FakePortal
from tests.workers.inference.plain import PlainModel
from workers.contracts import InferRequest, InferResult
from workers.inference.answering import answer, make_workplace
from workers.measures.auroc import auroc
from workers.models.package import (
    SHIPPED,
    load_package,
    package_hash,
    write_package_zip,
)
from workers.settings import read_settings
from workers.training import adults
from workers.training.chest14 import read_pixels, read_table, wrap
from workers.training.dataset import (
    films_of,
    iterate_images,
    list_images,
    parse_film,
    split_patients,
)
from workers.training.replay import any_finding, make_package

DATA = Path(__file__).parents[4] / "shared/data"
FILMS = DATA / "cxr_paediatric_train.zip"
ADULTS = DATA / "nih_cxr85"
PACKAGE = SHIPPED / "paediatric-pneumonia"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here"),
]


@pytest.fixture
def workplace(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    found = make_workplace(
        read_settings(
            {
                "OVERREAD_STATE_DIR": str(state),
                "OVERREAD_SHIPPED_MODELS": str(state / "none"),
                "OVERREAD_TORCH_THREADS": "1",
                "OVERREAD_MODEL_KEY": PUBLIC_KEY,
            }
        )
    )
    yield found
    found.decoder.close()


def ask(files, folder, workplace):
    """Send each file as a study of its own to a worker; return the answers."""
    name, content = package_hash(folder), write_package_zip(folder)
    answers = []
    for file in files:
        portal = FakePortal(
            revision_id=str(uuid.uuid4()),
            token="scoped-token",
            instances={"1.2.3": file},
            models={name: content},
        )
        with portal:
            result = answer(
                InferRequest(
                    run_id=str(uuid.uuid4()),
                    revision_id=portal.revision_id,
                    package_hash=name,
                    token=portal.token,
                    portal_url=portal.url,
                ),
                workplace=workplace,
            )
        message = json.loads(json.dumps(result.to_message()))
        assert InferResult.from_message(message) == result
        answers.append(result)
    return answers


def held_out():
    films = [parse_film(name) for name in list_images(FILMS)]
    seed = load_package(PACKAGE).card["training_data"]["split_seed"]
    parts = split_patients(films=films, seed=seed)
    chosen = films_of(films=films, parts=parts, part="held_out")
    if os.environ.get("OVERREAD_HELD_OUT") == "all":
        return chosen
    picks = np.random.default_rng(7).choice(len(chosen), 60, replace=False)
    return [chosen[int(k)] for k in np.sort(picks)]


def test_through_the_product_a_film_gets_what_a_plain_script_gives(workplace):
    chosen = held_out()
    images = [
        i for _, i in iterate_images(source=FILMS, names=[f.name for f in chosen])
    ]
    plain = [PlainModel(PACKAGE)] * len(images)
    expected = [model.judge(image) for model, image in zip(plain, images, strict=True)]
    files = (to_bytes(make_dx(i, age="004Y", sop_uid="1.2.3")) for i in images)
    answers = ask(files, PACKAGE, workplace)
    limit = plain[0].card["input_space"]["threshold"]
    worst = 0.0
    for result, (probability, distance) in zip(answers, expected, strict=True):
        assert result.state == ("rejected" if distance > limit else "done"), distance
        (image,) = result.quality["images"]
        (space,) = [c for c in image["checks"] if c["name"] == "input_space"]
        assert space["value"] == pytest.approx(distance, abs=0.05)
        if result.state == "done":
            worst = max(worst, abs(result.findings[0].probability - probability))
    assert worst < 1e-4
    outside = sum(result.state == "rejected" for result in answers)
    assert outside <= 0.1 * len(answers)
    truth = [film.positive for film in chosen]
    found = auroc(truth=truth, scores=[p for p, _ in expected])
    done = [k for k, result in enumerate(answers) if result.state == "done"]
    through = auroc(
        truth=[truth[k] for k in done],
        scores=[answers[k].findings[0].probability for k in done],
    )
    print(  # noqa: T201
        f"{len(answers)} films, {outside} outside, largest difference {worst:.1e}; "
        f"AUROC (DeLong) plain {found.value:.4f} [{found.low:.4f}, {found.high:.4f}], "
        f"through the product of the {len(done)} inside {through.value:.4f} "
        f"[{through.low:.4f}, {through.high:.4f}]"
    )
    card = plain[0].card["performance"]["held_out"]["auroc"]
    assert card["ci_low"] < card["value"] < card["ci_high"]
    assert found.low <= card["value"] <= found.high + 1e-9
    if len(chosen) == card_n(plain[0].card):
        assert found.value == pytest.approx(card["value"], abs=1e-3)


def card_n(card):
    return card["performance"]["held_out"]["n_images"]


def test_adults_are_outside_the_declared_population_and_the_distance_says_how_far():
    package = load_package(PACKAGE)
    judged = adults.judge_folder(package=package, data=ADULTS)
    found = adults.summarise(package=package, judged=judged)
    ages = [film.age_years for film in read_table(ADULTS)]
    assert found["n"] == 85
    assert (
        found["outside_declared_population"] == sum(not 1 <= a <= 5 for a in ages) == 84
    )
    for one, age in zip(judged, ages, strict=True):
        said = "outside the declared population" in "; ".join(one.quality.reasons)
        assert said == (not 1 <= age <= 5)
    assert found["outside_input_space"] >= 55
    assert found["distance"]["median"] > found["limit"] > found["own_kind"]["median"]
    assert found["auroc_of_distance"][0] > 0.97
    card = package.card["input_space"]
    assert card["held_out_outside"]["value"] < 0.03


def test_an_adult_is_not_analysed_and_the_record_says_why(workplace):
    films = [f for f in read_table(ADULTS) if f.age_years > 5][:3]
    files = [
        wrap(read_pixels(ADULTS, f), film=f, uids=("1.2.1", "1.2.2", "1.2.3"))
        for f in films
    ]
    for result in ask(files, PACKAGE, workplace):
        assert result.state == "rejected"
        assert result.reason.startswith("outside the declared population")
        assert result.findings == ()
        assert result.quality["verdict"] == "rejected"
        (image,) = result.quality["images"]
        names = {check["name"]: check for check in image["checks"]}
        assert names["age"]["outcome"] == "failed"
        assert names["input_space"]["value"] > 25
        assert str(films[0].age_years) not in names["age"]["words"]


def test_recorded_answers_come_back_through_the_model_interface(workplace, tmp_path):
    make_package(data=ADULTS, out=tmp_path)
    films = read_table(ADULTS)
    files = (
        wrap(read_pixels(ADULTS, f), film=f, uids=("1.2.1", "1.2.2", "1.2.3"))
        for f in films
    )
    answers = ask(files, tmp_path, workplace)
    assert {result.state for result in answers} == {"done"}
    for result, film in zip(answers, films, strict=True):
        said = [finding.probability for finding in result.findings]
        assert said == pytest.approx(film.probability, abs=1e-5)
    truth, _ = any_finding(films)
    highest = [max(f.probability for f in result.findings) for result in answers]
    assert round(auroc(truth=truth, scores=highest).value, 3) == 0.811
    stranger = to_bytes(
        make_dx(
            np.random.default_rng(1).normal(128, 20, (256, 256)).astype(np.uint8),
            sop_uid="1.2.3",
        )
    )
    (unknown,) = ask([stranger], tmp_path, workplace)
    assert unknown.state == "rejected"
    assert "no recorded answer" in unknown.reason
