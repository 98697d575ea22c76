"""Our own small networks, built by name from a model card.

Every module built here keeps to `ExplainableModel`: `forward` is
`classify(features(x))`, so that a saliency method may differentiate the logits
with respect to the last convolution map, and `embed` gives the pooled vector
that active learning compares studies with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence


class UnknownArchitectureError(ValueError):
    """A card names an architecture that this code does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a network says of N images by their maps.

    Attributes:
        members: Members' logits, [M, N, n_labels].
        vectors: Pooled vectors, [N, D].
        places: How much each place speaks for the first label, [N, h, w]; None where
            that was not asked.
    """

    members: Tensor
    vectors: Tensor
    places: Tensor | None


class ExplainableModel(nn.Module, ABC):
    """What inference and training may ask of any of our networks.

    Attributes:
        n_labels: Number of outputs, one logit each.
        explains: Whether its logits may be differentiated for a saliency map.
    """

    n_labels: int
    explains: bool = True

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Return the last convolution map, [N, C, h, w], of images [N, 1, H, W]."""

    @abstractmethod
    def classify_members(self, features: Tensor) -> Tensor:
        """Return each member's logits, [M, N, n_labels], of a map of `features`."""

    @abstractmethod
    def pool(self, features: Tensor) -> Tensor:
        """Return the pooled vector, [N, D], of a map of `features`."""

    def classify(self, features: Tensor) -> Tensor:
        """Return logits, [N, n_labels]: the mean over the members."""
        return self.classify_members(features).mean(dim=0)

    def relevance(self, features: Tensor, *, label: int) -> Tensor:
        """Return how much each place of a map speaks for a label, [N, h, w].

        That is gradient times activation, summed over the channels (HiResCAM:
        Draelos and Carin, 2020), by differentiation. A network whose head is simple
        enough says the same in closed form, which takes a fraction of the time. In
        evaluation mode.

        Args:
            features: A map of `features`, [N, C, h, w].
            label: Which output.
        """
        with torch.enable_grad():
            given = features.detach().requires_grad_()
            score = self.classify(given)[:, label].sum()
            (gradient,) = torch.autograd.grad(score, given)
        return (gradient * given.detach()).sum(dim=1)

    def tell(self, features: Tensor, *, why: bool) -> Told:
        """Return logits, vectors and, where wanted, reasons of a map of `features`.

        A network whose steps have parts in common takes them once.

        Args:
            features: A map of `features`, [N, C, h, w].
            why: Whether it is wanted where the first label comes from.
        """
        return Told(
            members=self.classify_members(features),
            vectors=self.pool(features),
            places=self.relevance(features, label=0) if why else None,
        )

    def embed(self, images: Tensor) -> Tensor:
        """Return the pooled vector, [N, D], of images [N, 1, H, W]."""
        return self.pool(self.features(images))

    def forward_members(self, images: Tensor) -> Tensor:
        """Return each member's logits, [M, N, n_labels]; M is 1 without ensemble."""
        return self.classify_members(self.features(images))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, [N, n_labels], of preprocessed images [N, 1, H, W]."""
        return self.classify(self.features(images))


class LocalContrast(nn.Module):
    """Add a channel in which local brightness and contrast are taken out.

    A film's exposure, window and gamma change slowly over it; what remains
    after dividing by the local mean and spread is mostly anatomy.
    """

    def __init__(self, *, cell: int, keep_original: bool) -> None:
        """Take `cell`, the pooling cell in pixels (the window is three cells)."""
        super().__init__()
        self.cell = cell
        self.keep_original = keep_original

    def _smooth(self, images: Tensor) -> Tensor:
        coarse = functional.avg_pool2d(images, self.cell)
        coarse = functional.avg_pool2d(
            coarse, 3, stride=1, padding=1, count_include_pad=False
        )
        return functional.interpolate(
            coarse, size=images.shape[-2:], mode="bilinear", align_corners=False
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map [N, 1, H, W] to [N, 1 or 2, H, W]."""
        detail = images - self._smooth(images)
        spread = self._smooth(detail * detail).clamp_min(0).add(1e-2).sqrt()
        local = (detail / spread).clamp(-4.0, 4.0)
        if not self.keep_original:
            return local
        return torch.cat((images, local), dim=1)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut, as in ResNet-D."""

    def __init__(self, *, inputs: int, outputs: int, stride: int) -> None:
        """Take channel counts and the stride of the first convolution."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.norm2.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride) if stride != 1 else nn.Identity(),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, images: Tensor) -> Tensor:
        """Map [N, inputs, H, W] to [N, outputs, H/stride, W/stride]."""
        inner = functional.relu(self.norm1(self.conv1(images)))
        inner = self.norm2(self.conv2(inner))
        return functional.relu(inner + self.shortcut(images))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ByChannel:
    """A map and what its channels come to.

    Attributes:
        flat: [N, C, places].
        mean: [N, C].
        top: The strongest place's, [N, C].
    """

    flat: Tensor
    mean: Tensor
    top: Tensor

    def pooled(self, max_share: float) -> Tensor:
        """Return the mix of mean and maximum, [N, C]."""
        return torch.lerp(self.mean, self.top, max_share)


