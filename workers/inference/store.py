"""Model packages of this worker: in memory, shipped, cached, or fetched."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from workers.inference.body import Body, make_body
from workers.inference.trust import TrustedModels
from workers.model_trust import UntrustedError
from workers.models.architectures import ExplainableModel
from workers.models.onnx_net import OnnxFilm, OnnxVolume
from workers.models.package import (
    ModelPackage,
    PackageError,
    load_package,
    package_hash,
)
from workers.models.preprocess import PreprocessError

log = logging.getLogger(__name__)

BUDGET_MB: Final = 2048
"""Memory for networks unless a setting says otherwise."""


class ModelUnavailableError(RuntimeError):
    """The package is not what it should be; the text says why."""


class ModelStore:
    """Gives loaded packages by hash, and trusts none that hashes differently."""

    def __init__(
        self,
        *,
        trusted: TrustedModels,
        shipped: Path,
        cache: Path,
        device: torch.device,
        budget_mb: int = BUDGET_MB,
        threads: int = 1,
    ) -> None:
        """Take what may be loaded, the folders, and where models are to run.

        Args:
            trusted: The portal's signed list.
            shipped: A folder of package folders that came with the code.
            cache: Where fetched packages (zip files by hash) are kept.
            device: Where the networks go.
            budget_mb: Memory of all networks together. Those not used for longest
                give way; the one that is asked for is loaded even if it alone is more.
            threads: Of a network's body on the processor.
        """
        self._threads = threads
        self._budget = budget_mb << 20
        self._lock = threading.Lock()
        self._trusted = trusted
        self._shipped = shipped
        self._cache = cache
        self._device = device
        self._loaded: OrderedDict[str, ModelPackage] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._folders: dict[str, Path] | None = None

    def get(
        self,
        wanted: str,
        *,
        fetch: Callable[[], bytes],
        fetch_list: Callable[[], bytes],
    ) -> ModelPackage:
        """Return a package, loaded and in evaluation mode.

        Args:
            wanted: Its hash.
            fetch: Gets the zip from the portal, called only when needed.
            fetch_list: Gets the signed list of packages, called only when needed.

        Raises:
            ModelUnavailableError: It may not be loaded, can not, or is another one.
        """
        with self._lock:
            try:
                self._trusted.check(wanted, fetch=fetch_list)
            except UntrustedError as error:
                self._loaded.pop(wanted, None)
                raise ModelUnavailableError(
                    f"the model may not be used: {error}"
                ) from error
            return self._get(wanted, fetch=fetch)

    def loaded(self) -> list[tuple[str, int]]:
        """Return what is loaded, the last used last: name and version, and bytes."""
        return [
            (f"{one.card['name']} {one.card['version']}", self._sizes[name])
            for name, one in list(self._loaded.items())
        ]

    def _get(self, wanted: str, *, fetch: Callable[[], bytes]) -> ModelPackage:
        found = self._loaded.get(wanted)
        if found is None:
            found = self._place(self._find(wanted, fetch))
            # Counted once: walking through a network takes as long as preparing a film.
            self._sizes[wanted] = bytes_of(found)
            self._loaded[wanted] = found
            self._make_room()
        self._loaded.move_to_end(wanted)
        return found

    def _make_room(self) -> None:
        """Let go of what was not used for longest; who still runs it keeps it."""
        used = sum(size for _, size in self.loaded())
        while used > self._budget and len(self._loaded) > 1:
            _, gone = self._loaded.popitem(last=False)
            used -= bytes_of(gone)
            log.info("model %s makes room for others", gone.package_hash[:12])

    def warm(self) -> list[ModelPackage]:
        """Load the shipped packages, as many as the budget holds, and return them.

        They are only made ready: `get` still asks the signed list.
        """
        with self._lock:
            for name in self._shipped_folders():
                self._get(name, fetch=_nothing)
            return list(self._loaded.values())

    def _find(self, wanted: str, fetch: Callable[[], bytes]) -> ModelPackage:
        try:
            folder = self._shipped_folders().get(wanted)
            if folder is not None:
                return load_package(folder, expected=wanted)
            return self._cached(wanted) or self._fetched(wanted, fetch)
        except PackageError as error:
            raise ModelUnavailableError(
                f"the model can not be used: {error}"
            ) from error

    def _cached(self, wanted: str) -> ModelPackage | None:
        path = self._cache / f"{wanted}.zip"
        if not path.is_file():
            return None
        try:
            return load_package(path, expected=wanted)
        except PackageError:
            log.warning("a cached model was damaged and is fetched again")
            path.unlink(missing_ok=True)
            return None

    def _fetched(self, wanted: str, fetch: Callable[[], bytes]) -> ModelPackage:
        content = fetch()
        package = load_package(content, expected=wanted)
        with contextlib.suppress(OSError):
            self._keep(wanted, content)
        return package

    def _keep(self, wanted: str, content: bytes) -> None:
        self._cache.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._cache, prefix=".fetch.")
        with os.fdopen(handle, "wb") as target:
            target.write(content)
        Path(name).replace(self._cache / f"{wanted}.zip")

    def _place(self, package: ModelPackage) -> ModelPackage:
        package.module.eval()
        package.module.to(device=self._device)
        if isinstance(package.module, ExplainableModel):
            package.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for parameter in package.module.parameters():
            parameter.requires_grad = False
        return replace(package, body=self._body_of(package))

    def _body_of(self, package: ModelPackage) -> Body | None:
        """Return the faster body of a network of films; None where there is none."""
        module = package.module
        if self._device.type != "cpu" or not isinstance(module, ExplainableModel):
            return None
        if not module.explains:
            return None
        noise = np.random.default_rng(0).random((512, 512), dtype=np.float32)
        try:
            example = package.prepare(noise).tensor
        except PreprocessError:
            return None
        return make_body(module, example, threads=self._threads)

    def _shipped_folders(self) -> dict[str, Path]:
        if self._folders is None:
            self._folders = {}
            cards = sorted(self._shipped.glob("*/card.json"))
            for folder in (card.parent for card in cards):
                try:
                    self._folders[package_hash(folder)] = folder
                except PackageError as error:
                    log.warning("a shipped model can not be read: %s", error)
        return self._folders


def bytes_of(package: ModelPackage) -> int:
    """Return the memory of a network's weights, in bytes."""
    module = package.module
    if isinstance(module, OnnxFilm | OnnxVolume):
        return module.session.n_bytes
    tensors = (*module.parameters(), *module.buffers())
    own = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return own + (package.body.n_bytes if isinstance(package.body, Body) else 0)


def _nothing() -> bytes:
    raise ModelUnavailableError("a shipped model has gone")
