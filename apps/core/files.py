"""Writing files so that a reader or a crash never meets half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_durably(path: Path, content: bytes) -> None:
    """Put content at a path, on disk before it has the name; the folder is there.

    The file may be read by the portal's account alone.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:  # the temporary file is 0600 from its beginning
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)
