"""The paediatric model by hand: what a plain script would do, none of our pipeline.

Only the network's definition is shared; pixels, preprocessing, ensemble, calibration
and distance are written out again.
"""

from __future__ import annotations

import json

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn.functional import interpolate

from workers.models.registry import build


class PlainModel:
    """Card and weights read straight from the folder."""

    def __init__(self, folder):
        self.card = json.loads((folder / "card.json").read_text("utf-8"))
        tensors = load_file(folder / "weights.safetensors")
        self.space = {
            k.split(".")[1]: v.double().numpy()
            for k, v in tensors.items()
            if k.startswith("input_space.")
        }
        wanted = self.card["architecture"]
        self.net = build(wanted["name"], **wanted["params"])
        self.net.load_state_dict(
            {k: v for k, v in tensors.items() if not k.startswith("input_space.")}
        )
        self.net.eval()

    def judge(self, film):
        """Return probability and distance of a film, uint8 [rows, columns]."""
        batch = torch.from_numpy(self.prepare(film))[None, None]
        with torch.no_grad():
            logits = [float(member(batch)[0, 0]) for member in self.net.members]
            vector = torch.cat([m.embed(batch) for m in self.net.members], dim=1)[0]
        (row,) = self.card["calibration"]["labels"]
        score = row["slope"] * float(np.mean(logits)) + row["intercept"]
        return 1 / (1 + np.exp(-score)), self.distance(vector.double().numpy())

    def prepare(self, film):
        trim, clip, size, scale = self.card["preprocessing"]
        image = film.astype(np.float64) / 255.0
        low, high = np.percentile(image, (0.5, 99.5))
        flat = trim["tolerance"] * (high - low)
        spread = image.std(axis=1) <= flat, image.std(axis=0) <= flat
        cuts = []
        for side, run in zip(image.shape, spread, strict=True):
            most = int(side * trim["max_fraction"])
            first = next((k for k in range(most) if not run[k]), most)
            last = next((k for k in range(most) if not run[-1 - k]), most)
            cuts.append(slice(first, side - last))
        image = image[cuts[0], cuts[1]]
        low, high = np.percentile(image, (clip["low"], clip["high"]))
        image = np.clip((image - low) / (high - low), 0, 1)
        grid = interpolate(
            torch.from_numpy(image.astype(np.float32))[None, None],
            size=(size["height"], size["width"]),
            mode="bilinear",
            align_corners=False,
            antialias=True,
        )[0, 0].numpy()
        return (grid - grid.mean()) / (grid.std() + scale["epsilon"])

    def distance(self, vector):
        unit = vector / np.sqrt((vector**2).sum())
        inverse = self.space["whitening"] @ self.space["whitening"].T
        return min(
            float(np.sqrt((unit - mean) @ inverse @ (unit - mean)))
            for mean in self.space["means"]
        )
