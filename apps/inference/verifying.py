"""May a model be used? Its package as it lies on disk, and the signed list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from apps.core.errors import Conflict, DomainError
from apps.inference.packages import read_package
from apps.inference.trust import allowed_models

if TYPE_CHECKING:
    from apps.inference.models import ModelVersion


def problem_of(*, model: ModelVersion, allowed: frozenset[str]) -> str:
    """Return why no worker loads a model, in plain words; '' when all is well.

    Args:
        model: Which.
        allowed: Hashes on the signed list.
    """
    if model.package_hash not in allowed:
        return "it is not on the signed list: no worker loads it"
    try:
        package = read_package(path=Path(model.package_path))
    except DomainError as error:
        return error.detail
    if package.package_hash != model.package_hash:
        return "its files were changed on disk: no worker takes them"
    if package.card != model.card:
        return "the database holds another card than the package"
    return ""


def require_trusted(*, model: ModelVersion) -> None:
    """Refuse to use a model that no worker would load.

    Raises:
        Conflict: The package can not be trusted or was withdrawn.
    """
    problem = problem_of(model=model, allowed=allowed_models().hashes)
    if problem:
        raise Conflict("not_verified", f"{model} is not activated: {problem}.")
