"""MONAI's networks that a card may name, built with literal arguments only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.basic_unet import BasicUNet
from monai.networks.nets.dynunet import DynUNet
from monai.networks.nets.segresnet import SegResNet
from monai.networks.nets.swin_unetr import SwinUNETR
from monai.networks.nets.unet import UNet
from monai.networks.nets.unetr import UNETR
from monai.networks.nets.vnet import VNet
from torch import Tensor, nn

from workers.models.volume_net import VolumeModel

NETWORKS: Final[dict[str, Callable[..., nn.Module]]] = {
    "AttentionUnet": AttentionUnet,
    "BasicUNet": BasicUNet,
    "DynUNet": DynUNet,
    "SegResNet": SegResNet,
    "SwinUNETR": SwinUNETR,
    "UNETR": UNETR,
    "UNet": UNet,
    "VNet": VNet,
}
_PLAIN = (str, int, float, bool, type(None))


class MonaiNetwork(VolumeModel):
    """A network of MONAI that marks voxels, in the axes that its import declared."""

    def __init__(self, *, network: str, arguments: Mapping[str, Any]) -> None:
        """Build it.

        Args:
            network: A name of `NETWORKS`.
            arguments: Its arguments: numbers, texts and lists of them.

        Raises:
            TypeError: The name is unknown, or an argument is not literal.
        """
        super().__init__()
        if network not in NETWORKS:
            raise TypeError(f"MONAI's “{network}” is not on the list of networks")
        if not is_literal(dict(arguments)):
            raise TypeError("an argument is not literal")
        self.n_labels = int(arguments.get("out_channels", 1))
        said = arguments.get("in_channels")
        self._n_inputs = None if said is None else int(said)
        self.network = NETWORKS[network](**arguments)

    @property
    def n_inputs(self) -> int | None:
        """Channels that it takes; None where its arguments do not say."""
        return self._n_inputs

    def forward(self, volumes: Tensor) -> Tensor:
        """Return what the network gives, [N, outputs, D, H, W]."""
        found = self.network(volumes)
        if isinstance(found, (list, tuple)):
            found = found[0]
        if not isinstance(found, Tensor):
            raise TypeError("the network gives no voxels")
        return found


def is_literal(value: Any) -> bool:
    """Whether a value is made of numbers, texts, lists and objects alone."""
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and is_literal(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return all(is_literal(one) for one in value)
    return isinstance(value, _PLAIN) and not str(value).startswith(("$", "@", "%"))
