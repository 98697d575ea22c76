"""Media directories (DICOMDIR): which files they list."""

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue


def referenced_files(source: Path | bytes) -> tuple[str, ...]:
    """Read which files a media directory lists.

    Args:
        source: The DICOMDIR, or its bytes.

    Returns:
        Paths relative to the folder of the DICOMDIR, with `/` between folders,
        each once, in its order; none when it cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = source if isinstance(source, bytes) else source.read_bytes()
            dataset = pydicom.dcmread(io.BytesIO(content), force=True)
            return tuple(dict.fromkeys(_paths(dataset)))
    except Exception:  # noqa: BLE001  a damaged directory lists nothing
        return ()


def _paths(dataset: Dataset) -> Iterator[str]:
    for record in dataset.get("DirectoryRecordSequence") or ():
        parts = record.get("ReferencedFileID")
        if not parts:
            continue
        named = list(parts) if isinstance(parts, (MultiValue, list)) else [parts]
        yield "/".join(str(part).strip() for part in named)
