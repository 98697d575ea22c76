"""The shipped models for phantoms, on phantoms that were made a moment ago."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.factories.dicom import make_dx, to_bytes
from tests.fakes.portal import PUBLIC_KEY, FakePortal
from workers.contracts import InferRequest
from workers.inference.answering import answer, make_workplace
from workers.inference.segment import unpack_mask
from workers.measures.change import read_repeatability
from workers.models.package import (
    SHIPPED,
    load_package,
    package_hash,
    write_package_zip,
)
from workers.phantoms.dicom import write_study
from workers.phantoms.head import head_volume
from workers.phantoms.orders import Order
from workers.phantoms.settings import FILM_LABELS, NORTH, SOUTH, UNSEEN
from workers.phantoms.studies import make_study
from workers.settings import read_settings
from workers.training.phantom_chest_card import LABELS

TOKEN = "scoped-token"
CHEST = SHIPPED / "phantom-chest"
WHEN = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    found = make_workplace(
        read_settings(
            {
                "OVERREAD_STATE_DIR": str(tmp_path_factory.mktemp("state")),
                "OVERREAD_TORCH_THREADS": "1",
                "OVERREAD_MODEL_KEY": PUBLIC_KEY,
            }
        )
    )
    yield found
    found.decoder.close()


def ask(files: list[Path | bytes], workplace, *, folder=CHEST):
    """Return the answer of a package on files."""
    return ask_all(files, workplace, folder=folder)[0]


def ask_all(files: list[Path | bytes], workplace, *, folder):
    """Return the answer of a package on files, and the artefacts that it stored."""
    contents = [f if isinstance(f, bytes) else f.read_bytes() for f in files]
    portal = FakePortal(
        revision_id=str(uuid.uuid4()),
        token=TOKEN,
        instances={f"1.2.{k}": content for k, content in enumerate(contents)},
        models={package_hash(folder): write_package_zip(folder)},
    )
    with portal:
        result = answer(
            InferRequest(
                run_id=str(uuid.uuid4()),
                revision_id=portal.revision_id,
                package_hash=package_hash(folder),
                token=TOKEN,
                portal_url=portal.url,
            ),
            workplace=workplace,
        )
    return result, portal.artefacts


def film(tmp_path, seed, strengths, *, size=512, site=NORTH):
    order = Order(
        kind="chest-film",
        seed=seed,
        person=seed,
        site=site,
        when=WHEN,
        settings=UNSEEN,
        strengths=strengths,
        size=size,
    )
    study = make_study(order)
    paths = write_study(tmp_path / str(seed), study)
    return paths, study.truth


def said(result):
    assert result.state == "done", result.reason
    named = {value["code"]: label for label, value in LABELS.items()}
    return {named[finding.label_code]: finding for finding in result.findings}


@pytest.mark.parametrize("label", FILM_LABELS)
def test_a_plain_finding_is_called_and_boxed(tmp_path, workplace, label):
    """Films of other departments with nothing but this stand out from those without."""
    threshold = {
        row["code"]: row["threshold"] for row in load_package(CHEST).card["labels"]
    }[LABELS[label]["code"]]
    with_it, without = [], []
    for seed, site in ((910, NORTH), (911, SOUTH)):
        paths, truth = film(tmp_path, seed, {label: 1.0}, site=site)
        found = said(ask(paths, workplace))[label]
        with_it.append(found.probability)
        if found.probability >= threshold:
            (left, top), (right, bottom) = found.box.points
            assert any(
                box["label"] == label
                and left < box["box"][2]
                and right > box["box"][0]
                and top < box["box"][3]
                and bottom > box["box"][1]
                for box in truth["boxes"]
            ), "the box touches the finding"
        paths, _ = film(tmp_path, seed + 50, {}, site=site)
        without.append(said(ask(paths, workplace))[label].probability)
    assert np.mean(with_it) > np.mean(without)
    assert max(with_it) >= threshold


def test_small_and_full_size_films_are_judged_alike(tmp_path, workplace):
    scores = []
    for size in (384, 1280):
        paths, _ = film(tmp_path / str(size), 930, {"effusion": 0.6}, size=size)
        found = said(ask(paths, workplace))
        scores.append([found[label].probability for label in FILM_LABELS])
    # Not the same film: what is drawn after the noise differs with the size.
    assert min(row[FILM_LABELS.index("effusion")] for row in scores) > 0.5
    assert max(row[FILM_LABELS.index("pneumothorax")] for row in scores) < 0.3


def test_a_film_of_a_person_is_turned_down(workplace):
    pixels = np.random.default_rng(1).integers(0, 4000, (300, 300)).astype(np.uint16)
    result = ask([to_bytes(make_dx(pixels))], workplace)
    assert result.state == "rejected"
    assert result.reason == (
        "the model is for phantoms only: an image is not marked as synthetic"
    )


def test_a_phantom_is_turned_down_by_a_model_for_people(tmp_path, workplace):
    paths, _ = film(tmp_path, 940, {}, size=256)
    result = ask(paths, workplace, folder=SHIPPED / "paediatric-pneumonia")
    assert result.state == "rejected"
    assert result.reason == "the model is not for phantoms: an image is synthetic"


@pytest.mark.parametrize(
    "folder", sorted(p.parent for p in SHIPPED.glob("phantom-*/card.json"))
)
def test_a_card_says_what_was_measured_and_on_what(folder):
    card = load_package(folder).card
    assert card["input"]["synthetic"] is True
    assert card["requires_review"] is True
    assert sum(f.stat().st_size for f in folder.iterdir()) < 10_000_000
    assert {"unseen", "command"} <= set(card["performance"])
    assert any("Only for phantoms" in limit for limit in card["limits"])


def _is_told(calibration):
    for part in ("before", "after", "change", "refitted"):
        for name in ("ece", "brier"):
            row = calibration[part][name]
            assert row["ci_low"] <= row["ci_high"]
    for name in ("ece", "brier"):
        values = [calibration[part][name]["value"] for part in ("before", "after")]
        change = calibration["change"][name]["value"]
        assert change == pytest.approx(values[1] - values[0], abs=2e-4)


def test_the_cards_tell_calibration_before_and_after_on_the_unseen():
    chest = load_package(CHEST).card["performance"]["unseen"]
    for label in FILM_LABELS:
        figures = chest["labels"][label]
        _is_told(figures["calibration"])
        assert figures["calibration"]["after"]["ece"] == figures["ece"]
    head = load_package(SHIPPED / "phantom-haemorrhage").card
    unseen = head["performance"]["unseen"]
    _is_told(unseen["calibration"])
    assert unseen["calibration"]["after"]["brier"] == unseen["brier"]


def test_the_head_models_changes_count_beyond_what_was_measured():
    card = load_package(SHIPPED / "phantom-haemorrhage").card
    found = card["performance"]["repeatability"]
    said = read_repeatability(card)["1386000"]
    assert said.percent == np.ceil(found["percent"]["value"])
    assert said.least_ml == found["small_ml"]["value"]
    assert found["n_heads"] >= 50


def test_the_chest_models_figures_are_what_was_asked_of_it():
    unseen = load_package(CHEST).card["performance"]["unseen"]
    assert 0.85 <= unseen["macro_auroc"]["value"] <= 0.97
    for label in FILM_LABELS:
        figures = unseen["labels"][label]
        assert figures["n_positive"] >= 30
        for name in ("auroc", "ece", "pointing", "box_iou_median"):
            row = figures[name]
            assert 0 <= row["ci_low"] <= row["value"] <= row["ci_high"] <= 1


# --- volumes

VOLUMES = sorted(
    card.parent
    for card in SHIPPED.glob("phantom-*/card.json")
    if json.loads(card.read_text())["input"].get("kind") == "volume"
)


def head(tmp_path, seed, strengths):
    order = Order(
        kind="head-ct",
        seed=seed,
        person=seed,
        site=SOUTH,
        when=WHEN,
        settings=UNSEEN,
        strengths=strengths,
        slices=32,
        size=192,
    )
    truth = head_volume(
        seed, UNSEEN, slices=32, size=192, person=seed, strengths=strengths
    )
    return write_study(tmp_path / str(seed), make_study(order)), truth.mask


@pytest.mark.parametrize("folder", VOLUMES, ids=lambda folder: folder.name)
def test_a_plain_bleed_is_outlined_on_its_own_slices(tmp_path, workplace, folder):
    paths, truth = head(tmp_path, 810, {"intraparenchymal": 1.0})
    result, artefacts = ask_all(paths[::-1], workplace, folder=folder)
    assert result.state == "done", result.reason
    (finding,) = result.findings
    mask = finding.mask
    assert mask is not None
    shape = (len(mask.sop_uids), mask.rows, mask.columns)
    assert shape == truth.shape
    marked = unpack_mask(artefacts[mask.artefact.sha256], shape=shape)
    dice = 2 * (marked & truth).sum() / (marked.sum() + truth.sum())
    assert dice > 0.4
    assert marked[mask.sop_uids.index(finding.box.sop_uid)].any()
    quiet, _ = head(tmp_path, 811, {})
    (other,) = ask_all(quiet, workplace, folder=folder)[0].findings
    assert other.probability < finding.probability
