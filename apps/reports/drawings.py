"""What a run drew, into the archive: masks as SEG, saliency as Parametric Maps."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from apps.core.errors import NotFound
from apps.inference.artefacts import read_artefact
from apps.inference.selectors import is_positive
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.pictures import (
    Drawing,
    encode_saliency,
    encode_segmentation,
)
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    EncodedObject,
    ImageRef,
    SegmentRef,
)
from apps.reports.models import ExportedObject, ExportKind, ExportState
from apps.studies.stored import fetch_file

if TYPE_CHECKING:
    from apps.inference.models import Finding
    from apps.reports.types import Images


ROLES = {ExportKind.SEGMENTATION: "seg", ExportKind.SALIENCY: "saliency"}


def drawing_of(finding: Finding) -> Drawing:
    """Return how the objects of a finding call themselves."""
    model = finding.run.model_version
    return Drawing(
        finding_id=str(finding.id),
        tracking_uid=finding.tracking_uid,
        tracking_id=f"{finding.label_display}, {model}"[:64],
        label=CodedConcept(
            value=finding.label_code[:16],
            scheme=finding.label_scheme,
            meaning=finding.label_display[:64],
        ),
        algorithm=AlgorithmIdentity(
            name=model.name,
            version=model.version,
            package_hash=model.package_hash,
            device_uid=model.device_uid,
        ),
        software_version=settings.SOFTWARE_VERSION,
    )


def kinds_of(finding: Finding) -> list[ExportKind]:
    """Return what of a finding leaves as an image: its mask, and why it was called.

    The saliency of what a model does not call is shown here and does not leave.
    """
    kinds = []
    if finding.mask_id is not None:
        kinds.append(ExportKind.SEGMENTATION)
    if finding.saliency_id is not None and is_positive(finding=finding):
        kinds.append(ExportKind.SALIENCY)
    return kinds


def draw(*, finding: Finding, kind: ExportKind, images: Images) -> EncodedObject:
    """Encode one object of a finding.

    Raises:
        EncodingError: Its artefact or an image is not here, or does not fit.
        ArchiveError: The archive does not give an image.
    """
    try:
        if kind == ExportKind.SEGMENTATION:
            return _segmentation(finding, images)
        return _saliency(finding, images)
    except (NotFound, KeyError) as error:
        raise EncodingError("What was drawn, or its image, is not here.") from error


def _segmentation(finding: Finding, images: Images) -> EncodedObject:
    """Encode a mask over those images that it touches, or over the first."""
    meta, artefact = finding.mask_meta, finding.mask
    if artefact is None:
        raise EncodingError("The finding has no mask.")
    raw = gzip.decompress(read_artefact(sha256=artefact.sha256))
    shape = (len(meta["sop_uids"]), int(meta["rows"]), int(meta["columns"]))
    mask = np.frombuffer(raw, np.uint8).reshape(shape)
    touched = np.flatnonzero(mask.any(axis=(1, 2)))
    chosen = touched if touched.size else np.array([0])
    sources = [fetch_file(images[meta["sop_uids"][index]]) for index in chosen]
    return encode_segmentation(
        drawing_of(finding),
        mask=mask[chosen],
        sources=sources,
        others=_others(finding, images),
    )


def _others(finding: Finding, images: Images) -> list[ImageRef]:
    """Return the images of the other series that a model of several was given."""
    inputs = finding.run.quality.get("inputs", [])
    uids = {row["series_uid"] for row in inputs} - {finding.mask_meta["series_uid"]}
    return [
        ImageRef(
            series_uid=image.series_uid,
            sop_class_uid=image.sop_class_uid,
            sop_uid=image.sop_uid,
        )
        for image in images.values()
        if image.series_uid in uids
    ]


def _saliency(finding: Finding, images: Images) -> EncodedObject:
    artefact = finding.saliency
    if artefact is None:
        raise EncodingError("The finding has no saliency.")
    return encode_saliency(
        drawing_of(finding),
        picture=read_artefact(sha256=artefact.sha256),
        source=fetch_file(images[finding.saliency_meta["sop_uid"]]),
    )


def segment_ref(row: ExportedObject, finding: Finding) -> SegmentRef | None:
    """Return how a report points at a finding's Segmentation, if it is stored."""
    image = explanation_ref(row)
    if image is None:
        return None
    return SegmentRef(image=image, source_series_uid=finding.mask_meta["series_uid"])


def explanation_ref(row: ExportedObject) -> ImageRef | None:
    """Return how a report points at an object of ours, if it is stored."""
    if row.state != ExportState.STORED:
        return None
    return ImageRef(
        series_uid=row.series_uid,
        sop_class_uid=row.sop_class_uid,
        sop_uid=row.sop_uid,
    )
