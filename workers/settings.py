"""What a worker's surroundings tell it: the environment, read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(RuntimeError):
    """The environment lacks something; the text says what to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The settings of a worker process.

    Attributes:
        broker_url: Redis with the queues, database 0.
        packs_dir: Where pixel packs are written.
        models_dir: Where model packages are cached.
        shipped_models: Model packages that come with the code.
        model_key: Public key whose signature under the list of models is believed,
            base64; '' to take the one in `models_dir / "signing.pub"`.
        portal_url: Where the portal is when a request does not say; '' for none.
        torch_threads: Threads of one model call; 0 leaves it to the cores.
        batch: Images that a model is given at a time.
        slots: Studies in hand at a time: fetched, prepared, waiting for a model.
        limit_s: Seconds from a study's images being there to its answer; then the
            process that runs models is ended.
        models_mb: Memory of the loaded models together.
    """

    broker_url: str
    packs_dir: Path
    models_dir: Path
    shipped_models: Path
    model_key: str
    portal_url: str
    torch_threads: int
    batch: int
    slots: int
    limit_s: int
    models_mb: int


def read_settings(environment: Mapping[str, str] | None = None) -> WorkerSettings:
    """Read the settings.

    Args:
        environment: Names and values; the process' own by default.

    Raises:
        SettingsError: One is missing or is not what it should be.
    """
    env = os.environ if environment is None else environment
    state = Path(env.get("OVERREAD_STATE_DIR", "var"))
    shipped = Path(__file__).parent / "models" / "shipped"
    batch = _number(env, "OVERREAD_INFER_BATCH", 8, least=1)
    return WorkerSettings(
        broker_url=env.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
        packs_dir=Path(env.get("OVERREAD_PACKS_DIR", state / "packs")),
        models_dir=Path(env.get("OVERREAD_MODELS_DIR", state / "models")),
        shipped_models=Path(env.get("OVERREAD_SHIPPED_MODELS", shipped)),
        model_key=env.get("OVERREAD_MODEL_KEY", ""),
        portal_url=env.get("OVERREAD_PORTAL_URL", ""),
        torch_threads=_number(env, "OVERREAD_TORCH_THREADS", 0),
        batch=batch,
        slots=_number(env, "OVERREAD_INFER_SLOTS", 8 * batch, least=1),
        limit_s=_number(env, "OVERREAD_INFER_LIMIT_S", 300, least=1),
        models_mb=_number(env, "OVERREAD_MODELS_MB", 2048, least=1),
    )


def _number(
    env: Mapping[str, str], name: str, otherwise: int, *, least: int = 0
) -> int:
    try:
        found = int(env.get(name) or otherwise)
    except ValueError as error:
        raise SettingsError(f"{name} must be a number") from error
    if found < least:
        raise SettingsError(f"{name} must be at least {least}")
    return found
