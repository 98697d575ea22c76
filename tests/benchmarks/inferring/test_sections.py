"""A part of the inference benchmark by itself: its figures, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import inference
from tests.benchmarks.harness import Stack


def test_the_burst_alone_has_its_own_figures_only(monkeypatch):
    monkeypatch.setattr(inference, "ONLY", ("burst",))
    found = inference.Found(idle=[0.1], click=[0.02], urgent=[0.25], waiting=7)
    found.memory = [
        (1, {"worker-gpu models 1": 5.0}),
        (9, {"worker-gpu models 1": 6.0}),
    ]
    metrics = inference._metrics(found)
    assert metrics[0].metric == "STAT behind 7, median of 1 : idle"
    assert metrics[0].value == pytest.approx(2.5)
    assert metrics[0].met
    assert not [m for m in metrics if "whole way" in m.metric]


def test_a_part_that_is_not_there_is_refused_before_anything_runs(monkeypatch):
    monkeypatch.setattr(inference, "ONLY", ("film",))
    nowhere = Stack("http://127.0.0.1:9", "127.0.0.1", 9, Path("nowhere"))
    with pytest.raises(SystemExit, match="no film; some of: films densenet burst"):
        inference.run(nowhere)
