"""A model package loaded: its card, its network, its name.

A package is data only: weights are safetensors (no pickle, so loading one runs no code
of its author) for an architecture of ours by name, or an ONNX graph of standard
operators. `workers.model_files` knows the files, `workers.model_card` the card.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from workers.model_card import Card, CardError, read_card
from workers.model_files import (
    CARD_NAME,
    ONNX_NAME,
    SPACE_NAME,
    PackageError,
    hash_files,
    parse_card,
    read_files,
    write_card,
    zip_files,
)
from workers.model_files import SAFETENSORS_NAME as WEIGHTS_NAME
from workers.models.architectures import ExplainableModel, UnknownArchitectureError
from workers.models.input_space import InputSpace, read_space, split_tensors
from workers.models.onnx_net import OnnxFilm, build_onnx
from workers.models.preprocess import Prepared, prepare
from workers.models.registry import Network, build
from workers.models.volume_net import VolumeModel

__all__ = [
    "CARD_NAME",
    "WEIGHTS_NAME",
    "ModelPackage",
    "PackageError",
    "load_package",
    "package_hash",
    "save_package",
    "write_package_zip",
]

SHIPPED = Path(__file__).parent / "shipped"

_REQUIRED_FIELDS = (
    "name",
    "version",
    "intended_use",
    "labels",
    "input",
    "preprocessing",
    "architecture",
    "calibration",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPackage:
    """A loaded package.

    Attributes:
        card: The content of `card.json`.
        module: The network in evaluation mode.
        package_hash: What names the package: see `package_hash`.
        input_space: Where its training inputs lie; None when the package says
            nothing of it.
        body: A faster way to what `module.features` gives, on the processor; None to
            ask the network itself (`workers.inference.body`).
    """

    card: dict[str, Any]
    module: Network
    package_hash: str
    input_space: InputSpace | None = None
    body: Callable[[torch.Tensor], torch.Tensor] | None = None
    _parsed: list[Card] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def parsed(self) -> Card:
        """The card, read: once, for every study asks for it."""
        if not self._parsed:
            self._parsed.append(read_card(self.card))
        return self._parsed[0]

    @property
    def film_module(self) -> ExplainableModel | OnnxFilm:
        """The network, of a package that is for films.

        Raises:
            PackageError: It is for volumes.
        """
        if isinstance(self.module, VolumeModel):
            raise PackageError("the package is not for films")
        return self.module

    def prepare(self, image: Any) -> Prepared:
        """Prepare one displayed grey image, [rows, columns], as the card says."""
        return prepare(image, steps=self.card["preprocessing"])

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        """Return calibrated probabilities of raw logits, same shape.

        sigmoid(slope · logit + intercept), one pair a label in the last axis; with
        `operating_point` p: 0 to p is stretched to 0 to 0.5, p to 1 to 0.5 to 1.
        """
        table = self.card["calibration"]["labels"]
        if any("operating_point" in row for row in table):
            return _by_operating_point(torch.sigmoid(logits.float()), table)
        slope = torch.tensor([float(row["slope"]) for row in table])
        intercept = torch.tensor([float(row["intercept"]) for row in table])
        return torch.sigmoid(logits.float() * slope + intercept)

    def uncertainty(self, member_logits: torch.Tensor) -> torch.Tensor:
        """Return what the members do not know together, [N, n_labels], 0 to 1 bit.

        The mutual information of the answer and the choice of the member: the
        entropy of the mean of their calibrated probabilities less the mean of
        their entropies (Houlsby et al., 2011; Gal et al., ICML 2017). A film that
        is doubtful to every member alike has entropy and no mutual information;
        0 for a single network.

        Args:
            member_logits: [M, N, n_labels], of `module.forward_members`.
        """
        shares = self.calibrate(member_logits).double()
        known = _entropy_bits(shares).mean(dim=0)
        return (_entropy_bits(shares.mean(dim=0)) - known).clamp(0.0, 1.0).float()


def _entropy_bits(shares: torch.Tensor) -> torch.Tensor:
    """Return the entropy of yes-or-no answers of these probabilities, in bits."""
    rest = 1.0 - shares
    nats: torch.Tensor = torch.special.entr(shares) + torch.special.entr(rest)
    return nats / math.log(2.0)


def _by_operating_point(
    shares: torch.Tensor, table: list[dict[str, Any]]
) -> torch.Tensor:
    """Return probabilities on a scale on which the operating point is 0.5."""
    points = torch.tensor([float(row.get("operating_point", 0.5)) for row in table])
    below = shares / (2.0 * points)
    above = 1.0 - (1.0 - shares) / (2.0 * (1.0 - points))
    return torch.where(shares < points, below, above)


def _parse_card(content: bytes) -> dict[str, Any]:
    card = parse_card(content)
    missing = [field for field in _REQUIRED_FIELDS if field not in card]
    if missing:
        raise PackageError(f"{CARD_NAME} lacks {', '.join(missing)}")
    try:
        read_card(card)
    except CardError as error:
        raise PackageError(str(error)) from error
    return card


def _load_network(card: dict[str, Any], files: dict[str, bytes]) -> Network:
    if ONNX_NAME in files:
        return _load_onnx(card, files[ONNX_NAME])
    return _load_module(card, files[WEIGHTS_NAME])


def _check_channels(card: dict[str, Any], module: Network) -> None:
    """Refuse a network that takes another number of series than its card names."""
    if not isinstance(module, VolumeModel):
        return
    takes, named = module.n_inputs, max(1, len(card["input"].get("roles", [])))
    if takes is not None and takes != named:
        raise PackageError(
            f"the network takes {takes} series as channels and the card names {named}:"
            " say each one's role in “input.roles”"
        )


def _load_onnx(card: dict[str, Any], content: bytes) -> Network:
    wanted = card["architecture"]
    try:
        module = build_onnx(wanted["name"], content, wanted.get("params", {}))
    except (ValueError, KeyError) as error:
        raise PackageError(f"{ONNX_NAME} is refused: {error}") from error
    return module.eval()


def _load_module(card: dict[str, Any], weights: bytes) -> Network:
    try:
        tensors = load_tensors(weights)
    except SafetensorError as error:
        raise PackageError(f"{WEIGHTS_NAME} is not a safetensors file") from error
    wanted = card["architecture"]
    try:
        module = build(wanted["name"], **wanted["params"])
        module.load_state_dict(split_tensors(tensors)[0])
    except (UnknownArchitectureError, RuntimeError, KeyError) as error:
        raise PackageError(f"the weights do not fit the card: {error}") from error
    return module.eval()


def package_hash(source: Path | bytes) -> str:
    """Return the SHA-256 that names a package, see `workers.model_files`."""
    return hash_files(read_files(source))


def load_package(source: Path | bytes, *, expected: str = "") -> ModelPackage:
    """Load a package from a folder, a zip file or a zip's bytes.

    Args:
        source: Where it is, or the bytes of a zip.
        expected: The hash that it must have; unchecked when empty.

    Raises:
        PackageError: When it is incomplete, tampered with or does not fit.
    """
    files = read_files(source)
    found = hash_files(files)
    if expected and found != expected:
        raise PackageError("the package is not the one that was named (hash differs)")
    card = _parse_card(files[CARD_NAME])
    module = _load_network(card, files)
    _check_channels(card, module)
    space = _load_space(card, files)
    _check_vectors(module, space)
    return ModelPackage(card=card, module=module, package_hash=found, input_space=space)


def _load_space(card: dict[str, Any], files: dict[str, bytes]) -> InputSpace | None:
    content = files.get(SPACE_NAME) or files.get(WEIGHTS_NAME)
    try:
        tensors = {} if content is None else split_tensors(load_tensors(content))[1]
        return read_space(card, tensors)
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise PackageError(f"the input space can not be used: {error}") from error


def _check_vectors(module: Network, space: InputSpace | None) -> None:
    """Refuse a graph whose inputs lie somewhere, and that gives no vector to say so."""
    if space is None or not isinstance(module, OnnxFilm) or module.has_vector:
        return
    raise PackageError("it has an input space, and its graph gives no vector")


def save_package(
    folder: Path,
    *,
    card: dict[str, Any],
    module: torch.nn.Module,
    space: Mapping[str, torch.Tensor] | None = None,
) -> str:
    """Write a package into a folder (made if absent) and return its hash.

    Matrices and convolution kernels are stored as 16-bit floats (half the
    size, no measured loss); vectors and running statistics as they are, and so are
    the tensors of its input space (`workers.models.input_space`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.ndim > 1 else value).contiguous()
        for name, value in sorted(module.state_dict().items())
    }
    tensors |= dict(space or {})
    (folder / WEIGHTS_NAME).write_bytes(save_tensors(tensors))
    (folder / CARD_NAME).write_bytes(write_card(card))
    return package_hash(folder)


def save_space(
    folder: Path,
    *,
    files: Mapping[str, bytes],
    card: dict[str, Any],
    space: Mapping[str, torch.Tensor],
) -> str:
    """Write a package with another card and input space; return its hash.

    The weights stay byte for byte what they are: of a network of ours the tensors go
    beside its own, of a graph into a file of their own.

    Args:
        folder: Where to; made if absent.
        files: Of the package as it was, see `workers.model_files.read_files`.
        card: With what it says of the space.
        space: What `workers.models.input_space.space_tensors` makes.
    """
    made = {**files, CARD_NAME: write_card(card)}
    if ONNX_NAME in files:
        made[SPACE_NAME] = save_tensors(dict(space))
    else:
        own = split_tensors(load_tensors(files[WEIGHTS_NAME]))[0]
        made[WEIGHTS_NAME] = save_tensors(own | dict(space))
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return package_hash(folder)


def write_package_zip(source: Path) -> bytes:
    """Return a zip of a package folder; the same folder gives the same bytes."""
    return zip_files(read_files(source))
