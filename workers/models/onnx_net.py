"""Networks that came as ONNX, run by ONNX Runtime behind our interface.

Nothing of the graph is code: it was checked by `onnx_check.read_onnx`, and ONNX Runtime
knows the operators. There is no gradient, so saliency is by occlusion where a card
asks for it (`workers.inference.occlusion`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workers.models.onnx_check import read_onnx
from workers.models.volume_net import VolumeModel

ACTIVATIONS: Final = frozenset({"logits", "sigmoid", "softmax", "softmax_logits"})
_QUIET: Final = 3
_LEAST: Final = 1e-7


class OnnxSession:
    """One graph of one input, loaded.

    Attributes:
        n_bytes: Size of the graph with its weights.
    """

    def __init__(self, content: bytes) -> None:
        """Load a graph.

        Raises:
            OnnxRefusedError: It holds more than it may.
            ValueError: It has several inputs, or can not be loaded.
        """
        read_onnx(content)
        self.n_bytes = len(content)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _QUIET
        options.intra_op_num_threads = torch.get_num_threads()
        # The cores are shared with decoding and the portal: who waits, sleeps.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=_providers()
            )
        except Exception as error:
            # ONNX Runtime's own errors have no common class of their own.
            raise ValueError(f"ONNX Runtime can not load it: {error}") from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ValueError(f"it has {len(inputs)} inputs; one is needed")
        self.input_name: str = inputs[0].name
        self.input_shape: list[Any] = list(inputs[0].shape)
        self.output_names: list[str] = [o.name for o in self._session.get_outputs()]

    def run(self, batch: Tensor, names: Sequence[str]) -> list[Tensor]:
        """Return the named outputs, float32 on the processor, of a float32 batch."""
        values: NDArray[np.float32] = batch.detach().cpu().contiguous().numpy()
        fixed = self.input_shape[0] if self.input_shape else None
        size = fixed if isinstance(fixed, int) else max(len(values), 1)
        if len(values) % size:
            raise ValueError(f"it takes {size} images at a time, no fewer")
        parts = [
            self._session.run(list(names), {self.input_name: values[k : k + size]})
            for k in range(0, len(values), size)
        ]
        joined = [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
        return [torch.from_numpy(np.asarray(one, dtype=np.float32)) for one in joined]


def _providers() -> list[str]:
    there = onnxruntime.get_available_providers()
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    return [name for name in wanted if name in there]


def to_odds(outputs: Tensor, *, activation: str, axis: int = 1) -> Tensor:
    """Return log odds, same shape, of what a network gives.

    Args:
        outputs: `logits` (log odds), `sigmoid` (probabilities of each label by itself),
            `softmax` (probabilities of classes that exclude one another) or
            `softmax_logits` (the same before the softmax).
        activation: Which of these.
        axis: The axis of labels or classes.
    """
    if activation == "logits":
        return outputs
    if activation == "softmax_logits":
        outputs = outputs.softmax(dim=axis)
    return torch.logit(outputs.clamp(_LEAST, 1.0 - _LEAST))


class OnnxFilm(nn.Module):
    """A classifier of films.

    Attributes:
        n_labels: Labels of the card.
        has_vector: Whether it gives the vector that it decides by.
    """

    def __init__(
        self,
        *,
        content: bytes,
        columns: Sequence[int],
        activation: str = "logits",
        output: str = "",
        embedding: str = "",
    ) -> None:
        """Load it.

        Args:
            content: The graph.
            columns: The output's column of each label on the card.
            activation: What the output is, see `to_odds`.
            output: The output's name; the first one by default.
            embedding: The output that is the vector of a film; '' for none.

        Raises:
            ValueError: The graph or a parameter is not what it must be.
        """
        super().__init__()
        _check_activation(activation)
        self.session = OnnxSession(content)
        self.n_labels = len(columns)
        self._columns = [int(column) for column in columns]
        self._activation = activation
        self._names = [output or self.session.output_names[0]]
        self.has_vector = bool(embedding)
        if embedding:
            self._names.append(embedding)
        if unknown := set(self._names) - set(self.session.output_names):
            raise ValueError(f"it has no output {', '.join(sorted(unknown))}")

    def judge(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return logits, [1, N, n_labels], and vectors, [N, D], of [N, C, H, W]."""
        outputs, *vectors = self.session.run(images, self._names)
        flat = outputs.flatten(1)
        odds = to_odds(flat, activation=self._activation)[:, self._columns]
        return odds.unsqueeze(0), vectors[0].flatten(1) if vectors else None

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, [N, n_labels], of preprocessed images [N, C, H, W]."""
        return self.judge(images)[0].mean(dim=0)


class OnnxVolume(VolumeModel):
    """A network that marks voxels; what it gives is turned to odds by the card."""

    def __init__(self, *, content: bytes, n_outputs: int, output: str = "") -> None:
        """Load it.

        Raises:
            ValueError: The graph or a parameter is not what it must be.
        """
        super().__init__()
        self.session = OnnxSession(content)
        self.n_labels = n_outputs
        self._name = output or self.session.output_names[0]
        if self._name not in self.session.output_names:
            raise ValueError(f"it has no output {self._name}")

    @property
    def n_inputs(self) -> int | None:
        """Channels that the graph takes; None where it leaves that open."""
        shape = self.session.input_shape
        return shape[1] if len(shape) > 1 and isinstance(shape[1], int) else None

    def forward(self, volumes: Tensor) -> Tensor:
        """Return [N, n_outputs, D, H, W] of [N, C, D, H, W], on the same device."""
        found = self.session.run(volumes, [self._name])[0]
        return found.to(volumes.device)


def _check_activation(name: str) -> None:
    if name not in ACTIVATIONS:
        raise ValueError(f"activation “{name}” is unknown")


def build_onnx(
    name: str, content: bytes, params: Mapping[str, Any]
) -> OnnxFilm | OnnxVolume:
    """Build a network of an ONNX file by its name on a card.

    Raises:
        ValueError: The name, a parameter or the file is not what it must be.
    """
    try:
        if name == "onnx_film":
            return OnnxFilm(content=content, **params)
        if name == "onnx_volume":
            return OnnxVolume(content=content, **params)
    except TypeError as error:
        raise ValueError(f"architecture “{name}”: bad parameters ({error})") from error
    raise ValueError(f"architecture “{name}” is not one of an ONNX file")
