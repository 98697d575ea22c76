"""A small network that says what a film shows and where, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.models.architectures import (
    ExplainableModel,
    LocalContrast,
    ResidualBlock,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_START_ODDS = -3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What each cell of the map says.

    Attributes:
        odds: [N, L, h, w], log odds that the finding covers the cell.
        boxes: [N, L, 4, h, w]: left, top, right, bottom of the finding's box as
            shares of the grid, should it cover the cell.
    """

    odds: Tensor
    boxes: Tensor


class FindingNet(ExplainableModel):
    """Several findings on one grey film, each with its place.

    The last map has cells of 8 pixels; a coarser stage is laid under it, so that a
    cell knows its surroundings. A label's logit is that of the pooled map plus that
    of its strongest cells: a small nodule counts by its cell, a large heart by the
    whole.
    """

    def __init__(
        self,
        *,
        n_labels: int,
        stem: int,
        widths: Sequence[int],
        depths: Sequence[int],
        map_width: int,
        cell: int = 8,
        dropout: float = 0.0,
        sharpness: float = 2.0,
    ) -> None:
        """Build the network.

        Args:
            n_labels: Findings.
            stem: Channels after the first convolution (stride 2).
            widths: Channels of the three stages, of stride 4, 8 and 16.
            depths: Residual blocks of each stage.
            map_width: Channels of the last map.
            cell: Cell of `LocalContrast`, pixels.
            dropout: Of the pooled vector (training only).
            sharpness: How far the strongest cell outweighs the others.
        """
        super().__init__()
        self.n_labels = n_labels
        self.sharpness = sharpness
        self.contrast = LocalContrast(cell=cell, keep_original=True)
        self.stem = nn.Sequential(
            nn.Conv2d(2, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()
        )
        stages, channels = [], stem
        for width, depth in zip(widths, depths, strict=True):
            blocks: list[nn.Module] = []
            for index in range(depth):
                stride = 1 if index else 2
                blocks.append(
                    ResidualBlock(inputs=channels, outputs=width, stride=stride)
                )
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.fine = nn.Sequential(*stages[:-1])
        self.coarse = stages[-1]
        self.lateral = nn.Conv2d(widths[-2], map_width, 1, bias=False)
        self.lower = nn.Conv2d(widths[-1], map_width, 1, bias=False)
        self.fuse = nn.Sequential(
            nn.BatchNorm2d(map_width),
            nn.ReLU(),
            nn.Conv2d(map_width, map_width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(map_width),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(dropout)
        self.whole = nn.Linear(2 * map_width, n_labels)
        self.cells = nn.Conv2d(map_width, n_labels, 1)
        self.extents = nn.Conv2d(map_width, 4 * n_labels, 1)
        self.share = nn.Parameter(torch.full((n_labels,), 0.5))
        nn.init.constant_(cast("Tensor", self.cells.bias), _START_ODDS)

    def features(self, images: Tensor) -> Tensor:
        """Return the last map, [N, C, H/8, W/8]."""
        stacked = self.contrast(images).contiguous(memory_format=torch.channels_last)
        fine: Tensor = self.fine(self.stem(stacked))
        lower: Tensor = self.lower(self.coarse(fine))
        under = functional.interpolate(
            lower, size=fine.shape[-2:], mode="bilinear", align_corners=False
        )
        found: Tensor = self.fuse(self.lateral(fine) + under)
        return found

    def pool(self, features: Tensor) -> Tensor:
        """Return mean and maximum over the map, [N, 2·C]."""
        return torch.cat((features.mean(dim=(2, 3)), features.amax(dim=(2, 3))), dim=1)

    def classify_members(self, features: Tensor) -> Tensor:
        """Return the logits of the one member, [1, N, n_labels]."""
        whole = self.whole(self.dropout(self.pool(features))).float()
        odds = self.cells(features).float().flatten(2)
        sharp = self.sharpness
        n_cells = float(odds.shape[-1])
        strongest = (
            (odds * sharp).logsumexp(dim=2) - torch.tensor(n_cells).log()
        ) / sharp
        logits: Tensor = whole + self.share * strongest
        return logits.unsqueeze(0)

    def places(self, features: Tensor) -> Places:
        """Return what each cell of a map of `features` says."""
        odds = self.cells(features).float()
        n, labels, height, width = odds.shape
        # How far each side is from the cell's centre, as shares of the grid.
        reach = functional.softplus(self.extents(features).float()) / 8.0
        reach = reach.view(n, labels, 4, height, width)
        down = (torch.arange(height, device=odds.device) + 0.5) / height
        across = (torch.arange(width, device=odds.device) + 0.5) / width
        centre_y = down[:, None].expand(height, width)
        centre_x = across[None, :].expand(height, width)
        boxes = torch.stack(
            (
                centre_x - reach[:, :, 0],
                centre_y - reach[:, :, 1],
                centre_x + reach[:, :, 2],
                centre_y + reach[:, :, 3],
            ),
            dim=2,
        )
        return Places(odds=odds, boxes=boxes)
