"""A bundle's transforms and inferer as declared steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from monai.bundle.config_parser import ConfigParser

from workers.importing.bundle_config import config_of, is_disabled, name_of
from workers.importing.said import RefusedError
from workers.model_card import ROLE_STEPS
from workers.models.monai_nets import is_literal

_STEPS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "Orientationd": ("orient", frozenset({"axcodes"})),
    "Spacingd": (
        "spacing",
        frozenset({"pixdim", "mode", "padding_mode", "align_corners"}),
    ),
    "Resized": ("resize", frozenset({"spatial_size", "mode", "align_corners"})),
    "CropForegroundd": ("crop_foreground", frozenset({"margin", "allow_smaller"})),
    "ScaleIntensityd": ("scale_intensity", frozenset({"minv", "maxv", "factor"})),
    "ScaleIntensityRanged": (
        "scale_intensity_range",
        frozenset({"a_min", "a_max", "b_min", "b_max", "clip"}),
    ),
    "ScaleIntensityRangePercentilesd": (
        "scale_intensity_percentiles",
        frozenset({"lower", "upper", "b_min", "b_max", "clip", "relative"}),
    ),
    "NormalizeIntensityd": (
        "normalise_intensity",
        frozenset({"subtrahend", "divisor", "nonzero", "channel_wise"}),
    ),
}
_JOIN: Final = "ConcatItemsd"
_MATCH: Final = "ResampleToMatchd"
_OVER_ALL: Final = frozenset(
    {"scale_intensity", "scale_intensity_percentiles", "normalise_intensity"}
)
"""Steps that look at all voxels of what they are given."""
_HARMLESS: Final = frozenset(
    {
        "keys",
        "source_key",
        "allow_missing_keys",
        "image_only",
        "start_coord_key",
        "end_coord_key",
        "lazy",
        "labels",
        "dtype",
    }
)
_IDLE: Final = {"CropForegroundd": ("mode", "margin")}
"""Arguments that do something only beside another one: how a margin is filled."""
_LARGEST: Final[dict[str, tuple[Any, ...]]] = {
    "num_components": (1,),
    "connectivity": (None, 3),
    "independent": (True,),
}
_INFERER: Final = frozenset({"roi_size", "overlap", "mode", "padding_mode"})
_INFERER_HARMLESS: Final = frozenset(
    {"sw_batch_size", "device", "sw_device", "progress", "cache_roi_weight_map"}
)


def arguments_of(parser: ConfigParser, place: str) -> dict[str, Any]:
    """Return the arguments of a component with its expressions evaluated."""
    config = parser.get(place)
    return {
        key: parser.get_parsed_content(f"{place}::{key}")
        for key in config
        if not key.startswith("_")
    }


def _transforms(parser: ConfigParser, section: str) -> list[tuple[str, str]]:
    """Return place and name of each transform of a section that is in use."""
    config = config_of(parser).get(section)
    if config is None:
        return []
    found = []
    for index, step in enumerate(config["transforms"]):
        place = f"{section}::transforms::{index}"
        if not name_of(step):
            raise RefusedError(f"{place} is no transform by name")
        if not is_disabled(parser, place, step):
            found.append((place, name_of(step)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Under which keys a bundle's images go.

    Attributes:
        network: That of what the network is given.
        images: Those that are put together into it, in the order of its channels;
            empty where there is the one key alone.
    """

    network: str
    images: tuple[str, ...] = ()


def read_keys(parser: ConfigParser) -> Keys:
    """Return the keys of a bundle's images.

    Raises:
        RefusedError: There are several, and nothing puts them together.
    """
    found: dict[str, None] = {}
    joined: list[Keys] = []
    for place, name in _transforms(parser, "preprocessing"):
        said = arguments_of(parser, place)
        keys = _keys(said)
        if name == _JOIN:
            joined.append(Keys(network=str(said.get("name")), images=tuple(keys)))
        found |= dict.fromkeys(keys)
    if len(joined) > 1:
        raise RefusedError(f"it has {len(joined)} times {_JOIN}; once is possible")
    if joined:
        strange = set(found) - {*joined[0].images, joined[0].network}
        if strange:
            raise RefusedError(f"it does something to {', '.join(sorted(strange))} too")
        return joined[0]
    if len(found) != 1:
        raise RefusedError(
            f"it takes {len(found)} images ({', '.join(sorted(found))}), and no"
            f" {_JOIN} puts them together"
        )
    return Keys(network=next(iter(found)))


