"""Checks by other people's tools before an object leaves: ``dciodvfy``, ``dcentvfy``.

Errors stop an object. Warnings stop it too, unless they are on the list below
with a reason why they are harmless.
"""

import io
import re
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pydicom
from pydicom.uid import ExplicitVRLittleEndian

from apps.interop.dicom.headers import without_pixels

TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class AllowedWarning:
    """A warning that does not stop an object.

    Attributes:
        pattern: What the tool's line contains (regular expression).
        reason: Why it is harmless.
    """

    pattern: str
    reason: str


ALLOWED_WARNINGS: Final = (
    AllowedWarning(
        r"Retired Person Name form",
        "A name without ^ is copied as the modality sent it: identity is not ours "
        "to rewrite.",
    ),
    AllowedWarning(
        r"Missing attribute or value that would be needed to build DICOMDIR",
        "The modality left it empty, as type 2 allows; we invent no value.",
    ),
    AllowedWarning(
        r"CodingSchemeDesignator\S+ - Unrecognized defined term = <99",
        "A private scheme, as 99 says; declared in the Coding Scheme "
        "Identification Sequence.",
    ),
    AllowedWarning(
        r"Unrecognized defined term = <QUANTITY>",
        "PS3.3 C.8.32 names it for Parametric Maps; the tool's table is older.",
    ),
    AllowedWarning(
        r"</ProcedureCodeSequence\S+ - Unrecognized defined term",
        "The procedure's code is copied from the order as the modality sent it.",
    ),
)
"""Warnings of ``dciodvfy`` about one object."""

ALLOWED_AGAINST_IMAGES: Final = (
    AllowedWarning(
        r"Different information entities for attribute",
        "The tool files an attribute under another entity for images than for "
        "reports; the values are compared nevertheless.",
    ),
    AllowedWarning(
        r"Attribute present in one instance but not the other",
        "Optional in one of the two kinds of object.",
    ),
    AllowedWarning(
        r"OK only If Type 2 attribute",
        "Required but empty in a report, left out by the modality.",
    ),
)
"""Warnings of ``dcentvfy`` about an object and its images."""

_ERROR: Final = re.compile(r"^Error|- Error -")
_PATIENT_VALUE: Final = re.compile(
    r"(?<=Value \d )<[^>]*> versus <[^>]*>|(?<== )<[^>]*>(?= - Retired)"
    r"|(?<=PatientID=)<[^>]*>"
)


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What the tool said.

    Attributes:
        errors: Lines that stop the object.
        warnings: Warnings that stop the object: they are on no list.
        allowed: Warnings that are on the list.
    """

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    allowed: tuple[str, ...]

    @property
    def is_valid(self) -> bool:
        """Whether the object may leave."""
        return not self.errors and not self.warnings

    @property
    def words(self) -> str:
        """The lines that stop it, one below the other, for an admin."""
        return "\n".join((*self.errors, *self.warnings))


class ValidatorUnavailable(Exception):
    """The tool is missing or hangs: nothing can leave, and that is said."""


def validate_object(content: bytes, *, dciodvfy: str = "dciodvfy") -> ValidationReport:
    """Check one object against its information object definition.

    Args:
        content: The DICOM file.
        dciodvfy: Path of the tool.

    Raises:
        ValidatorUnavailable: When the tool cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix="overread-check-") as folder:
        path = Path(folder, "object.dcm")
        path.write_bytes(content)
        status, lines = _run([dciodvfy, "-new", str(path)])
    report = _sort(lines, ALLOWED_WARNINGS)
    if status != 0 and not report.errors:
        words = "; ".join(lines) or f"the tool stopped with status {status}"
        return ValidationReport((f"Error - {words}",), report.warnings, report.allowed)
    return report


def validate_against_images(
    content: bytes, *, images: Sequence[bytes], dcentvfy: str = "dcentvfy"
) -> ValidationReport:
    """Check that an object tells the same of patient and study as its images.

    Args:
        content: The DICOM file.
        images: Some of the images that it belongs to, as stored.
        dcentvfy: Path of the tool.

    Raises:
        ValidatorUnavailable: When the tool cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix="overread-check-") as folder:
        paths = [Path(folder, f"{n}.dcm") for n in range(len(images) + 1)]
        for path, data in zip(paths, (content, *images), strict=True):
            path.write_bytes(_comparable(data))
        _, lines = _run([dcentvfy, *map(str, paths)])
    return _sort(
        [line.replace(folder + "/", "") for line in lines], ALLOWED_AGAINST_IMAGES
    )


def _comparable(content: bytes) -> bytes:
    """Write a header as the tool can compare it: it compares bytes, not letters.

    Args:
        content: A DICOM file in any encoding and character set.

    Returns:
        Its header without pixels, explicit little endian, UTF-8.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
            dataset.decode()
            dataset.SpecificCharacterSet = "ISO_IR 192"
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.save_as(buffer, implicit_vr=False, little_endian=True)
        except Exception:  # noqa: BLE001  odd images: the tool gets them as they are
            return without_pixels(content)
    return buffer.getvalue()


def _run(command: list[str]) -> tuple[int, list[str]]:
    try:
        done = subprocess.run(  # noqa: S603  our tool, our file names, no shell
            command, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ValidatorUnavailable(
            f"{Path(command[0]).name} did not finish within {TIMEOUT_S:.0f} s."
        ) from error
    except OSError as error:
        raise ValidatorUnavailable(
            f"{Path(command[0]).name} cannot be run: install dicom3tools."
        ) from error
    text = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")
    return done.returncode, [line.strip() for line in text.splitlines() if line.strip()]


def _sort(
    lines: Sequence[str], allow_list: Sequence[AllowedWarning]
) -> ValidationReport:
    """Sort a tool's lines; patients' values in them are blotted out."""
    lines = [_PATIENT_VALUE.sub("<…>", line) for line in lines]
    errors = [line for line in lines if _ERROR.search(line)]
    warnings = [line for line in lines if line.startswith("Warning")]
    allowed = [
        line for line in warnings if any(re.search(a.pattern, line) for a in allow_list)
    ]
    return ValidationReport(
        errors=tuple(errors),
        warnings=tuple(line for line in warnings if line not in allowed),
        allowed=tuple(allowed),
    )