def _by_channel(features: Tensor) -> _ByChannel:
    flat = features.flatten(2)
    return _ByChannel(flat=flat, mean=flat.mean(dim=2), top=flat.amax(dim=2))


def _as_map(places: Tensor, features: Tensor) -> Tensor:
    """Return values of places, [N, 1, places], as they lie in the map, [N, h, w]."""
    return places.reshape(-1, *features.shape[2:])


def _odds(scores: Tensor) -> Tensor:
    """Return the log odds of any kind against none, [N, M, 1], of [N, M, 1 + kinds]."""
    return scores[..., 1:].logsumexp(dim=-1, keepdim=True) - scores[..., :1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heads:
    """The heads of M `FilmNet`s whose maps lie side by side.

    Attributes:
        weight: [M, 1 + kinds, C].
        bias: [M, 1 + kinds].
        max_share: As each has it.
    """

    weight: Tensor
    bias: Tensor
    max_share: float

    def scores(self, pooled: Tensor) -> Tensor:
        """Return the training heads' logits, [N, M, 1 + kinds], of [N, M·C]."""
        each = pooled.reshape(len(pooled), len(self.weight), -1, 1)
        return (self.weight @ each).squeeze(-1) + self.bias

    def relevance(self, features: _ByChannel) -> Tensor:
        """Return how much each place speaks for the one label, [N, 1, places].

        The head's derivative by the pooled vector, which each place shares by the mean
        and the strongest of a channel, among equals in parts, by the maximum; of
        several heads the mean.
        """
        flat, top = features.flat, features.top
        scores = self.scores(features.pooled(self.max_share))
        kinds = scores[..., None, 1:].softmax(dim=-1)
        weights = (kinds @ self.weight[:, 1:]).squeeze(-2) - self.weight[:, 0]
        weights = weights.flatten(1) / len(self.weight)
        # 1 where a place is its channel's strongest, else 0: faster than to compare.
        strongest = (flat - top[:, :, None]).sign_().add_(1)
        by_mean = weights * ((1 - self.max_share) / flat.shape[2])
        by_top = weights * (self.max_share * top / strongest.sum(dim=2))
        return by_mean[:, None] @ flat + by_top[:, None] @ strongest


class FilmNet(ExplainableModel):
    """A small residual network for one grey film.

    The head has `1 + n_kinds` classes, class 0 being "none of it"; the one
    logit that it gives is log(Σ kinds) − log(none), so that kinds known in
    training (bacterial, viral) teach the features and are not claimed at use.
    """

    n_labels = 1

    def __init__(
        self,
        *,
        stem: int,
        widths: Sequence[int],
        depths: Sequence[int],
        n_kinds: int = 1,
        cell: int = 8,
        keep_original: bool = True,
        dropout: float = 0.0,
        max_share: float = 0.5,
    ) -> None:
        """Build the network.

        Args:
            stem: Channels after the first convolution (stride 2).
            widths: Channels of each stage; each stage halves the grid.
            depths: Residual blocks of each stage.
            n_kinds: Positive classes of the training head.
            cell: Cell of `LocalContrast`, pixels.
            keep_original: Whether the standardised grey image is a channel too.
            dropout: Dropout before the head (training only).
            max_share: Share of the maximum in the pooled vector; the rest is
                the mean. A small consolidation counts by the maximum.
        """
        super().__init__()
        self.max_share = max_share
        self.contrast = LocalContrast(cell=cell, keep_original=keep_original)
        layers: list[nn.Module] = [
            nn.Conv2d(2 if keep_original else 1, stem, 3, 2, 1, bias=False),
            nn.BatchNorm2d(stem),
            nn.ReLU(),
        ]
        channels = stem
        for width, depth in zip(widths, depths, strict=True):
            for index in range(depth):
                layers.append(
                    ResidualBlock(
                        inputs=channels, outputs=width, stride=1 if index else 2
                    )
                )
                channels = width
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, 1 + n_kinds)

    def features(self, images: Tensor) -> Tensor:
        """Return the last convolution map, [N, C, h, w]."""
        stacked = self.contrast(images).contiguous(memory_format=torch.channels_last)
        found: Tensor = self.body(stacked)
        return found

    def pool(self, features: Tensor) -> Tensor:
        """Return the mix of mean and maximum over the map, [N, C]."""
        return _by_channel(features).pooled(self.max_share)

    def kinds(self, features: Tensor) -> Tensor:
        """Return the training head's logits, [N, 1 + n_kinds]."""
        scores: Tensor = self.head(self.dropout(self.pool(features)))
        return scores

    def classify_members(self, features: Tensor) -> Tensor:
        """Return the log odds of any kind against none, [1, N, 1]."""
        return _odds(self.kinds(features).float()[:, None]).transpose(0, 1)

    @torch.no_grad()
    def relevance(self, features: Tensor, *, label: int) -> Tensor:  # noqa: ARG002
        """Return how much each place speaks for the one label, [N, h, w]."""
        head = _Heads(
            weight=self.head.weight[None],
            bias=self.head.bias[None],
            max_share=self.max_share,
        )
        return _as_map(head.relevance(_by_channel(features)), features)


