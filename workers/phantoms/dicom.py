"""Writes phantom studies as DICOM files, with their truth beside them."""

import json
import re
from pathlib import Path

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from workers.phantoms.iods import film_dataset, overlay_dataset, slice_datasets
from workers.phantoms.records import Film, Overlay, Series, Slices, Study, uid

TRUTH = "truth.json"


def write_study(folder: Path, study: Study) -> list[Path]:
    """Writes every instance of a study and its truth.

    The truth names the files, their SOP Instance UIDs and series; it is never sent:
    senders pick `*.dcm`. Each of its boxes gets the UID of the image that it is on.

    Args:
        folder: made when missing; old phantom files in it are replaced.
        study: what to write.

    Returns:
        The DICOM files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.dcm"):
        old.unlink()
    images: dict[tuple[int, int], Dataset] = {}
    listed = []
    paths = []
    for series in study.series:
        datasets = series_datasets(study, series, images)
        for index, dataset in enumerate(datasets):
            images[series.number, index] = dataset
            path = folder / f"{series.number:02d}-{index + 1:04d}.dcm"
            _save(path, dataset)
            paths.append(path)
            listed.append(
                {
                    "file": path.name,
                    "series": series.number,
                    "index": index,
                    "modality": series.modality,
                    "series_uid": str(dataset.SeriesInstanceUID),
                    "sop_uid": str(dataset.SOPInstanceUID),
                }
            )
    uids = {(image["series"], image["index"]): image["sop_uid"] for image in listed}
    boxes = [
        {**box, "sop_uid": uids[box["series"], box["index"]]}
        for box in study.truth.get("boxes", [])
    ]
    truth = {
        "synthetic": True,
        "kind": study.kind,
        "seed": study.seed,
        "study_uid": study.uid,
        "patient_id": study.patient.id,
        **study.truth,
        "boxes": boxes,
        "images": listed,
    }
    text = json.dumps(truth, indent=1)
    # Lists of numbers on one line: a person reads this file.
    text = re.sub(r"\[[\s\d.,\-]+\]", lambda m: " ".join(m[0].split()), text)
    (folder / TRUTH).write_text(text + "\n")
    return paths


def series_datasets(
    study: Study, series: Series, images: dict[tuple[int, int], Dataset]
) -> list[Dataset]:
    """Builds the datasets of one series.

    Args:
        study: the study it belongs to.
        series: what to build.
        images: datasets built before, by (series number, index), which a
            presentation state may refer to.
    """
    content = series.content
    if isinstance(content, Slices):
        return slice_datasets(study, series, content)
    if isinstance(content, Overlay):
        image = images[content.series, content.image]
        return [overlay_dataset(study, series, content, image)]
    return [_film(study, series, n, film) for n, film in enumerate(content)]


def _film(study: Study, series: Series, index: int, film: Film) -> Dataset:
    return film_dataset(study, series, index, film)


def _save(path: Path, dataset: Dataset) -> None:
    """Writes one Part 10 file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(uid("implementation"))
    meta.ImplementationVersionName = "OVERREAD_PHANTOM"
    file = FileDataset(str(path), dataset, file_meta=meta, preamble=b"\0" * 128)
    file.save_as(path, enforce_file_format=True)
