"""A network on a batch of prepared films: what comes out, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.models.architectures import ExplainableModel
from workers.models.finding_net import FindingNet
from workers.models.onnx_net import OnnxFilm
from workers.models.package import ModelPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What a network gives of N images, and what follows from it for each of them.

    What follows is worked out for a batch at once: of one image's few numbers each step
    takes longer to call than to do, and beside others' threads twice that.

    Attributes:
        members: Members' logits, [M, N, L], float32 on the processor.
        probabilities: Calibrated as the card says, [N, L].
        doubts: How far the members disagree, [N, L]; None of a single one.
        vectors: Pooled vectors, [N, D], float32 on the processor; None where the
            network gives none.
        distances: How far each image is from the training inputs, float64 [N]; None
            where the package does not say where those lie.
        places: How much each place of the map speaks for the label, [N, h, w], where
            there is one label and the network says so; None otherwise.
        features: The last convolution map, [N, C, h, w], where the network is; None
            where it gives none, or `places` says what it is kept for.
    """

    members: Tensor
    probabilities: Tensor
    doubts: Tensor | None = None
    vectors: Tensor | None = None
    distances: Tensor | None = None
    places: Tensor | None = None
    features: Tensor | None = None

    def part(self, start: int, end: int) -> Outputs:
        """Return images `start` to `end`, without holding on to the others' maps."""
        found = self._taken(slice(start, end))
        if found.features is None:
            return found
        return replace(found, features=found.features.clone())

    def rows(self, wanted: Sequence[int]) -> Outputs:
        """Return some images, in the order given, as a copy."""
        return self._taken(torch.tensor(list(wanted), dtype=torch.long))

    def _taken(self, which: slice | Tensor) -> Outputs:
        def of(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[which]

        return Outputs(
            members=self.members[:, which],
            probabilities=self.probabilities[which],
            doubts=of(self.doubts),
            vectors=of(self.vectors),
            distances=of(self.distances),
            places=of(self.places),
            features=of(self.features),
        )


def join(parts: Sequence[Outputs]) -> Outputs:
    """Return one after the other what several batches of one network gave."""
    if len(parts) == 1:
        return parts[0]

    def together(name: str) -> Tensor | None:
        found = [getattr(part, name) for part in parts]
        return None if found[0] is None else torch.cat(found)

    return Outputs(
        members=torch.cat([part.members for part in parts], dim=1),
        probabilities=torch.cat([part.probabilities for part in parts]),
        doubts=together("doubts"),
        vectors=together("vectors"),
        distances=together("distances"),
        places=together("places"),
        features=together("features"),
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
        return _concluded(package, members=members, vectors=vectors)
    if package.body is not None:
        features = package.body(batch)
    else:
        placed = batch.to(device=device, memory_format=torch.channels_last)
        half = device.type == "cuda"
        with torch.autocast("cuda", dtype=torch.float16, enabled=half):
            features = module.features(placed).float()
    is_told = _has_one_reason(package, module)
    said = module.tell(features, why=is_told)
    return _concluded(
        package,
        members=said.members.float().cpu(),
        vectors=said.vectors.float().cpu(),
        places=None if said.places is None else said.places.float().cpu(),
        features=None if is_told else features,
    )


def _has_one_reason(package: ModelPackage, module: ExplainableModel) -> bool:
    """Say whether all that a map is kept for is where the one label comes from."""
    return (
        module.explains
        and module.n_labels == 1
        and not isinstance(module, FindingNet)
        and package.card.get("saliency") is None
    )


def _concluded(
    package: ModelPackage,
    *,
    members: Tensor,
    vectors: Tensor | None,
    places: Tensor | None = None,
    features: Tensor | None = None,
) -> Outputs:
    """Return what a network gave, with what follows from it by its package."""
    distances = None
    if package.input_space is not None and vectors is not None:
        distances = torch.from_numpy(package.input_space.distance(vectors.numpy()))
    return Outputs(
        members=members,
        probabilities=package.calibrate(members.mean(dim=0)),
        doubts=package.uncertainty(members) if len(members) > 1 else None,
        vectors=vectors,
        distances=distances,
        places=places,
        features=features,
    )
