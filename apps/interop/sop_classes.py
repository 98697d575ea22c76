"""Which SOP classes carry images that a person or a model reads.

A study revision is a study plus its *image* instances: reports, masks, plans,
waveforms and the like attach to the study without making a new revision.
"""

from typing import Final

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."

SEGMENTATION: Final = _STORAGE + "66.4"
COMPREHENSIVE_SR: Final = _STORAGE + "88.33"
COMPREHENSIVE_3D_SR: Final = _STORAGE + "88.34"
SECONDARY_CAPTURE: Final = _STORAGE + "7"
SECONDARY_CAPTURES: Final = frozenset(
    {_STORAGE + part for part in ("7", "7.1", "7.2", "7.3", "7.4")}
)
MEDIA_DIRECTORY: Final = "1.2.840.10008.1.3.10"

_NOT_IMAGES: Final = (
    "9",  # waveforms, ECG, voice
    "11",  # presentation states
    "30",  # parametric map: a result, not an acquisition
    "66",  # raw data, registrations, segmentations, fiducials, tractography
    "67",  # real world value mapping
    "68",  # surface scans
    "78",  # lensometry, refraction and other measurements
    "79",
    "80",
    "88",  # structured reports, key object selections
    "90",  # content assessment
    "91",  # bulk annotations
    "104",  # encapsulated PDF, CDA, STL, OBJ
    "200",  # protocols
    "201",  # inventory, storage management
    "131",  # basic structured display
)
_RT_IMAGES: Final = frozenset({"481.1", "481.23", "481.24"})

NON_IMAGE_MODALITIES: Final = frozenset(
    {
        "SR",
        "SEG",
        "PR",
        "KO",
        "RTSTRUCT",
        "RTPLAN",
        "RTDOSE",
        "RTRECORD",
        "RTINTENT",
        "RTRAD",
        "REG",
        "FID",
        "PM",
        "RWV",
        "AU",
        "DOC",
        "PLAN",
        "RAW",
        "ANN",
        "ECG",
        "HD",
        "EPS",
        "RESP",
        "ASMT",
        "STAIN",
        "M3D",
        "TEXTUREMAP",
        "SMR",
    }
)
"""Modality values that name a result, a plan or a recording, not an image."""

_MULTIFRAME: Final = (
    "2.1",  # enhanced CT and its legacy converted form
    "2.2",
    "3.1",  # ultrasound loops
    "4.1",  # enhanced MR and its relatives
    "4.3",
    "4.4",
    "6.2",  # enhanced ultrasound volume
    "7.1",  # multi-frame secondary capture
    "7.2",
    "7.3",
    "7.4",
    "12.1",  # angiography, fluoroscopy
    "12.2",
    "13.1",  # X-ray 3D, tomosynthesis
    "14.1",  # intravascular OCT
    "14.2",
    "20",  # nuclear medicine
    "77.1.1.1",  # video
    "77.1.2.1",
    "77.1.4.1",
    "77.1.5",  # ophthalmic
    "77.1.6",  # whole slide
    "128.1",  # enhanced and legacy converted PET
    "130",
    "481.1",
    "481.23",
)


_HTJ2K: Final = frozenset(
    {
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.202",
        "1.2.840.10008.1.2.4.203",
    }
)


def is_report_class(sop_class_uid: str) -> bool:
    """Whether objects of this SOP class are structured reports."""
    return sop_class_uid.startswith(_STORAGE + "88.")


def is_htj2k(transfer_syntax_uid: str) -> bool:
    """Whether this is High-Throughput JPEG 2000, which the archive mislabels."""
    return transfer_syntax_uid in _HTJ2K


def is_image_class(sop_class_uid: str) -> bool | None:
    """Whether objects of this SOP class are images.

    Args:
        sop_class_uid: SOP Class UID.

    Returns:
        True or False for classes of the standard's storage root, None for a
        private or unknown class, where only the object itself can tell.
    """
    if not sop_class_uid.startswith(_STORAGE):
        return False if sop_class_uid.startswith("1.2.840.10008.") else None
    rest = sop_class_uid.removeprefix(_STORAGE)
    if rest.startswith("481."):
        return rest in _RT_IMAGES
    return rest.split(".", 1)[0] not in _NOT_IMAGES


def is_multiframe_class(sop_class_uid: str) -> bool:
    """Whether references to images of this class name their frames."""
    rest = sop_class_uid.removeprefix(_STORAGE)
    return any(rest == c or rest.startswith(c + ".") for c in _MULTIFRAME)
