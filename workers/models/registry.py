"""Every architecture that a card may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers.models.architectures import (
    Ensemble,
    ExplainableModel,
    FilmNet,
    UnknownArchitectureError,
)
from workers.models.finding_net import FindingNet
from workers.models.monai_nets import MonaiNetwork
from workers.models.onnx_net import OnnxFilm
from workers.models.recorded_net import RecordedNet
from workers.models.volume_net import MonaiUNet, VolumeModel
from workers.models.xrv_densenet import XrvDenseNet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Network = ExplainableModel | OnnxFilm | VolumeModel


def _film_ensemble(*, members: Sequence[dict[str, Any]]) -> Network:
    return Ensemble(members=[FilmNet(**params) for params in members])


_BUILDERS: dict[str, Callable[..., Network]] = {
    "film_net": FilmNet,
    "film_ensemble": _film_ensemble,
    "finding_net": FindingNet,
    "recorded": RecordedNet,
    "monai_unet": MonaiUNet,
    "monai_network": MonaiNetwork,
    "xrv_densenet": XrvDenseNet,
}


def build(name: str, **params: Any) -> Network:
    """Build an architecture of ours by its name on a card.

    Args:
        name: A key of the registry, such as `film_ensemble`.
        **params: Its parameters, as the card states them.

    Raises:
        UnknownArchitectureError: When no such architecture exists, or the
            parameters are not its own.
    """
    if name not in _BUILDERS:
        known = ", ".join(sorted(_BUILDERS))
        raise UnknownArchitectureError(
            f"architecture “{name}” is unknown; known: {known}"
        )
    try:
        return _BUILDERS[name](**params)
    except TypeError as error:
        raise UnknownArchitectureError(
            f"architecture “{name}”: bad parameters ({error})"
        ) from error
