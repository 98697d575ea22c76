"""Several series as the channels of one volume, on the grid of the first role's.

Each role's series is loaded, prepared on its own grid, and laid on the first one's
where it lies in the patient (SimpleITK, linear). Nothing is registered: series of one
frame of reference are where they say they are, and others are turned away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray

from workers.inference.monai_volume import run_role_steps
from workers.inference.volume import MAX_VOXELS, Geometry, VolumeError, find_geometry
from workers.inference.workplace import RejectedError, check_synthetic
from workers.model_card import InputRules, SeriesRole
from workers.models.package import ModelPackage
from workers.packs.isolation import IsolatedDecoder
from workers.packs.rendering import PlainFile
from workers.packs.source import InstanceRef
from workers.pixels.grids import lay_on, to_grid, values_of
from workers.pixels.image import ImageError, ImageHeader, load_values, read_image
from workers.pixels.mr import facts_of
from workers.pixels.stacks import Stack, sort_series
from workers.portal_client import PortalClient
from workers.quality.gate import assess_volume, summary_of
from workers.quality.verdict import Check, passed, words_of
from workers.series_roles import (
    SeriesFacts,
    apart_words,
    choose_series,
    fits,
    listed,
    series_words,
)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleStack:
    """The images of one role.

    Attributes:
        role: Which.
        stack: Its slices, in order.
        values: [slice, row, column] in their own unit.
        checks: What the gate says of them.
    """

    role: SeriesRole
    stack: Stack
    values: Floats
    checks: tuple[Check, ...] = ()

    @property
    def first(self) -> ImageHeader:
        """Its first image."""
        return self.stack.headers[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """What a model of volumes is given.

    Attributes:
        geometry: Where the voxels are: the one series, or the first role's.
        values: [slice, row, column] of one series in whole Hounsfield units; of
            several [channel, slice, row, column], float32, in the order of the card's
            roles.
        checks: What the gate says.
        inputs: Of each role `role`, `series_uid`, `number`, `images`, `b_value` and
            the share of the first role's volume that it covers, `cover`; empty of a
            model without roles.
    """

    geometry: Geometry
    values: NDArray[Any]
    checks: tuple[Check, ...]
    inputs: tuple[dict[str, Any], ...] = ()


def choose_by_files(
    rules: InputRules,
    firsts: Mapping[str, ImageHeader],
    counts: Mapping[str, int],
) -> dict[str, str]:
    """Return the series of each role, by one image of each series of a study.

    Raises:
        VolumeError: A role stays empty, or it is not clear which series it is.
    """
    facts = [
        facts_of(header, n_images=counts[uid])
        for uid, header in firsts.items()
        if header.orientation is not None
        and header.n_frames == 1
        and header.samples == 1
    ]
    choice = choose_series(rules, facts)
    if choice.reason:
        raise VolumeError(choice.reason)
    return dict(choice.series)


def load_channels(
    refs: Mapping[str, Sequence[InstanceRef]],
    portal: PortalClient,
    decoder: IsolatedDecoder,
    *,
    package: ModelPackage,
) -> Channels:
    """Return the channels of a model of several series.

    Args:
        refs: The images of each role's series, by the role's name.
        portal: Where they are.
        decoder: The process that decodes.
        package: The model; its card has roles.

    Raises:
        VolumeError: They are no volume, or do not lie together.
        PreprocessError: A role's own step can not be done.
        RejectedError: The gate keeps the model from judging it.
    """
    card_input: dict[str, Any] = package.card.get("input", {})
    rules = package.parsed.input
    loaded = [
        _load(
            role, refs.get(role.name, ()), portal, decoder, rules=rules, said=card_input
        )
        for role in rules.roles
    ]
    reference, *others = loaded
    geometry = find_geometry(reference.stack.headers, rules=card_input)
    _check_voxels(reference, len(loaded))
    for other in others:
        _check_frame(reference, other)
    checks = tuple(check for one in loaded for check in one.checks)
    if words := words_of(checks):
        raise RejectedError("; ".join(words), quality=summary_of(checks))
    grids = [_prepared(one) for one in loaded]
    values = np.empty((len(loaded), *reference.values.shape), np.float32)
    values[0] = values_of(grids[0])
    inputs = [_told(reference, 1.0)]
    for index, (one, grid) in enumerate(zip(others, grids[1:], strict=True), 1):
        laid, cover = lay_on(grid, grids[0])
        _check_cover(reference, one, cover)
        values[index] = values_of(laid)
        inputs.append(_told(one, cover))
    return Channels(
        geometry=geometry,
        values=values,
        checks=(*checks, *_told_checks(inputs)),
        inputs=tuple(inputs),
    )


def _load(
    role: SeriesRole,
    refs: Sequence[InstanceRef],
    portal: PortalClient,
    decoder: IsolatedDecoder,
    *,
    rules: InputRules,
    said: Mapping[str, Any],
) -> RoleStack:
    """Return the images of a role with what the gate says of them."""
    contents: dict[str, tuple[bytes, PlainFile | None]] = {}
    headers: list[ImageHeader] = []
    for _, content in portal.read_instances(list(refs)):
        try:
            header, plain = read_image(content)
        except ImageError as error:
            raise VolumeError(f"{role.name}: a slice can not be read: {error}") from (
                error
            )
        check_synthetic(header, rules=said)
        headers.append(header)
        contents[header.sop_uid] = (b"" if plain is not None else content, plain)
    stack = _stack_of(role, headers, rules=rules)
    first = stack.headers[0]
    values = np.empty((len(stack.headers), first.rows, first.columns), np.float32)
    for index, header in enumerate(stack.headers):
        try:
            content, plain = contents[header.sop_uid]
            values[index] = load_values(content, decoder=decoder, plain=plain)
        except ImageError as error:
            raise VolumeError(f"{role.name}: a slice can not be read: {error}") from (
                error
            )
    # What the card declares of patient and machine is asked of the first role's alone.
    if role is rules.roles[0]:
        checks = assess_volume(stack.headers, values, rules)
    else:
        checks = tuple(
            replace(check, words=f"{role.name}: {check.words}" if check.words else "")
            for check in assess_volume(stack.headers, values)
        )
    return RoleStack(role=role, stack=stack, values=values, checks=checks)


def _stack_of(
    role: SeriesRole, headers: Sequence[ImageHeader], *, rules: InputRules
) -> Stack:
    """Return the one even stack of a series that a role is: of b-values the highest.

    Raises:
        VolumeError: There is none, or several.
    """
    if not headers:
        raise VolumeError(f"the study has no {role.name} series")
    number = series_words(headers[0].series_number)
    stacks = sort_series(headers).stacks
    found = [stack for stack in stacks if fits(role, _facts_of(stack), rules=rules)]
    if not found:
        raise VolumeError(f"{number} is no {role.name}: {_why_none(role, stacks)}")
    highest = max(_b_value(stack) or 0.0 for stack in found)
    found = [stack for stack in found if (_b_value(stack) or 0.0) == highest]
    if len(found) > 1:
        raise VolumeError(
            f"{number} holds {len(found)} volumes that could be its {role.name}"
        )
    if problems := sort_series(found[0].headers).problems:
        words = "; ".join(problem.words for problem in problems)
        raise VolumeError(f"{role.name}: {words}")
    if len(found[0].headers) < max(2, rules.min_slices or 2):
        raise VolumeError(
            f"{role.name} has {len(found[0].headers)} slices;"
            f" at least {max(2, rules.min_slices or 2)} are needed"
        )
    return found[0]


def _why_none(role: SeriesRole, stacks: Sequence[Stack]) -> str:
    has = sorted({b for stack in stacks if (b := _b_value(stack)) is not None})
    if role.b_value is None or not has:
        return "it is not made as the model needs it"
    return f"it has b-values of {listed([f'{b:g}' for b in has])}"


def _facts_of(stack: Stack) -> SeriesFacts:
    return facts_of(
        stack.headers[0], n_images=len(stack.headers), b_value=_b_value(stack)
    )


def _b_value(stack: Stack) -> float | None:
    return stack.headers[0].acquisition.b_value


# --- whether they lie together


def _check_voxels(reference: RoleStack, n_channels: int) -> None:
    count = reference.values.size * n_channels
    if count > MAX_VOXELS:
        raise VolumeError(
            f"{n_channels} channels of {reference.role.name} have {count / 1e6:.0f}"
            f" million voxels: more than the limit of {MAX_VOXELS / 1e6:.0f}"
        )


def _check_frame(reference: RoleStack, other: RoleStack) -> None:
    first, second = (one.first.frame_of_reference_uid for one in (reference, other))
    if words := apart_words(reference.role.name, other.role.name, first, second):
        raise VolumeError(words)
    if not (first and second):
        silent = reference if not first else other
        raise VolumeError(
            f"the {silent.role.name} series does not say in which frame of reference"
            " it lies"
        )


def _check_cover(reference: RoleStack, other: RoleStack, cover: float) -> None:
    if cover < other.role.min_cover:
        raise VolumeError(
            f"the {other.role.name} series covers {cover:.0%} of the"
            f" {reference.role.name}; at least {other.role.min_cover:.0%} is needed"
        )


def _told(one: RoleStack, cover: float) -> dict[str, Any]:
    return {
        "role": one.role.name,
        "series_uid": one.first.series_uid,
        "number": one.first.series_number,
        "images": len(one.stack.headers),
        "b_value": one.first.acquisition.b_value,
        "cover": round(cover, 4),
    }


def _told_checks(inputs: Sequence[Mapping[str, Any]]) -> list[Check]:
    """Return what a person should be able to see: what was given, how far it laps."""
    words = [
        f"{row['role']} is {series_words(row['number'])}"
        + ("" if row["b_value"] is None else f", b {row['b_value']:g}")
        for row in inputs
    ]
    found = [passed("inputs", words="; ".join(words))]
    if covers := [float(row["cover"]) for row in inputs[1:]]:
        found.append(passed("cover", value=min(covers)))
    return found


# --- each on its own grid


def _prepared(one: RoleStack) -> sitk.Image:
    """Return a role's values on their own grid, its own steps done."""
    try:
        grid = to_grid(one.stack, one.values)
    except ImageError as error:
        raise VolumeError(f"{one.role.name}: {error}") from error
    if not one.role.steps:
        return grid
    dx, dy, dz = grid.GetSpacing()
    found = sitk.GetImageFromArray(
        run_role_steps(
            torch.from_numpy(one.values), (dz, dy, dx), steps=one.role.steps
        ).numpy()
    )
    found.CopyInformation(grid)
    return found