class Ensemble(ExplainableModel):
    """Several networks of one label set, averaged in logits.

    Their maps are stacked along the channels, so `features`, `classify` and
    `embed` hold for the whole. Members that are `FilmNet`s of one shape are asked
    together: each by itself is so small that calling it takes longer than its sums.
    """

    def __init__(self, *, members: Sequence[ExplainableModel]) -> None:
        """Take the members; each must give the same labels and grid."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self.n_labels = members[0].n_labels

    def _each(self) -> list[ExplainableModel]:
        return [m for m in self.members if isinstance(m, ExplainableModel)]

    def _heads(self) -> _Heads | None:
        """Return the members' heads as one; None where they are not alike."""
        nets = [member for member in self._each() if isinstance(member, FilmNet)]
        shapes = {(net.head.weight.shape, net.max_share) for net in nets}
        if self.training or len(nets) < len(self.members) or len(shapes) > 1:
            return None
        return _Heads(
            weight=torch.stack([net.head.weight for net in nets]),
            bias=torch.stack([net.head.bias for net in nets]),
            max_share=nets[0].max_share,
        )

    def tell(self, features: Tensor, *, why: bool) -> Told:
        """Return logits, vectors and, where wanted, reasons of a map of `features`."""
        heads = self._heads()
        if heads is None:
            return super().tell(features, why=why)
        by_channel = _by_channel(features)
        pooled = by_channel.pooled(heads.max_share)
        places = heads.relevance(by_channel) if why else None
        return Told(
            members=_odds(heads.scores(pooled)).transpose(0, 1),
            vectors=pooled,
            places=None if places is None else _as_map(places, features),
        )

    def _parts(self, features: Tensor) -> tuple[Tensor, ...]:
        return features.chunk(len(self.members), dim=1)

    def features(self, images: Tensor) -> Tensor:
        """Return the members' maps side by side, [N, M·C, h, w]."""
        return torch.cat([m.features(images) for m in self._each()], dim=1)

    def classify_members(self, features: Tensor) -> Tensor:
        """Return each member's logits, [M, N, n_labels]."""
        heads = self._heads()
        if heads is not None:
            scores = heads.scores(_by_channel(features).pooled(heads.max_share))
            return _odds(scores).transpose(0, 1)
        parts = zip(self._each(), self._parts(features), strict=True)
        return torch.cat([m.classify_members(part) for m, part in parts])

    def relevance(self, features: Tensor, *, label: int) -> Tensor:
        """Return how much each place speaks for a label, the mean of the members."""
        heads = self._heads()
        if heads is not None:
            with torch.no_grad():
                return _as_map(heads.relevance(_by_channel(features)), features)
        parts = zip(self._each(), self._parts(features), strict=True)
        said = [member.relevance(part, label=label) for member, part in parts]
        return torch.stack(said).mean(dim=0)

    def pool(self, features: Tensor) -> Tensor:
        """Return the members' pooled vectors side by side, [N, M·C]."""
        heads = self._heads()
        if heads is not None:
            return _by_channel(features).pooled(heads.max_share)
        parts = zip(self._each(), self._parts(features), strict=True)
        return torch.cat([m.pool(part) for m, part in parts], dim=1)
