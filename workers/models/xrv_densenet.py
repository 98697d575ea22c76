"""DenseNet with torchvision's and torchxrayvision's names of weights.

Huang et al., "Densely Connected Convolutional Networks", 2017: each layer is given
the maps of all layers before it in its block.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.models.architectures import ExplainableModel


class _DenseLayer(nn.Module):
    def __init__(self, *, inputs: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, bottleneck * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck * growth)
        self.conv2 = nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.conv1(functional.relu(self.norm1(maps)))
        new = self.conv2(functional.relu(self.norm2(inner)))
        return torch.cat((maps, new), dim=1)


class XrvDenseNet(ExplainableModel):
    """A classifier of chest films in torchxrayvision's format of weights."""

    def __init__(
        self,
        *,
        n_outputs: int,
        columns: Sequence[int] = (),
        growth: int = 32,
        blocks: Sequence[int] = (6, 12, 24, 16),
        stem: int = 64,
        bottleneck: int = 4,
    ) -> None:
        """Build the network.

        Args:
            n_outputs: Outputs of the classifier.
            columns: The output of each label on the card; all by default.
            growth: Channels that a layer adds.
            blocks: Layers of each block.
            stem: Channels of the first convolution.
            bottleneck: Channels of a layer's first convolution, times `growth`.
        """
        super().__init__()
        self._columns = [int(c) for c in columns] or list(range(n_outputs))
        self.n_labels = len(self._columns)
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(1, stem, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(stem),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
        width = stem
        for number, depth in enumerate(blocks, 1):
            layers: OrderedDict[str, nn.Module] = OrderedDict()
            for index in range(depth):
                layers[f"denselayer{index + 1}"] = _DenseLayer(
                    inputs=width + index * growth, growth=growth, bottleneck=bottleneck
                )
            parts[f"denseblock{number}"] = nn.Sequential(layers)
            width += depth * growth
            if number < len(blocks):
                parts[f"transition{number}"] = _transition(width)
                width //= 2
        parts["norm5"] = nn.BatchNorm2d(width)
        self.features_net = nn.Sequential(parts)
        self.classifier = nn.Linear(width, n_outputs)

    def features(self, images: Tensor) -> Tensor:
        """Return the last map, [N, C, h, w]."""
        return functional.relu(self.features_net(images))

    def pool(self, features: Tensor) -> Tensor:
        """Return the mean over the map, [N, C]."""
        return features.mean(dim=(2, 3))

    def classify_members(self, features: Tensor) -> Tensor:
        """Return the logits of the one member, [1, N, n_labels]."""
        logits: Tensor = self.classifier(self.pool(features)).float()
        return logits[:, self._columns].unsqueeze(0)

    @torch.no_grad()
    def relevance(self, features: Tensor, *, label: int) -> Tensor:
        """Return how much each place speaks for a label, [N, h, w].

        Behind a mean and a linear layer that is the class activation map of Zhou et
        al., 2016.
        """
        weights = self.classifier.weight[self._columns[label]]
        n_places = features.shape[-2] * features.shape[-1]
        return torch.einsum("c,nchw->nhw", weights, features) / n_places


def _transition(width: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(width),
            relu=nn.ReLU(),
            conv=nn.Conv2d(width, width // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, stride=2),
        )
    )
