"""Bytes of a DICOM file into a dataset, with the errors in plain words."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from functools import cache
from mmap import mmap
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import _read_file_meta_info as read_file_meta
from pydicom.filereader import read_preamble
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from workers.packs.layout import (
    DEFLATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
)
from workers.packs.structure import (
    UnsafeFileError,
    inflate,
    is_little_endian,
    walk_structure,
)

# pydicom's complaints quote the values that it complains of, names included: they
# are never logged, nor warned of.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\.")

log = logging.getLogger(__name__)

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


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an attribute; None when it is absent.

    It is what `dataset.get(keyword)` says, without looking for a method of that name
    where the attribute is absent, which takes longer than all the rest.
    """
    tag = _tag_of(keyword)
    return dataset[tag].value if tag in dataset else None


@cache
def _tag_of(keyword: str) -> BaseTag:
    return Tag(keyword)


def read_dataset(content: bytes) -> FileDataset:
    """Parse a whole DICOM file, unless that would cost too much.

    Args:
        content: The file as stored.

    Raises:
        UnreadableInstanceError: It is not a DICOM file, is damaged, or is made so
            that parsing it takes unreasonable time or memory.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parsed(content)
    except UnreadableInstanceError:
        raise
    except UnsafeFileError as error:
        raise UnreadableInstanceError(str(error)) from error
    except PARSE_ERRORS as error:
        log.info("a file was not parsed: %s", type(error).__name__)
        raise UnreadableInstanceError(
            "the file is damaged: its elements make no sense"
        ) from error


def _parsed(content: bytes) -> FileDataset:
    stream = io.BytesIO(content)
    read_preamble(stream, force=True)
    meta = read_file_meta(stream)
    start = stream.tell()
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if syntax == DEFLATED:
        content = as_inflated(content, start=start)
    walk_structure(
        content,
        start=start,
        little=is_little_endian(content, start=start, transfer_syntax=syntax),
    )
    dataset = pydicom.dcmread(io.BytesIO(content), force=True)
    if not dataset:
        raise UnreadableInstanceError("the file is not a DICOM file")
    if syntax == DEFLATED or "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = UID(syntax or _guess_syntax(dataset))
    return dataset


def as_inflated(content: bytes | mmap, *, start: int) -> bytes:
    """Return a file with its dataset unpacked, and so named in its file header.

    Args:
        content: A file whose transfer syntax is deflated.
        start: Where its dataset begins.

    Raises:
        UnsafeFileError: It grows out of all proportion.
        zlib.error: It is no deflated stream.
    """
    plain = EXPLICIT_LITTLE.ljust(len(DEFLATED), "\0")
    head = bytes(content[:start]).replace(DEFLATED.encode(), plain.encode())
    return head + inflate(content, start=start)


def _guess_syntax(dataset: FileDataset) -> str:
    implicit, little = dataset.original_encoding
    if little is False:
        return EXPLICIT_BIG
    return IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE
