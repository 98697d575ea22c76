"""The model package: `card.json` and `weights.safetensors`, named by a hash.

A package is data only: weights are safetensors (no pickle, so loading one runs
no code of its author), the architecture is one of ours, by name.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from workers.models.architectures import ExplainableModel, UnknownArchitectureError
from workers.models.preprocess import Prepared, prepare
from workers.models.registry import Network, build

CARD_NAME = "card.json"
WEIGHTS_NAME = "weights.safetensors"
FILE_NAMES = (CARD_NAME, WEIGHTS_NAME)
SHIPPED = Path(__file__).parent / "shipped"

_MAX_FILE_BYTES = 2 << 30
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


class PackageError(ValueError):
    """A package that cannot be trusted or loaded; says which part and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPackage:
    """A loaded package.

    Attributes:
        card: The content of `card.json`.
        module: The network in evaluation mode.
        package_hash: What names the package: see `package_hash`.
    """

    card: dict[str, Any]
    module: Network
    package_hash: str

    @property
    def film_module(self) -> ExplainableModel:
        """The network, of a package that is for films.

        Raises:
            PackageError: It is for volumes.
        """
        if not isinstance(self.module, ExplainableModel):
            raise PackageError("the package is not for films")
        return self.module

    def prepare(self, image: Any) -> Prepared:
        """Prepare one displayed grey image, [rows, columns], as the card says."""
        return prepare(image, steps=self.card["preprocessing"])

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        """Return calibrated probabilities of raw logits, same shape.

        sigmoid(slope · logit + intercept), one pair a label in the last axis.
        """
        table = self.card["calibration"]["labels"]
        slope = torch.tensor([float(row["slope"]) for row in table])
        intercept = torch.tensor([float(row["intercept"]) for row in table])
        return torch.sigmoid(logits.float() * slope + intercept)

    def uncertainty(self, member_logits: torch.Tensor) -> torch.Tensor:
        """Return how far the members disagree, [N, n_labels], 0 to 1.

        It is twice the spread (population standard deviation) of their
        calibrated probabilities; 0 for a single network.

        Args:
            member_logits: [M, N, n_labels], of `module.forward_members`.
        """
        spread = self.calibrate(member_logits).std(dim=0, correction=0)
        return (2 * spread).clamp(0.0, 1.0)


def _hash_files(files: dict[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in FILE_NAMES:
        inner = hashlib.sha256(files[name]).hexdigest()
        total.update(f"{name} {inner}\n".encode())
    return total.hexdigest()


def _read_folder(folder: Path) -> dict[str, bytes]:
    missing = [name for name in FILE_NAMES if not (folder / name).is_file()]
    if missing:
        raise PackageError(f"the package lacks {' and '.join(missing)}")
    return {name: (folder / name).read_bytes() for name in FILE_NAMES}


def _read_zip(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = sorted(archive.namelist())
            if names != sorted(FILE_NAMES):
                raise PackageError(
                    f"the package must hold {' and '.join(FILE_NAMES)} only"
                )
            if any(i.file_size > _MAX_FILE_BYTES for i in archive.infolist()):
                raise PackageError("the package is too large")
            return {name: archive.read(name) for name in FILE_NAMES}
    except zipfile.BadZipFile as error:
        raise PackageError("the package is not a zip file") from error


def _read(source: Path | bytes) -> dict[str, bytes]:
    if isinstance(source, bytes):
        return _read_zip(source)
    if source.is_dir():
        return _read_folder(source)
    if source.is_file():
        return _read_zip(source.read_bytes())
    raise PackageError("there is no package at that place")


def _parse_card(content: bytes) -> dict[str, Any]:
    try:
        card = json.loads(content)
    except ValueError as error:
        raise PackageError(f"{CARD_NAME} is not JSON") from error
    if not isinstance(card, dict):
        raise PackageError(f"{CARD_NAME} is not a JSON object")
    missing = [field for field in _REQUIRED_FIELDS if field not in card]
    if missing:
        raise PackageError(f"{CARD_NAME} lacks {', '.join(missing)}")
    return card


def _load_module(card: dict[str, Any], weights: bytes) -> Network:
    try:
        tensors = load_tensors(weights)
    except SafetensorError as error:
        raise PackageError(f"{WEIGHTS_NAME} is not a safetensors file") from error
    wanted = card["architecture"]
    try:
        module = build(wanted["name"], **wanted["params"])
        module.load_state_dict(tensors)
    except (UnknownArchitectureError, RuntimeError, KeyError) as error:
        raise PackageError(f"the weights do not fit the card: {error}") from error
    return module.eval()


def package_hash(source: Path | bytes) -> str:
    """Return the SHA-256 that names a package, 64 hexadecimal digits.

    It covers the names and bytes of `card.json` and `weights.safetensors`, and
    nothing else: a folder and any zip of it have the same hash.
    """
    return _hash_files(_read(source))


def load_package(source: Path | bytes, *, expected: str = "") -> ModelPackage:
    """Load a package from a folder, a zip file or a zip's bytes.

    Args:
        source: Where it is, or the bytes of a zip.
        expected: The hash that it must have; unchecked when empty.

    Raises:
        PackageError: When it is incomplete, tampered with or does not fit.
    """
    files = _read(source)
    found = _hash_files(files)
    if expected and found != expected:
        raise PackageError("the package is not the one that was named (hash differs)")
    card = _parse_card(files[CARD_NAME])
    return ModelPackage(
        card=card,
        module=_load_module(card, files[WEIGHTS_NAME]),
        package_hash=found,
    )


def save_package(folder: Path, *, card: dict[str, Any], module: torch.nn.Module) -> str:
    """Write a package into a folder (made if absent) and return its hash.

    Matrices and convolution kernels are stored as 16-bit floats (half the
    size, no measured loss); vectors and running statistics as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.ndim > 1 else value).contiguous()
        for name, value in sorted(module.state_dict().items())
    }
    (folder / WEIGHTS_NAME).write_bytes(save_tensors(tensors))
    text = json.dumps(card, indent=2, ensure_ascii=False, sort_keys=True)
    (folder / CARD_NAME).write_text(text + "\n", encoding="utf-8")
    return package_hash(folder)


def write_package_zip(source: Path) -> bytes:
    """Return a zip of a package folder; the same folder gives the same bytes."""
    files = _read_folder(source)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in FILE_NAMES:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, files[name])
    return buffer.getvalue()
