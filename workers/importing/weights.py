"""Weights out of PyTorch's own files, without running what a pickle asks for."""

from __future__ import annotations

import pickle
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from workers.importing.said import RefusedError

_NESTED: Final = ("state_dict", "model_state_dict", "model", "net")
_NAMED: Final = re.compile(r"GLOBAL ([\w.]+)")
XRV_NAMES: Final = (
    "torchxrayvision.models.DenseNet",
    "torchxrayvision.models._DenseBlock",
    "torchxrayvision.models._DenseLayer",
    "torchxrayvision.models._Transition",
    "torch.nn.modules.activation.ReLU",
    "torch.nn.modules.batchnorm.BatchNorm2d",
    "torch.nn.modules.container.Sequential",
    "torch.nn.modules.conv.Conv2d",
    "torch.nn.modules.linear.Linear",
    "torch.nn.modules.pooling.AvgPool2d",
    "torch.nn.modules.pooling.MaxPool2d",
)
"""What a whole model that torchxrayvision published names; nothing else is taken."""


class Husk:
    """Stands for a module of a pickle: it keeps what was stored and does nothing."""

    def tensors(self, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
        """Yield its tensors with their names, as a state dict has them."""
        for part in ("_parameters", "_buffers"):
            for name, value in dict(self.__dict__.get(part, {})).items():
                if isinstance(value, torch.Tensor):
                    yield f"{prefix}{name}", value.detach()
        for name, module in dict(self.__dict__.get("_modules", {})).items():
            if isinstance(module, Husk):
                yield from module.tensors(f"{prefix}{name}.")


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file of weights by name.

    Pickles are read by `torch.load(weights_only=True)`: tensors, and the names of
    `XRV_NAMES`, which become husks. Whatever else a pickle names is refused unread.

    Raises:
        RefusedError: It is none, or names something else.
    """
    if path.suffix.lower() == ".safetensors":
        try:
            return load_file(str(path))
        except SafetensorError as error:
            raise RefusedError("it is no safetensors file") from error
    named = [(Husk, name) for name in XRV_NAMES]
    try:
        with torch.serialization.safe_globals(named):  # type: ignore[arg-type]
            found = torch.load(str(path), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise RefusedError(_why(error)) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise RefusedError("it is no file of weights that can be read") from error
    return _tensors(found)


def _why(error: Exception) -> str:
    named = _NAMED.search(str(error))
    what = f" (it names {named.group(1)})" if named else ""
    return (
        f"it is a pickle that holds more than weights{what}: loading it would run code."
        " Save its state_dict() instead"
    )


def _tensors(found: Any) -> dict[str, torch.Tensor]:
    if isinstance(found, Husk):
        return OrderedDict(found.tensors())
    for name in _NESTED:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    if not isinstance(found, Mapping) or not found:
        raise RefusedError("it holds no weights by name")
    strange = [k for k, v in found.items() if not isinstance(v, torch.Tensor)]
    if strange:
        raise RefusedError(f"“{str(strange[0])[:60]}” in it is no tensor")
    return {str(name): value for name, value in found.items()}
