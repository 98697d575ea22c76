"""A network that says what another one said of the same pictures before.

For replaying published outputs through the whole way of a model. A picture is known by
its fingerprint, means of cells of what preprocessing makes of it; of a picture that it
was never given it says nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.models.architectures import ExplainableModel
from workers.models.preprocess import PreprocessError

CELLS = 24
TOLERANCE = 0.02


class RecordedNet(ExplainableModel):
    """Recorded log odds of known pictures, by fingerprint."""

    explains = False

    def __init__(self, *, n_labels: int, n_images: int) -> None:
        """Take the size of the record; its content comes with the weights.

        Args:
            n_labels: Labels of each picture.
            n_images: Pictures.
        """
        super().__init__()
        self.n_labels = n_labels
        # Vectors, which a package stores as they are: no half floats here.
        self.register_buffer("fingerprints", torch.zeros(n_images * CELLS * CELLS))
        self.register_buffer("odds", torch.zeros(n_images * n_labels))
        self.anchor = nn.Parameter(torch.zeros(1))

    def record(self, images: Tensor, odds: Tensor) -> None:
        """Take pictures, [N, 1, H, W], and what was said of them, [N, n_labels]."""
        self.fingerprints = self.pool(self.features(images)).flatten()
        self.odds = odds.float().flatten()

    def features(self, images: Tensor) -> Tensor:
        """Return the means of the cells, [N, 1, CELLS, CELLS]."""
        return functional.adaptive_avg_pool2d(images.float(), CELLS)

    def pool(self, features: Tensor) -> Tensor:
        """Return the fingerprints, [N, CELLS²]."""
        return features.flatten(1)

    def classify_members(self, features: Tensor) -> Tensor:
        """Return the recorded log odds, [1, N, n_labels].

        Raises:
            PreprocessError: A picture is not on record.
        """
        known = self.fingerprints.view(-1, CELLS * CELLS)
        gaps = (self.pool(features)[:, None] - known[None]).abs().mean(dim=2)
        nearest = gaps.min(dim=1)
        if bool((nearest.values > TOLERANCE).any()):
            raise PreprocessError("there is no recorded answer for this picture")
        said = self.odds.view(-1, self.n_labels)
        return said[nearest.indices].unsqueeze(0)
