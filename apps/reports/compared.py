"""From a comparison of two studies to what is encoded. Reads, never writes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from django.utils.timezone import localtime

from apps.inference.models import Comparison
from apps.inference.types import ComparisonState, SlotKind
from apps.interop.dicom.change_types import (
    ChangedLesion,
    ChangeReport,
    ComparedStudy,
    LesionSide,
)
from apps.interop.dicom.types import (
    AlgorithmIdentity,
    CodedConcept,
    DocumentRef,
    ImageRef,
    SegmentRef,
)
from apps.reports.drawings import segment_ref
from apps.reports.models import ExportedObject, ExportKind, ExportState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.db.models import QuerySet

    from apps.inference.models import Finding, InferenceRun
    from apps.reports.types import Images


def exportable_comparisons() -> QuerySet[Comparison]:
    """Return what has an answer, of results that leave and were not set aside."""
    return Comparison.objects.filter(
        state=ComparisonState.DONE,
        finished_at__isnull=False,
        run__slot__kind=SlotKind.LIVE,
        prior_run__slot__kind=SlotKind.LIVE,
        run__set_aside_at__isnull=True,
        prior_run__set_aside_at__isnull=True,
    )


def exportable_comparison(*, comparison_id: UUID) -> Comparison | None:
    """Return a comparison that may leave, with both of its studies."""
    return (
        exportable_comparisons()
        .select_related(
            "run__revision__study",
            "run__model_version",
            "prior_run__revision__study",
            "prior_run__model_version",
        )
        .filter(id=comparison_id)
        .first()
    )


def change_report_of(
    *, comparison: Comparison, images: Images, earlier: Images
) -> ChangeReport:
    """Return what a comparison says, ready to be encoded.

    Args:
        comparison: Of `exportable_comparison`.
        images: Of the later study's revision.
        earlier: Of the earlier one's.
    """
    if comparison.finished_at is None:
        msg = "a comparison that has not ended has no report"
        raise ValueError(msg)
    now = _Side(comparison.run, images, comparison.lesions, "now")
    then = _Side(comparison.prior_run, earlier, comparison.lesions, "then")
    return ChangeReport(
        comparison_id=comparison.id,
        created_at=localtime(comparison.finished_at),
        now=now.study(),
        then=then.study(),
        images=(_image(next(iter(images.values()))),),
        lesions=tuple(
            lesion
            for row in comparison.lesions
            if (lesion := _lesion(row, comparison, now, then)) is not None
        ),
        registration=_registration(comparison.registration),
    )


class _Side:
    """One of the two studies: its findings, what was drawn of them, its report."""

    def __init__(
        self, run: InferenceRun, images: Images, lesions: list[Any], name: str
    ) -> None:
        self.run, self.images, self.name = run, images, name
        self.findings = {one.label_code: one for one in run.findings.all()}
        self.count = Counter(row["label_code"] for row in lesions if row[name])
        rows = ExportedObject.objects.select_related("study").filter(
            state=ExportState.STORED, study=run.revision.study
        )
        self.report = rows.filter(run=run).first()
        self.drawn = {
            row.finding_id: row
            for row in rows.filter(finding__run=run, kind=ExportKind.SEGMENTATION)
        }

    def study(self) -> ComparedStudy:
        """Return which study it is; it has a date, or nothing was compared."""
        study, model = self.run.revision.study, self.run.model_version
        if study.study_date is None:
            msg = "a study without a date is compared with nothing"
            raise ValueError(msg)
        row = self.report
        return ComparedStudy(
            study_uid=study.study_uid,
            study_date=study.study_date,
            algorithm=AlgorithmIdentity(
                name=model.name,
                version=model.version,
                package_hash=model.package_hash,
                device_uid=model.device_uid,
            ),
            report=None
            if row is None
            else DocumentRef(
                study_uid=study.study_uid,
                series_uid=row.series_uid,
                sop_class_uid=row.sop_class_uid,
                sop_uid=row.sop_uid,
            ),
        )

    def lesion(self, row: Mapping[str, Any]) -> LesionSide | None:
        """Return a lesion on this study; None where its place is on no image."""
        at, size = row[f"{self.name}_at"], row[self.name]
        instance = self.images.get(at["sop_uid"]) if at else None
        if instance is None:
            return None
        finding = self.findings.get(row["label_code"])
        return LesionSide(
            image=_image(instance, self._elsewhere()),
            volume_ml=size and float(size["volume_ml"]),
            diameter_mm=size and float(size["diameter_mm"]),
            finding_uid=finding.tracking_uid if size and finding else "",
            segment=self._segment(finding, row) if size and finding else None,
        )

    def _elsewhere(self) -> str:
        """Return the study's UID where the document belongs to another one."""
        return self.run.revision.study.study_uid if self.name == "then" else ""

    def _segment(self, finding: Finding, row: Mapping[str, Any]) -> SegmentRef | None:
        """Return the segment of the finding, where it is this lesion alone."""
        drawn = self.drawn.get(finding.id)
        found = segment_ref(drawn, finding) if drawn else None
        if found is None or self.count[row["label_code"]] != 1:
            return None
        image = found.image
        return SegmentRef(
            image=ImageRef(
                series_uid=image.series_uid,
                sop_class_uid=image.sop_class_uid,
                sop_uid=image.sop_uid,
                study_uid=self._elsewhere(),
            ),
            source_series_uid=found.source_series_uid,
            number=found.number,
        )


def _image(instance: Any, study_uid: str = "") -> ImageRef:
    return ImageRef(
        series_uid=instance.series_uid,
        sop_class_uid=instance.sop_class_uid,
        sop_uid=instance.sop_uid,
        study_uid=study_uid,
    )


def _lesion(
    row: Mapping[str, Any], comparison: Comparison, now: _Side, then: _Side
) -> ChangedLesion | None:
    sides = now.lesion(row), then.lesion(row)
    finding = now.findings.get(row["label_code"]) or then.findings.get(
        row["label_code"]
    )
    if sides == (None, None) or finding is None:
        return None
    low, high = row["percent_low"], row["percent_high"]
    return ChangedLesion(
        tracking_uid=row["tracking_uid"],
        tracking_id=f"{finding.label_display}, lesion"[:64],
        label=CodedConcept(
            finding.label_code, finding.label_scheme, finding.label_display[:64]
        ),
        kind=cast("Any", row["kind"]),
        now=sides[0],
        then=sides[1],
        percent=row["percent"],
        percent_range=None if low is None or high is None else (low, high),
        doubling_days=row["doubling_days"],
        rule=_rule(comparison.repeatability[row["label_code"]]),
    )


def _rule(said: Mapping[str, Any]) -> str:
    least = f" and {said['least_ml']:g} ml" if said["least_ml"] else ""
    return f"A change counts from {said['percent']:g}%{least} on: {said['source']}."


def _registration(said: Mapping[str, Any]) -> str:
    return (
        "By a rigid movement; there and back it misses by "
        f"{said['inconsistency_mm']:.1f} mm. {said['overlap']:.0%} of the body is on "
        f"both studies; their values correlate by {said['correlation']:.2f}."
    )
