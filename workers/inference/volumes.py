"""Volumes: choose the series, load it, mark it, lay the mask on its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts import MASK_MEDIA_TYPE, BoxResult, FindingResult, MaskRef
from workers.inference.channels import Channels, choose_by_files, load_channels
from workers.inference.engine import TooLargeError
from workers.inference.segment import (
    Segment,
    largest_slice,
    pack_mask,
    segment_volume,
)
from workers.inference.volume import (
    Geometry,
    VolumeError,
    choose_series,
    find_geometry,
)
from workers.inference.workplace import (
    Ask,
    Clock,
    RejectedError,
    Said,
    Workplace,
    check_synthetic,
)
from workers.models.package import ModelPackage
from workers.models.preprocess import PreprocessError
from workers.packs.isolation import IsolatedDecoder
from workers.packs.layout import belongs_in_pack
from workers.packs.source import InstanceRef
from workers.pixels.image import (
    ImageError,
    ImageHeader,
    load_values,
    read_header,
    read_image,
)
from workers.portal_client import PortalClient
from workers.quality.gate import assess_volume, summary_of
from workers.quality.verdict import failed, words_of

_FRAME = 1


def judge_volume(
    package: ModelPackage,
    *,
    portal: PortalClient,
    workplace: Workplace,
    clock: Clock,
    ask: Ask,
) -> Said:
    """Judge the one series of a study that the model is for, or its several.

    Raises:
        RejectedError: The study is not one that the model may judge.
        PortalError: The portal refused.
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    try:
        with workplace.volumes.turn(ask.priority):
            with clock.part("fetch_s"):
                given = _given(package, portal, workplace=workplace, ask=ask)
            geometry, checks, inputs = given.geometry, given.checks, given.inputs
            with clock.part("infer_s"):
                segments = _segment(
                    package, geometry, given.values, workplace=workplace, ask=ask
                )
            del given
    except (VolumeError, PreprocessError, TooLargeError) as error:
        found = failed("series", str(error))
        raise RejectedError(str(error), quality=summary_of([found])) from error
    with clock.part("explain_s"):
        findings = tuple(_finding(one, geometry, portal) for one in segments)
    quality = {
        "series_uid": geometry.series_uid,
        "slices": len(geometry.sop_uids),
        "spacing_mm": [round(part, 4) for part in geometry.spacing],
        **({"inputs": list(inputs)} if inputs else {}),
        **summary_of(checks),
    }
    return Said(quality=quality, findings=findings)


def _given(
    package: ModelPackage, portal: PortalClient, *, workplace: Workplace, ask: Ask
) -> Channels:
    """Return what the model is given: one series, or several as channels."""
    if package.parsed.input.roles:
        return _several(package, portal, workplace=workplace, ask=ask)
    refs = _series(portal, rules=package.card.get("input", {}))
    ask.begin()
    return _load(refs, portal, workplace.decoder, package=package)


def _several(
    package: ModelPackage, portal: PortalClient, *, workplace: Workplace, ask: Ask
) -> Channels:
    """Return the channels of a model of several series.

    Raises:
        VolumeError: A role stays empty, or the series do not lie together.
        RejectedError: The gate keeps the model from judging them.
    """
    series = _by_series(portal)
    chosen = dict(ask.series)
    if not chosen:
        firsts = _firsts(portal, series)
        counts = {uid: len(refs) for uid, refs in series.items()}
        chosen = choose_by_files(package.parsed.input, firsts, counts)
    refs = {role: series.get(uid, []) for role, uid in chosen.items()}
    ask.begin()
    return load_channels(refs, portal, workplace.decoder, package=package)


def _segment(
    package: ModelPackage,
    geometry: Geometry,
    values: NDArray[Any],
    *,
    workplace: Workplace,
    ask: Ask,
) -> tuple[Segment, ...]:
    """Mark the volume when it is its turn on the device."""

    def mark() -> tuple[Segment, ...]:
        return segment_volume(
            package,
            geometry.turn(values),
            geometry.spacing,
            device=workplace.device,
        )

    segments: tuple[Segment, ...] = workplace.engine.call(mark, priority=ask.priority)
    return segments


