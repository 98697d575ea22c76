"""What a network without gradients looked at: how its answer falls when a part is grey.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
by MONAI's `OcclusionSensitivity`: a patch is laid on each place of the film in turn,
and what the network then says is averaged over the patches that cover a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from monai.visualize.occlusion_sensitivity import OcclusionSensitivity
from numpy.typing import NDArray
from torch import Tensor, nn

from workers.saliency_card import Occlusion

Odds = Callable[[Tensor], Tensor]
"""Log odds, [N, n_labels], of prepared films, [N, channels, H, W]."""
_MONAI_MEAN: Final = "mean_img"
"""Its `mean_patch` multiplies by the mean instead of filling with it (1.6.1)."""


class _Network(nn.Module):
    """What MONAI takes for a network: something that is asked."""

    def __init__(self, ask: Odds) -> None:
        super().__init__()
        self._ask = ask

    def forward(self, images: Tensor) -> Tensor:
        return self._ask(images)


def occlusion_maps(
    ask: Odds, image: Tensor, *, how: Occlusion, at_once: int
) -> NDArray[np.float32]:
    """Return by how much the log odds of each label fall where a film is occluded.

    Args:
        ask: Asks the network.
        image: One prepared film, [channels, H, W].
        how: Patch, stride and filling.
        at_once: Films that the network is given at a time.

    Returns:
        [n_labels, H, W]: positive where covering speaks against the label, so that what
        is there speaks for it.

    Raises:
        ValueError: The patch is larger than the film.
    """
    fill = how.fill
    whole = ask(image[None])[0]
    monai = OcclusionSensitivity(
        _Network(ask),
        mask_size=how.patch,
        n_batch=at_once,
        verbose=False,
        mode=_MONAI_MEAN if isinstance(fill, str) else float(fill),
        overlap=_overlap(how),
        activate=False,
    )
    covered = torch.as_tensor(monai(image[None])[0])[0]
    found: NDArray[np.float32] = (whole[:, None, None] - covered).float().numpy()
    return found


def _overlap(how: Occlusion) -> float:
    """Return the share of the patch by which MONAI moves it less than its side.

    MONAI moves it by `int(patch · (1 - overlap))`: half a pixel more than the stride
    keeps rounding from making it one less.
    """
    if how.stride == how.patch:
        return 0.0
    return 1.0 - (how.stride + 0.5) / how.patch
