"""A bundle's configuration made ready to be read: many ways of writing become one.

Nothing of it is executed here but the search for modules that it would import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Final

from monai.bundle.config_parser import ConfigParser

from workers.importing.said import RefusedError

DROPPED_BEFORE: Final = frozenset(
    {"LoadImaged", "EnsureChannelFirstd", "EnsureTyped", "ToTensord"}
)
"""What reads files and arranges axes: done from DICOM by us."""
_DROPPED_AFTER: Final = frozenset({"SaveImaged", "DeleteItemsd", "EnsureTyped"})
_CAST: Final = "CastToTyped"
_RETIRED: Final = {"SwinUNETR": ("img_size",)}
"""Arguments that MONAI has dropped: they were checked and changed nothing."""
_SUM: Final = re.compile(r"\$?\s*@[\w:#]+(\s*\+\s*@[\w:#]+)*\s*")
_REFERENCE: Final = re.compile(r"@([\w:#]+)")
_IMPORT: Final = re.compile(r"\$\s*(?:import|from)\s+([\w.]+)")


def config_of(parser: ConfigParser) -> dict[str, Any]:
    """Return a parser's configuration, as it was read.

    Raises:
        RefusedError: It is no object.
    """
    config: Any = parser.config
    if not isinstance(config, dict):
        raise RefusedError("its configuration is no object")
    return config


def name_of(config: Any) -> str:
    """Return the last part of a component's `_target_`; '' when it is none."""
    target = config.get("_target_", "") if isinstance(config, Mapping) else ""
    return str(target).rpartition(".")[2]


def make_ready(parser: ConfigParser) -> None:
    """Write lists of transforms out, and leave out what only reads and writes files.

    Raises:
        RefusedError: A section is not there, or no list of transforms.
    """
    config = config_of(parser)
    for section in ("network_def", "preprocessing", "inferer"):
        if section not in config:
            raise RefusedError(f"its configuration has no “{section}”")
    for section in ("preprocessing", "postprocessing"):
        if section in config:
            _write_out(parser, section)
    _keep(config["preprocessing"], lambda step: not _reads(step))
    if "postprocessing" in config:
        _keep(config["postprocessing"], lambda s: name_of(s) not in _DROPPED_AFTER)
    if isinstance(config.get("imports"), list):
        config["imports"] = [one for one in config["imports"] if _is_here(one)]
    network = config["network_def"]
    for argument in _RETIRED.get(name_of(network), ()):
        network.pop(argument, None)


def leave_out(parser: ConfigParser, names: list[str]) -> None:
    """Leave out transforms after the network that the card says are not wanted.

    Raises:
        RefusedError: One is not there.
    """
    section = config_of(parser).get("postprocessing", {"transforms": []})
    there = {name_of(step) for step in section["transforms"]}
    for name in names:
        if name not in there:
            raise RefusedError(
                f"segmentation.leave_out: there is no “{name}” in postprocessing:"
                f" {', '.join(sorted(there))}"
            )
    _keep(section, lambda step: name_of(step) not in names)


def checkpoints(parser: ConfigParser) -> Iterator[str]:
    """Yield the files of weights that a configuration loads, as it names them."""
    for place, step in _components(config_of(parser), ""):
        if name_of(step) == "CheckpointLoader" and "load_path" in step:
            try:
                yield str(parser.get_parsed_content(f"{place}::load_path"))
            except Exception:  # noqa: BLE001, S112  an expression may raise anything
                continue


def is_disabled(parser: ConfigParser, place: str, step: Any) -> bool:
    """Say whether a transform is switched off, by itself or by an expression."""
    said = step.get("_disabled_", False) if isinstance(step, Mapping) else False
    if isinstance(said, str) and said.startswith(("$", "@")):
        said = parser.get_parsed_content(f"{place}::_disabled_")
    return said is True or str(said).casefold() == "true"


def _components(config: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield place and configuration of whatever has a `_target_`."""
    if isinstance(config, Mapping):
        if "_target_" in config:
            yield place, config
        parts: Any = config.items()
    elif isinstance(config, list):
        parts = enumerate(config)
    else:
        return
    for key, value in parts:
        yield from _components(value, f"{place}::{key}" if place else str(key))


def _write_out(parser: ConfigParser, section: str) -> None:
    """Replace references to transforms, or lists of them, by what they refer to."""
    config = config_of(parser)
    found = _referred(parser, config[section])
    if isinstance(found, Mapping) and name_of(found) == "Compose":
        steps = _referred(parser, found.get("transforms"))
        if isinstance(steps, list):
            config[section] = {
                **found,
                "transforms": [_referred(parser, step) for step in steps],
            }
            return
    raise RefusedError(f"{section}: it must be a Compose of a list of transforms")


def _referred(parser: ConfigParser, said: Any) -> Any:
    """Return what “@name” refers to; of “$@one + @other”, the lists put together."""
    if not isinstance(said, str) or not _SUM.fullmatch(said):
        return said
    names = [name.replace("#", "::") for name in _REFERENCE.findall(said)]
    parts = [parser.get(name) for name in names]
    if len(parts) == 1:
        return _referred(parser, parts[0])
    if not all(isinstance(part, list) for part in parts):
        return said
    return [step for part in parts for step in part]


def _keep(section: dict[str, Any], wanted: Callable[[Any], bool]) -> None:
    section["transforms"] = [step for step in section["transforms"] if wanted(step)]


def _reads(step: Any) -> bool:
    if name_of(step) == _CAST:
        return str(step.get("dtype", "float32")).rpartition(".")[2] in {
            "float",
            "float32",
        }
    return name_of(step) in DROPPED_BEFORE


def _is_here(said: Any) -> bool:
    """Say whether a module that a configuration imports is there; else it goes without.

    Most are for reading lists of files; an expression that needs one says so.
    """
    named = _IMPORT.match(str(said))
    try:
        return named is not None and find_spec(named.group(1)) is not None
    except (ImportError, ValueError):
        return False
