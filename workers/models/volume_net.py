"""Networks that mark voxels of a volume: MONAI's, by our interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast

from monai.networks.nets.unet import UNet
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


class VolumeModel(nn.Module, ABC):
    """What inference may ask of a network that marks voxels.

    Attributes:
        n_labels: Number of output channels, one logit each voxel.
    """

    n_labels: int

    @abstractmethod
    def forward(self, volumes: Tensor) -> Tensor:
        """Return voxel logits, [N, n_labels, D, H, W], of [N, C, D, H, W]."""

    @property
    def n_inputs(self) -> int | None:
        """Channels that it takes; None where it does not say."""
        return None


class MonaiUNet(VolumeModel):
    """MONAI's residual U-Net in three dimensions."""

    def __init__(
        self,
        *,
        n_labels: int = 1,
        n_inputs: int = 1,
        channels: Sequence[int] = (16, 32, 64, 128),
        strides: Sequence[int | Sequence[int]] = (2, 2, 2),
        num_res_units: int = 1,
        **more: Any,
    ) -> None:
        """Build the network.

        Args:
            n_labels: Output channels.
            n_inputs: Input channels, one a role of the card.
            channels: Of each level.
            strides: Between levels; a list of three for unequal axes (z, y, x).
            num_res_units: Residual units of each level.
            **more: Further parameters of MONAI's `UNet`, such as `norm`.
        """
        super().__init__()
        self.n_labels = n_labels
        self._n_inputs = n_inputs
        self.unet = UNet(
            spatial_dims=3,
            in_channels=n_inputs,
            out_channels=n_labels,
            channels=tuple(channels),
            strides=cast("Sequence[int]", tuple(_plain(s) for s in strides)),
            num_res_units=num_res_units,
            **more,
        )

    @property
    def n_inputs(self) -> int:
        """Channels that it takes."""
        return self._n_inputs

    def forward(self, volumes: Tensor) -> Tensor:
        """Return voxel logits, [N, n_labels, D, H, W]."""
        return cast("Tensor", self.unet(volumes))


def _plain(stride: int | Sequence[int]) -> int | tuple[int, ...]:
    return stride if isinstance(stride, int) else tuple(stride)
