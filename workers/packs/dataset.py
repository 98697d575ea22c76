"""Bytes of a DICOM file into a dataset, with the errors in plain words."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from workers.packs.layout import EXPLICIT_LITTLE, IMPLICIT_LITTLE

# pydicom's complaints quote the values that it complains of, names included: they
# are never logged.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)

PARSE_ERRORS = (
    BytesLengthException,
    InvalidDicomError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What parsing somebody else's file may raise."""


class UnreadableInstanceError(ValueError):
    """A file that cannot be read; the text says why and names no patient."""


def read_dataset(content: bytes) -> FileDataset:
    """Parse a whole DICOM file.

    Args:
        content: The file as stored.

    Raises:
        UnreadableInstanceError: It is not a DICOM file or is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(content), force=True)
            if not dataset:
                raise UnreadableInstanceError("the file is not a DICOM file")
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = UID(_guess_syntax(dataset))
            return dataset
    except UnreadableInstanceError:
        raise
    except PARSE_ERRORS as error:
        raise UnreadableInstanceError(
            f"the file is damaged ({type(error).__name__})"
        ) from error


def _guess_syntax(dataset: FileDataset) -> str:
    implicit, _ = dataset.original_encoding
    return IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE
