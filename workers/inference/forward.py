"""A network on a batch of prepared films: what comes out, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.models.onnx_net import OnnxFilm
from workers.models.package import ModelPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What a network gives of N images.

    Attributes:
        members: Members' logits, [M, N, L], float32 on the processor.
        vectors: Pooled vectors, [N, D], float32 on the processor; None where the
            network gives none.
        features: The last convolution map, [N, C, h, w], where the network is; None
            where it gives none.
    """

    members: Tensor
    vectors: Tensor | None = None
    features: Tensor | None = None

    def part(self, start: int, end: int) -> Outputs:
        """Return images `start` to `end`, without holding on to the others."""
        return self.rows(list(range(start, end)))

    def rows(self, wanted: Sequence[int]) -> Outputs:
        """Return some images, in the order given, as a copy."""
        index = torch.tensor(list(wanted), dtype=torch.long)
        vectors, features = self.vectors, self.features
        return Outputs(
            members=self.members[:, index],
            vectors=None if vectors is None else vectors[index],
            features=None if features is None else features[index.to(features.device)],
        )


def join(parts: Sequence[Outputs]) -> Outputs:
    """Return one after the other what several batches of one network gave."""
    if len(parts) == 1:
        return parts[0]
    vectors = [part.vectors for part in parts if part.vectors is not None]
    features = [part.features for part in parts if part.features is not None]
    return Outputs(
        members=torch.cat([part.members for part in parts], dim=1),
        vectors=torch.cat(vectors) if vectors else None,
        features=torch.cat(features) if features else None,
    )


@torch.no_grad()
def run_films(
    package: ModelPackage, tensors: Sequence[Tensor], *, device: torch.device
) -> Outputs:
    """Run a network on prepared films, all of them at once.

    On a GPU the convolutions run in half precision (`autocast`); the head's logits
    and the vectors are float32 again. Not in inference mode: the maps are
    differentiated afterwards, to say why.
    """
    module = package.film_module
    batch = torch.stack(list(tensors))
    if isinstance(module, OnnxFilm):
        members, vectors = module.judge(batch)
        return Outputs(members=members, vectors=vectors)
    if package.body is not None:
        features = package.body(batch)
    else:
        placed = batch.to(device=device, memory_format=torch.channels_last)
        half = device.type == "cuda"
        with torch.autocast("cuda", dtype=torch.float16, enabled=half):
            features = module.features(placed).float()
    return Outputs(
        members=module.classify_members(features).float().cpu(),
        vectors=module.pool(features).float().cpu(),
        features=features,
    )
