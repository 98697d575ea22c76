"""A model's result as a structured report (TID 1500): unverified, preliminary.

A negative result and a refused input are objects too: silence is no result.
"""

from typing import Final

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from apps.interop.dicom import codes
from apps.interop.dicom.errors import EncodingError
from apps.interop.dicom.sr_base import (
    PRODUCT,
    DocumentMeta,
    code,
    evaluation,
    make_document,
    make_group,
    make_report,
    read_source,
    text_item,
    write_document,
)
from apps.interop.dicom.types import (
    AiFinding,
    AiReport,
    AlgorithmIdentity,
    EncodedObject,
    ImageRef,
    derive_uid,
)
from apps.interop.types import OVERREAD

SERIES_DESCRIPTION: Final = "AI result, requires review"
SERIES_NUMBER: Final = 9001
NOTICE: Final = (
    "Written by an algorithm. This is no diagnosis: it requires review by a person."
)


def encode_ai_report(
    report: AiReport, *, source: bytes | Dataset, software_version: str
) -> EncodedObject:
    """Write a model's result as a Comprehensive 3D SR.

    Args:
        report: What the model said. The same run gives the same UIDs.
        source: Header (or whole file) of one of the report's images: patient and
            study attributes are taken from it.
        software_version: Version of Overread.

    Returns:
        The DICOM file, not yet validated.

    Raises:
        EncodingError: When the report or the source cannot be written validly.
    """
    header = read_source(source, images=report.images)
    try:
        return write_document(
            make_document(
                source=header,
                images=_referenced(report),
                report=_content(report),
                meta=DocumentMeta(
                    series_uid=report.series_uid,
                    sop_uid=report.sop_uid,
                    series_number=SERIES_NUMBER,
                    series_description=SERIES_DESCRIPTION,
                    software_version=software_version,
                    written_at=report.created_at,
                ),
                is_complete=True,
                is_final=False,
                is_verified=False,
            )
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EncodingError(f"The AI result cannot be written: {error}") from error


def _content(report: AiReport) -> sr.MeasurementReport:
    groups = [_finding_group(report, finding) for finding in report.findings]
    if not groups:
        groups = [_empty_group(report)]
    statements: list[sr.ContentItem] = [
        *evaluation(codes.ANALYSIS_STATUS, _status(report)),
        text_item(codes.AI_NOTICE, NOTICE),
    ]
    if report.rejected_because:
        statements.append(text_item(codes.COMMENT, report.rejected_because))
    return make_report(
        observer=device_observer(report.algorithm),
        procedure=report.procedure,
        groups=groups,
        statements=statements,
    )


def device_observer(algorithm: AlgorithmIdentity) -> sr.ObservationContext:
    """Name a model as the one who speaks."""
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=codes.DEVICE,
            observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
                uid=algorithm.observer_uid,
                name=f"{PRODUCT} {algorithm.name}",
                manufacturer_name=OVERREAD,
                model_name=f"{algorithm.name} {algorithm.version}",
            ),
        )
    )


def _finding_group(report: AiReport, finding: AiFinding) -> sr.ContentSequence:
    probability = sr.Measurement(
        name=codes.PROBABILITY,
        value=round(finding.probability, 6),
        unit=codes.NO_UNITS,
    )
    presence = codes.PRESENT if finding.positive else codes.ABSENT
    return make_group(
        tracking_uid=finding.tracking_uid,
        tracking_id=finding.tracking_id,
        images=report.images,
        geometry=finding.geometry,
        segment=finding.segment,
        explanation=finding.explanation,
        finding_type=code(finding.label),
        finding_sites=[sr.FindingSite(code(finding.site))] if finding.site else None,
        algorithm_id=algorithm_of(report.algorithm, threshold=finding.threshold),
        measurements=[probability],
        qualitative_evaluations=[evaluation(codes.PRESENCE, presence)],
    )


def _empty_group(report: AiReport) -> sr.ContentSequence:
    """A group that names the model and its input where there is no finding."""
    return make_group(
        tracking_uid=derive_uid(report.run_id, "ai-run"),
        tracking_id="AI analysis",
        images=report.images,
        comment=report.rejected_because,
        algorithm_id=algorithm_of(report.algorithm, threshold=None),
        qualitative_evaluations=[evaluation(codes.ANALYSIS_STATUS, _status(report))],
    )


def algorithm_of(
    algorithm: AlgorithmIdentity, *, threshold: float | None
) -> sr.AlgorithmIdentification:
    """Identify a model, with the threshold that it was read with if any."""
    parameters = [f"model_sha256={algorithm.package_hash}"]
    if threshold is not None:
        parameters.insert(0, f"threshold={threshold:g}")
    family = algorithm.family
    return sr.AlgorithmIdentification(
        name=algorithm.name,
        version=algorithm.version,
        parameters=parameters,
        family=code(family) if family else codes.ARTIFICIAL_INTELLIGENCE,
    )


def _status(report: AiReport) -> Code:
    if report.rejected_because:
        return codes.ANALYSIS_REJECTED
    if any(finding.positive for finding in report.findings):
        return codes.ANALYSIS_FINDINGS
    return codes.ANALYSIS_NEGATIVE


def _referenced(report: AiReport) -> list[ImageRef]:
    marked = [f.geometry.image for f in report.findings if f.geometry]
    drawn = [f.segment.image for f in report.findings if f.segment]
    explained = [f.explanation for f in report.findings]
    others = [*marked, *drawn, *explained]
    return [*report.images, *(image for image in others if image)]
