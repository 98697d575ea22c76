"""What lies on a disc beside images: its directory, and notes of systems. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NOTES: Final = {
    ".ds_store": "macOS",
    "thumbs.db": "Windows",
    "desktop.ini": "Windows",
    "autorun.inf": "Windows",
}
_VERSION: Final = re.compile(r";[0-9]+$")


def system_note(name: str) -> str:
    """Say that a file that is no DICOM is a note of an operating system, or ''."""
    parts = re.split(r"[/\\!]", name)
    owner = _NOTES.get(parts[-1].casefold(), "")
    if "__MACOSX" in parts[:-1] or parts[-1].startswith("._"):
        owner = "macOS"
    return f"A note of {owner} about the folder, no patient's data." if owner else ""


def missing_files(
    *, names: Iterable[str], directories: Mapping[str, Iterable[str]]
) -> list[str]:
    """Say which files media directories list that are not there.

    Case, a version as ISO 9660 writes it (`IM0001;1`) and a full stop at the end
    make no difference.

    Args:
        names: All files of the batch.
        directories: Name of a DICOMDIR → the paths that it lists.

    Returns:
        Names of what is missing, each once, in the directories' order.
    """
    there = {_plain(name) for name in names}
    listed = (
        _folder_of(directory) + path
        for directory, paths in directories.items()
        for path in paths
    )
    return [name for name in dict.fromkeys(listed) if _plain(name) not in there]


def _folder_of(name: str) -> str:
    cut = max(name.rfind("/"), name.rfind("!"), name.rfind("\\"))
    return name[: cut + 1]


def _plain(name: str) -> str:
    unversioned = _VERSION.sub("", name.replace("\\", "/").casefold())
    return unversioned.rstrip(".").replace("//", "/")
