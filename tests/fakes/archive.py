"""An archive in memory, with the interface of `apps.interop.orthanc.Archive`.

It stands at the process border only. What it says of a study goes through the
portal's own header builder, made from the real datasets it was given, in the
shape in which Orthanc would say it. `tests/apps/studies/test_archive_contract.py`
runs the same assertions against this and against a real Orthanc.
"""

from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom.multival import MultiValue

from apps.interop.archive_log import parse_arrivals
from apps.interop.orthanc import orthanc_instance_id
from apps.interop.study_header import (
    PROJECTION_MODALITIES,
    build_study_header,
    image_ids_first,
)
from apps.interop.types import (
    ArchiveRefused,
    ArchiveUnavailable,
    Arrivals,
    Change,
    ChangePage,
    NotInArchive,
    Statistics,
    StoreOutcome,
    StudyHeader,
    StudySummary,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

_STUDY_TAGS = (
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "StudyInstanceUID",
    "InstitutionName",
    "ReferringPhysicianName",
)
_PATIENT_TAGS = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
_SERIES_TAGS = (
    "Modality",
    "Manufacturer",
    "StationName",
    "SeriesDescription",
    "BodyPartExamined",
    "ProtocolName",
    "SeriesNumber",
    "SeriesInstanceUID",
)


@dataclass(slots=True)
class _Stored:
    content: bytes
    dataset: Dataset
    series_id: str
    study_id: str
    metadata: dict[str, str]


@dataclass
class FakeArchive:
    """What Orthanc would hold; `down` makes it answer nothing."""

    files: dict[str, _Stored] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)
    stamps: dict[str, int] = field(default_factory=dict)
    unsettled: list[str] = field(default_factory=list)
    down: bool = False
    seq: int = 0

    # --- what a modality does

    def c_store(
        self, content: bytes, *, called: str = "OVERREAD", calling: str = "MODALITY"
    ) -> StoreOutcome:
        return self._store(
            content,
            {"Origin": "DicomProtocol", "CalledAET": called, "RemoteAET": calling},
        )

    # --- the interface

    def close(self) -> None:
        """Nothing to let go of."""

    def ping(self) -> str:
        self._answer()
        return "fake"

    def statistics(self) -> Statistics:
        self._answer()
        return Statistics(
            patients=len({f.dataset.get("PatientID", "") for f in self.files.values()}),
            studies=len({f.study_id for f in self.files.values()}),
            series=len({f.series_id for f in self.files.values()}),
            instances=len(self.files),
            disk_bytes=sum(len(f.content) for f in self.files.values()),
        )

    def upload(self, content: bytes) -> StoreOutcome:
        return self._store(content, {"Origin": "RestApi"})

    def fetch_instance(self, orthanc_id: str) -> bytes:
        return self._file(orthanc_id).content

    def instance_md5(self, orthanc_id: str) -> str:
        content = self._file(orthanc_id).content
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    @contextmanager
    def stream_instance(self, orthanc_id: str) -> Iterator[Iterator[bytes]]:
        yield iter([self._file(orthanc_id).content])

    def find_study(self, study_uid: str) -> str | None:
        self._answer()
        return next(
            (
                f.study_id
                for f in self.files.values()
                if f.dataset.StudyInstanceUID == study_uid
            ),
            None,
        )

    def find_instance(self, sop_uid: str) -> str | None:
        self._answer()
        return next(
            (
                key
                for key, f in self.files.items()
                if f.dataset.SOPInstanceUID == sop_uid
            ),
            None,
        )

    def delete_study(self, orthanc_id: str) -> None:
        self._answer()
        gone = [key for key, f in self.files.items() if f.study_id == orthanc_id]
        for key in gone:
            del self.files[key]
        if gone:
            self.log = [c for c in self.log if c.resource_id != orthanc_id]
            self._change("DeletedStudy", orthanc_id)

    def delete_instance(self, orthanc_id: str) -> None:
        self._answer()
        self.files.pop(orthanc_id, None)

    def clear_change_log(self) -> None:
        self._answer()
        self.log.clear()

    def all_studies(self, *, page: int = 1000) -> Iterator[StudySummary]:
        self._answer()
        seen: dict[str, str] = {}
        for stored in self.files.values():
            seen.setdefault(stored.study_id, str(stored.dataset.StudyInstanceUID))
        for study_id, uid in seen.items():
            yield StudySummary(
                orthanc_id=study_id,
                study_uid=uid,
                last_update=self._stamp(study_id),
                is_stable=study_id not in self.unsettled,
            )

    def all_study_ids(self, *, page: int = 5000) -> Iterator[str]:
        return (summary.orthanc_id for summary in self.all_studies())

    def last_change_seq(self) -> int:
        self._answer()
        return self.seq

    def settle(self) -> None:
        """Let the silence pass after which a study counts as stable."""
        for study_id in self.unsettled:
            self._change("StableStudy", study_id)
        self.unsettled.clear()

    def changes(self, *, since: int, limit: int = 1000) -> ChangePage:
        self._answer()
        rows = tuple(change for change in self.log if change.seq > since)
        kept = rows[:limit]
        return ChangePage(
            changes=kept,
            last=kept[-1].seq if kept else max(self.seq, 0),
            done=len(rows) <= limit,
        )

    def stable_studies(self, *, since: int, limit: int = 1000) -> Arrivals:
        cursor_row = since > 0
        page = self.changes(since=since - cursor_row, limit=limit + cursor_row)
        return parse_arrivals(page, since=since)

    def study_header(self, orthanc_id: str) -> StudyHeader:
        self._answer()
        files = {k: f for k, f in self.files.items() if f.study_id == orthanc_id}
        if not files:
            raise NotInArchive("The archive does not have this object (any more).")
        first = next(iter(files.values())).dataset
        series = {f.series_id: f.dataset for f in files.values()}
        instances = [self._instance(key, f) for key, f in files.items()]
        rows = [
            {"ID": key, "MainDicomTags": _texts(dataset, _SERIES_TAGS)}
            for key, dataset in series.items()
        ]
        return build_study_header(
            study={
                "ID": orthanc_id,
                "MainDicomTags": _texts(first, _STUDY_TAGS),
                "PatientMainDicomTags": _texts(first, _PATIENT_TAGS),
                "IsStable": orthanc_id not in self.unsettled,
                "LastUpdate": self._stamp(orthanc_id),
            },
            series=rows,
            instances=instances,
            samples=self._samples(rows, instances),
        )

    def study_uid(self, orthanc_id: str) -> str:
        return self.study_header(orthanc_id).study_uid

    # --- inside

    def _answer(self) -> None:
        if self.down:
            raise ArchiveUnavailable("The archive does not answer. Is Orthanc running?")

    def _file(self, orthanc_id: str) -> _Stored:
        self._answer()
        try:
            return self.files[orthanc_id]
        except KeyError:
            raise NotInArchive("The archive does not have this object.") from None

    def _change(self, kind: str, resource_id: str) -> None:
        self.seq += 1
        self.log.append(
            Change(
                seq=self.seq,
                kind=kind,
                resource_type="Study",
                resource_id=resource_id,
                date=None,
            )
        )

    def _stamp(self, study_id: str) -> str:
        return f"20261121T{self.stamps.get(study_id, 0):06d}"

    def _store(self, content: bytes, metadata: dict[str, str]) -> StoreOutcome:
        self._answer()
        try:
            dataset = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
        except pydicom.errors.InvalidDicomError as error:
            raise ArchiveRefused("The archive said no (400): no DICOM file") from error
        patient, study = str(dataset.get("PatientID", "")), dataset.StudyInstanceUID
        series = dataset.SeriesInstanceUID
        key = orthanc_instance_id(
            patient_id=patient,
            study_uid=study,
            series_uid=series,
            sop_uid=dataset.SOPInstanceUID,
        )
        series_id = _hashed(patient, study, series)
        study_id = _hashed(patient, study)
        known = key in self.files
        if not known:
            metadata["SopClassUid"] = str(dataset.SOPClassUID)
            metadata["TransferSyntax"] = str(dataset.file_meta.TransferSyntaxUID)
            if "Rows" in dataset:
                metadata["PixelDataOffset"] = "1"
            self.files[key] = _Stored(content, dataset, series_id, study_id, metadata)
            self._change("NewInstance", study_id)
            self.stamps[study_id] = self.seq
            if study_id not in self.unsettled:
                self.unsettled.append(study_id)
        return StoreOutcome(
            status="already" if known else "stored",
            instance_id=key,
            series_id=series_id,
            study_id=study_id,
        )

    def _instance(self, key: str, stored: _Stored) -> dict[str, Any]:
        return {
            "ID": key,
            "ParentSeries": stored.series_id,
            "FileSize": len(stored.content),
            "IndexInSeries": stored.dataset.get("InstanceNumber"),
            "MainDicomTags": _texts(
                stored.dataset, ("SOPInstanceUID", "InstanceNumber")
            ),
            "Metadata": stored.metadata,
        }

    def _samples(
        self, series: list[dict[str, Any]], instances: list[dict[str, Any]]
    ) -> dict[str, Any]:
        samples = {}
        for row in series:
            several = row["MainDicomTags"].get("Modality") in PROJECTION_MODALITIES
            mine = [i for i in instances if i["ParentSeries"] == row["ID"]]
            for instance in image_ids_first(mine)[: 8 if several else 1]:
                samples[instance["ID"]] = _short(self.files[instance["ID"]].dataset)
        return samples


def _hashed(*parts: str) -> str:
    digest = hashlib.sha1("|".join(parts).encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[i : i + 8] for i in range(0, 40, 8))


def _texts(dataset: Dataset, keywords: tuple[str, ...]) -> dict[str, str]:
    return {k: _text(dataset[k].value) for k in keywords if k in dataset}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, MultiValue | list | tuple):
        return "\\".join(str(part) for part in value)
    return str(value)


def _short(dataset: Dataset) -> dict[str, Any]:
    tags: dict[str, Any] = {}
    for element in dataset:
        key = f"{element.tag.group:04x},{element.tag.element:04x}"
        if element.VR == "SQ":
            tags[key] = [_short(item) for item in element.value]
        elif element.VR not in {"OB", "OW", "UN", "OF", "OD"}:
            tags[key] = _text(element.value)
    return tags