def _keys(said: Mapping[str, Any]) -> list[str]:
    keys = said.get("keys", [])
    return [keys] if isinstance(keys, str) else [str(key) for key in keys]


def map_preprocessing(
    parser: ConfigParser, keys: Keys
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Return a bundle's preprocessing as declared steps.

    Returns:
        What is done to all images, and by key what is done to one alone before it.

    Raises:
        RefusedError: A transform or an argument has no counterpart; it is named.
    """
    steps: list[dict[str, Any]] = []
    own: dict[str, list[dict[str, Any]]] = {key: [] for key in keys.images}
    is_joined = not keys.images
    for place, name in _transforms(parser, "preprocessing"):
        said = arguments_of(parser, place)
        if name == _JOIN:
            is_joined = True
        elif name == _MATCH and not is_joined:
            _check_match(said, keys)
        elif is_joined:
            steps.append(_declared(parser, place, name))
        elif set(_keys(said)) == set(keys.images):
            steps.append(_to_each(_declared(parser, place, name), name))
        else:
            done = _declared(parser, place, name)
            _check_own(done, name, is_first=not steps)
            for key in _keys(said):
                own[key].append(done)
    return steps, own


def _declared(parser: ConfigParser, place: str, name: str) -> dict[str, Any]:
    """Return the declared step of a transform."""
    if name not in _STEPS:
        known = ", ".join(sorted(_STEPS))
        raise RefusedError(f"preprocessing “{name}” has no declared step: {known}")
    step, taken = _STEPS[name]
    return {"name": step, **_taken(parser, place, name, taken=taken)}


def _check_match(said: Mapping[str, Any], keys: Keys) -> None:
    """Images are laid on the first one by us, before anything is done to all."""
    if str(said.get("key_dst")) != keys.images[0]:
        raise RefusedError(
            f"preprocessing “{_MATCH}”: images can be laid on the first alone,"
            f" {keys.images[0]}"
        )


def _to_each(step: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a step of images before they are joined: to each channel by itself."""
    if step["name"] == "crop_foreground":
        raise RefusedError(f"preprocessing “{name}”: crop what is put together alone")
    if step["name"] in _OVER_ALL:
        return {**step, "channel_wise": True}
    return step


def _check_own(step: Mapping[str, Any], name: str, *, is_first: bool) -> None:
    if step["name"] not in ROLE_STEPS or not is_first:
        raise RefusedError(
            f"preprocessing “{name}” of some images: only what changes values, before"
            " anything is done to all, is possible"
        )


def _taken(
    parser: ConfigParser, place: str, name: str, *, taken: frozenset[str]
) -> dict[str, Any]:
    said = arguments_of(parser, place)
    found = {}
    idle, beside = _IDLE.get(name, ("", ""))
    for key, given in said.items():
        if key in _HARMLESS or given is None or (key == idle and not said.get(beside)):
            continue
        if key not in taken:
            raise RefusedError(f"preprocessing “{name}”: no “{key}” is possible")
        value = _literal(given)
        if not is_literal(value):
            raise RefusedError(f"preprocessing “{name}”: “{key}” is not literal")
        # A list says a mode for each image: alike ones are that mode.
        if key == "mode" and isinstance(value, list):
            if len(set(value)) != 1:
                raise RefusedError(f"preprocessing “{name}”: one mode for all images")
            value = value[0]
        found[key] = value
    return found


def _literal(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_literal(one) for one in value]
    return value.item() if hasattr(value, "item") else value


def map_inferer(parser: ConfigParser) -> dict[str, Any]:
    """Return how a bundle runs its network over a volume.

    Raises:
        RefusedError: It has no counterpart.
    """
    name = name_of(config_of(parser)["inferer"])
    if name == "SimpleInferer":
        return {"window": []}
    if name != "SlidingWindowInferer":
        raise RefusedError(
            f"inferer “{name}” has no counterpart: SimpleInferer, SlidingWindowInferer"
        )
    said = arguments_of(parser, "inferer")
    unknown = set(said) - _INFERER - _INFERER_HARMLESS
    if unknown:
        raise RefusedError(f"inferer: no {', '.join(sorted(unknown))} is possible")
    overlap = _literal(said.get("overlap", 0.25))
    if not isinstance(overlap, (int, float)):
        raise RefusedError("inferer: “overlap” must be one number")
    window = _literal(said["roi_size"])
    if isinstance(window, int):
        window = [window] * 3
    return {
        "window": [int(n) for n in window],
        "overlap": float(overlap),
        "blend": str(getattr(said.get("mode"), "value", said.get("mode", "constant"))),
        "padding": str(said.get("padding_mode", "constant")),
    }


def map_postprocessing(parser: ConfigParser) -> dict[str, Any]:
    """Return how a bundle's outputs become voxels.

    Raises:
        RefusedError: A transform has no counterpart; it is named.
    """
    rules: dict[str, Any] = {"activation": "none", "back": "linear"}
    for place, name in _transforms(parser, "postprocessing"):
        if name not in AFTER:
            raise RefusedError(
                f"postprocessing “{name}” has no counterpart. Where the masks are good"
                " without it, say so on the card:"
                f' "segmentation": {{"leave_out": ["{name}"]}}'
            )
        rules |= AFTER[name](arguments_of(parser, place), rules)
    if rules["activation"] == "none" and rules.get("decide") == "argmax":
        # The largest of them is the same before and after a softmax.
        rules["activation"] = "softmax"
    if rules["activation"] == "none":
        raise RefusedError("postprocessing: no activation is said")
    return rules


def _back(said: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    nearest = _one(said.get("nearest_interp", True))
    if "decide" in rules and not nearest:
        raise RefusedError(
            "postprocessing: labels are laid back between voxels, where 2 beside 0"
            " becomes 1: decide after Invertd, or set its nearest_interp to true"
        )
    return {"back": "nearest" if nearest else "linear"}


def _largest(said: Mapping[str, Any], _rules: Mapping[str, Any]) -> dict[str, Any]:
    """Take it where it keeps one piece of each label, corners joining voxels."""
    for key, possible in _LARGEST.items():
        if key in said and said[key] not in possible:
            raise RefusedError(
                f"postprocessing “KeepLargestConnectedComponentd”: {key} is"
                f" {said[key]}, but only {possible[-1]} is possible"
            )
    return {"keep_largest": True}


def _one(value: Any) -> bool:
    return bool(value[0] if isinstance(value, (list, tuple)) else value)


def _activation(said: Mapping[str, Any], _rules: Mapping[str, Any]) -> dict[str, Any]:
    if _one(said.get("softmax", False)):
        return {"activation": "softmax"}
    if _one(said.get("sigmoid", False)):
        return {"activation": "sigmoid"}
    raise RefusedError("postprocessing: Activationsd must be sigmoid or softmax")


def _discrete(said: Mapping[str, Any], _rules: Mapping[str, Any]) -> dict[str, Any]:
    if _one(said.get("argmax", False)):
        return {"decide": "argmax"}
    threshold = said.get("threshold")
    if isinstance(threshold, (list, tuple)):
        threshold = threshold[0]
    if threshold is None:
        raise RefusedError("postprocessing: AsDiscreted needs argmax or a threshold")
    return {"decide": "threshold", "voxel_threshold": float(threshold)}


AFTER: Final = {
    "Activationsd": _activation,
    "AsDiscreted": _discrete,
    "Invertd": _back,
    "KeepLargestConnectedComponentd": _largest,
}
"""What has a counterpart after the network: read, compared, never left out."""
