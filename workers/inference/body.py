"""The body of a film network as a graph for ONNX Runtime: faster on a processor.

Made here, by our own code from our own network, when a model is loaded; it gives what
`module.features` gives, and is used only where it does so on a sample. Head, vector and
the gradient that a reason is drawn from stay with the network. Why: decisions/0022.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Final

import onnxruntime
import torch
from torch import Tensor, nn

from workers.models.architectures import ExplainableModel

log = logging.getLogger(__name__)

TOLERANCE: Final = 1e-4
"""Largest difference to the network's own map, as a share of its largest value."""
_OPSET: Final = 18
_QUIET: Final = 3
_SAMPLE: Final = 2


class Body:
    """Images to the last convolution map, by ONNX Runtime.

    Attributes:
        n_bytes: Size of the graph with its weights.
    """

    def __init__(self, content: bytes, *, threads: int) -> None:
        """Load a graph, to be run with so many threads."""
        self.n_bytes = len(content)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _QUIET
        options.intra_op_num_threads = max(1, threads)
        # The cores are shared with decoding and the portal: who waits, sleeps.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Return the map, [N, C, h, w], of images, [N, channels, H, W], float32."""
        given = {"images": images.contiguous().numpy()}
        return torch.from_numpy(self._session.run(["features"], given)[0])


class _Features(nn.Module):
    def __init__(self, module: ExplainableModel) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network calls its features."""
        return self.module.features(images)


@torch.no_grad()
def make_body(
    module: ExplainableModel, example: Tensor, *, threads: int
) -> Body | None:
    """Return a network's body as a graph; None where it can not be had, or differs.

    Args:
        module: The network, in evaluation mode, on the processor.
        example: A prepared film, [channels, H, W].
        threads: Of ONNX Runtime.
    """
    sample = torch.stack([example.roll(step, dims=-1) for step in range(_SAMPLE)])
    try:
        body = Body(_export(module, sample), threads=threads)
        found = body(sample[:1])
    except Exception as error:  # noqa: BLE001  whatever it is, the network itself runs
        log.info("a network runs as it is: %s", type(error).__name__)
        return None
    expected = module.features(sample[:1])
    scale = max(float(expected.abs().max()), 1e-6)
    if float((found - expected).abs().max()) > TOLERANCE * scale:
        log.warning("a network runs as it is: its graph says something else")
        return None
    return body


def _export(module: ExplainableModel, sample: Tensor) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target = Path(folder) / "body.onnx"
        torch.onnx.export(
            _Features(module).eval(),
            (sample,),
            str(target),
            input_names=["images"],
            output_names=["features"],
            dynamic_axes={"images": {0: "n"}, "features": {0: "n"}},
            opset_version=_OPSET,
            dynamo=False,
        )
        return target.read_bytes()
