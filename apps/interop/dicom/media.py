"""Media directories (DICOMDIR): which files they list."""

import io
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

_MAX_BYTES: Final = 32 << 20
_MAX_FILES: Final = 200_000
_MAX_PATH: Final = 1024


def referenced_files(source: Path | bytes) -> tuple[str, ...]:
    """Read which files a media directory lists.

    Args:
        source: The DICOMDIR, or its bytes.

    Returns:
        Paths relative to the folder of the DICOMDIR, with `/` between folders,
        each once, in its order; none when it cannot be read or is no list of a
        disc's size.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = source if isinstance(source, bytes) else _beginning(source)
            if len(content) > _MAX_BYTES:
                return ()
            dataset = pydicom.dcmread(io.BytesIO(content), force=True)
            return tuple(dict.fromkeys(islice(_paths(dataset), _MAX_FILES)))
    except Exception:  # noqa: BLE001  a damaged directory lists nothing
        return ()


def _beginning(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_MAX_BYTES + 1)


def _paths(dataset: Dataset) -> Iterator[str]:
    for record in dataset.get("DirectoryRecordSequence") or ():
        parts = record.get("ReferencedFileID")
        if not parts:
            continue
        named = list(parts) if isinstance(parts, (MultiValue, list)) else [parts]
        path = "/".join(str(part).strip() for part in named)[:_MAX_PATH]
        # Neither can be kept in a table.
        yield path.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
