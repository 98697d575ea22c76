"""Calibration before, after and refitted, on scores whose fault is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit

from workers.measures.calibration import brier, expected_calibration_error
from workers.measures.change import Repeatability
from workers.measures.recalibration import Method
from workers.models.package import SHIPPED, load_package
from workers.training.calibration_shown import show_calibration
from workers.training.measured import write_measured


def sure(n=600, factor=3.0):
    """Scores that are three times too sure, with what happened."""
    rng = np.random.default_rng(4)
    honest = rng.normal(0, 1.5, n)
    return rng.random(n) < expit(honest), factor * honest, honest


def test_a_network_that_is_too_sure_is_put_right():
    truth, logits, honest = sure()
    found = show_calibration(
        truth=truth, logits=logits, probability=expit(honest), method=Method.TEMPERATURE
    )
    for name, figure in (("ece", expected_calibration_error), ("brier", brier)):
        before, after = found["before"][name], found["after"][name]
        assert before["value"] == pytest.approx(
            figure(truth=truth, probabilities=expit(logits)), abs=1e-4
        )
        assert after["value"] == pytest.approx(
            figure(truth=truth, probabilities=expit(honest)), abs=1e-4
        )
        change = found["change"][name]
        assert change["value"] == pytest.approx(
            after["value"] - before["value"], abs=2e-4
        )
        assert change["ci_high"] < 0, "better, and not by chance"
        again = found["refitted"][name]["value"]
        assert again == pytest.approx(after["value"], abs=0.03)
    assert found["refitted"]["method"] == "temperature"


def test_what_a_calibration_spoils_is_told_as_well():
    truth, logits, honest = sure()
    found = show_calibration(
        truth=truth, logits=honest, probability=expit(logits), method=Method.PLATT
    )
    assert found["change"]["brier"]["ci_low"] > 0


def test_the_refit_judges_nobody_by_himself():
    """Scores that say nothing: judged unseen a fit can not look good."""
    rng = np.random.default_rng(3)
    truth, logits = rng.random(60) < 0.5, rng.normal(0, 1, 60)
    found = show_calibration(
        truth=truth, logits=logits, probability=expit(logits), method=Method.TEMPERATURE
    )
    assert found["refitted"]["brier"]["value"] > 0.24


def test_too_few_of_a_kind_are_not_refitted():
    truth = np.array([True, False, False, False])
    found = show_calibration(
        truth=truth,
        logits=np.array([1.0, -1.0, 0.0, -2.0]),
        probability=np.full(4, 0.3),
        method=Method.PLATT,
    )
    assert found["refitted"] is None


def test_another_card_is_another_version(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    for file in (SHIPPED / "phantom-haemorrhage").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    before = load_package(folder)
    same = before.card["version"]
    with pytest.raises(ValueError, match="another version"):
        write_measured(folder, version=same, measured={"unseen": {"n_studies": 1}})
    said = Repeatability(percent=50.0, least_ml=0.4, source="measured")
    new_hash = write_measured(
        folder,
        version="9.9.9",
        measured={"unseen": {"n_studies": 1}},
        repeatability=said,
    )
    after = load_package(folder)
    assert after.package_hash == new_hash != before.package_hash
    assert after.card["performance"]["unseen"] == {"n_studies": 1}
    assert after.card["performance"]["command"]
    [row] = after.card["repeatability"]
    assert (row["code"], row["percent"], row["least_ml"]) == ("1386000", 50.0, 0.4)
    assert json.loads((folder / "card.json").read_text("utf-8")) == after.card
