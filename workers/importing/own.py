"""A package in our own format: nothing to convert, all to check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.importing.said import RefusedError, Said
from workers.model_files import PackageError, hash_files, read_files, zip_files
from workers.models.package import load_package


def import_package(
    source: Path, *, card: Mapping[str, Any], said: Said
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files of a package as they are.

    Raises:
        RefusedError: It does not load, or its card was to be changed.
    """
    if card:
        raise RefusedError(
            "a package is never changed: its card goes with its weights. Make a new"
            " package with another version"
        )
    try:
        files = read_files(source)
        said.step("loading it")
        load_package(zip_files(files))
    except PackageError as error:
        raise RefusedError(str(error)) from error
    return files, {"format": "package", "package_hash": hash_files(files)}
