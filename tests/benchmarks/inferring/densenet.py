"""A network of the size that departments run, imported and switched on by the product.

A DenseNet-121 at 224² with 18 outputs, torchxrayvision's architecture, steps and format
of weights; the weights themselves are random (seeded), for it is time that is measured.
It comes in by `manage.py models add`, is live for films of adults at one site, and is
withdrawn afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from workers.models.xrv_densenet import XrvDenseNet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.running import Running

ROOT = Path(__file__).parents[3]
N_OUTPUTS = 18
AGE = "040Y"
"""Of the films: those of adults are for this model and for no other."""
_SEED = 18
_SITE = "northfield"


def weights() -> dict[str, torch.Tensor]:
    """Return random weights under torchxrayvision's names.

    The normalisations' statistics are those of a random input, so that maps neither
    vanish nor grow.
    """
    torch.manual_seed(_SEED)
    module = XrvDenseNet(n_outputs=N_OUTPUTS)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None
    module.train()
    with torch.no_grad():
        module(torch.randn(2, 1, 224, 224) * 300)
    return {
        name.replace("features_net.", "features.", 1): value
        for name, value in module.state_dict().items()
    }


def card(version: str) -> dict[str, Any]:
    """Return what the card says that the weights do not."""
    none = "none: random weights, for a benchmark"
    return {
        "name": "benchmark-densenet121",
        "version": version,
        "title": "DenseNet-121 of random weights (benchmark)",
        "purpose": none,
        "intended_use": "detection",
        "population": none,
        "training_data": none,
        "performance": {"note": none},
        "limits": ["It says nothing about anybody."],
        "input": {
            "kind": "film",
            "modalities": ["DX", "CR"],
            "age_years": {"min": 18, "max": 120, "unknown": "reject"},
        },
        "labels": [
            {
                "scheme": "SCT",
                "code": str(number),
                "display": f"Output {number} of random weights",
                "acuity": "routine",
                "threshold": 0.999,
            }
            for number in range(1, N_OUTPUTS + 1)
        ],
    }


@contextmanager
def switched_on(running: Running, folder: Path, *, version: str) -> Iterator[Path]:
    """Have the model live for a block.

    Args:
        running: The stack.
        folder: Where files may be made.
        version: Of the model: what was withdrawn once is not taken again.

    Yields:
        The package's folder, for a plain loop.
    """
    source, said = folder / "densenet.pt", folder / "card.json"
    torch.save(weights(), str(source))
    said.write_text(json.dumps(card(version)))
    name = str(card(version)["name"])
    _models(running, "add", str(source), "--card", str(said))
    try:
        _models(running, "activate", name, version, "--site", _SITE)
        yield _package(running, name, version)
    finally:
        reason = "the benchmark is over"
        _models(running, "withdraw", name, version, "--reason", reason)


def _package(running: Running, name: str, version: str) -> Path:
    query = """
        SELECT package_path FROM inference_modelversion
        WHERE name = %s AND version = %s
    """
    return Path(running.rows(query, name, version)[0][0])


def _models(running: Running, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "models", *words],
        cwd=ROOT,
        env={**os.environ, **running.env},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"models {words[0]}: {done.stderr[-600:]}")