def _series(portal: PortalClient, *, rules: dict[str, Any]) -> list[InstanceRef]:
    """Return the images of the series that the model is given."""
    series = _by_series(portal)
    firsts = _firsts(portal, series)
    counts = {uid: len(refs) for uid, refs in series.items()}
    return series[choose_series(firsts, counts, rules=rules)]


def _by_series(portal: PortalClient) -> dict[str, list[InstanceRef]]:
    """Return the images of a study by series."""
    series: dict[str, list[InstanceRef]] = {}
    for ref in portal.list_instances():
        if belongs_in_pack(ref.sop_class_uid):
            series.setdefault(ref.series_uid, []).append(ref)
    if not series:
        raise RejectedError("the study has no images")
    return series


def _firsts(
    portal: PortalClient, series: Mapping[str, Sequence[InstanceRef]]
) -> dict[str, ImageHeader]:
    """Return the header of one image of each series that can be read."""
    firsts = {}
    for ref, content in portal.read_instances([refs[0] for refs in series.values()]):
        try:
            firsts[ref.series_uid] = read_header(content)
        except ImageError:
            continue
    return firsts


def _load(
    refs: list[InstanceRef],
    portal: PortalClient,
    decoder: IsolatedDecoder,
    *,
    package: ModelPackage,
) -> Channels:
    """Return where the voxels are, what they hold, and what the gate says of them.

    The values, [frame, row, column], are Hounsfield units rounded to whole numbers:
    half the memory.

    Raises:
        VolumeError: They are no volume.
        RejectedError: The gate keeps the model from judging it.
    """
    rules: dict[str, Any] = package.card.get("input", {})
    headers: dict[str, ImageHeader] = {}
    frames: dict[str, NDArray[np.int16]] = {}
    for _, content in portal.read_instances(refs):
        try:
            header, plain = read_image(content)
            check_synthetic(header, rules=rules)
            found = load_values(content, decoder=decoder, frame=_FRAME, plain=plain)
        except ImageError as error:
            raise VolumeError(f"a slice can not be read: {error}") from error
        headers[header.sop_uid] = header
        frames[header.sop_uid] = np.clip(np.round(found), -32768, 32767).astype(
            np.int16
        )
    geometry = find_geometry(headers.values(), rules=rules)
    values = np.empty(
        (len(geometry.sop_uids), geometry.rows, geometry.columns), np.int16
    )
    for index, uid in enumerate(geometry.sop_uids):
        values[index] = frames.pop(uid)
    in_order = [headers[uid] for uid in geometry.sop_uids]
    checks = assess_volume(in_order, values, package.parsed.input)
    if words := words_of(checks):
        raise RejectedError("; ".join(words), quality=summary_of(checks))
    return Channels(geometry=geometry, values=values, checks=checks)


def _finding(
    segment: Segment, geometry: Geometry, portal: PortalClient
) -> FindingResult:
    """Return a finding; only a positive one has a place."""
    mask = box = None
    frames = geometry.turn(segment.mask)
    largest = largest_slice(frames) if segment.is_positive else None
    if largest is not None:
        frame, points = largest
        box = BoxResult(sop_uid=geometry.sop_uids[frame], frame=_FRAME, points=points)
        mask = MaskRef(
            artefact=portal.store_artefact(
                pack_mask(frames), media_type=MASK_MEDIA_TYPE
            ),
            series_uid=geometry.series_uid,
            sop_uids=geometry.sop_uids,
            rows=geometry.rows,
            columns=geometry.columns,
            volume_ml=segment.volume_ml,
        )
    return FindingResult(
        label_code=segment.label_code,
        raw_score=segment.raw_score,
        probability=segment.probability,
        box=box,
        mask=mask,
    )
