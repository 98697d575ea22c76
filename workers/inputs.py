"""What a worker is given of several studies in one answer, and gives back: plain zips.

Both sides use this module, the portal to write what the worker reads and the other way
round. Names in the zip of inputs: `<revision>.json`, the list of the revision's
instances as the portal gives it, and `<revision>/<SOP Instance UID>`, their files; in
that of artefacts the SHA-256 of each, in that of some files of a study the UID of each.
Nothing is compressed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MOST_STUDIES: Final = 16
"""Studies in one answer."""
MOST_FILES: Final = 8
"""A study of more files is listed only: they are asked for some at a time."""
STUDY_BYTES: Final = 16 << 20
"""… and so is a larger one …"""
ANSWER_BYTES: Final = 64 << 20
"""… and what does not fit into the answer any more."""
MOST_TOGETHER: Final = 8
"""Files of one study that are asked for together …"""
TOGETHER_BYTES: Final = 4 << 20
"""… and what they may be together, unless one alone is more."""
ARTEFACTS_BYTES: Final = 64 << 20
"""All artefacts of one request together."""


class ParcelError(ValueError):
    """It is no zip as it should be; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyInputs:
    """What was sent of one revision.

    Attributes:
        instances: Its instances as the portal lists them.
        files: Their files by SOP Instance UID; empty where they are to be asked for.
    """

    instances: list[dict[str, Any]]
    files: Mapping[str, bytes] = field(default_factory=dict)


def pack_inputs(studies: Mapping[str, StudyInputs]) -> bytes:
    """Return studies by revision id as one zip."""
    named: list[tuple[str, bytes]] = []
    for revision, study in studies.items():
        listing = json.dumps({"instances": study.instances}).encode()
        named.append((f"{revision}.json", listing))
        named += [(f"{revision}/{uid}", body) for uid, body in study.files.items()]
    return pack(named)


def unpack_inputs(content: bytes) -> dict[str, StudyInputs]:
    """Return what `pack_inputs` was given.

    Raises:
        ParcelError: It is something else.
    """
    entries = unpack(content, limit=len(content))
    files: dict[str, dict[str, bytes]] = {}
    lists: dict[str, list[dict[str, Any]]] = {}
    for name, body in entries.items():
        revision, _, sop_uid = name.partition("/")
        if sop_uid:
            files.setdefault(revision, {})[sop_uid] = body
        else:
            revision = name.removesuffix(".json")
            lists[revision] = json.loads(body)["instances"]
    return {
        revision: StudyInputs(instances=rows, files=files.get(revision, {}))
        for revision, rows in lists.items()
    }


def pack(named: Iterable[tuple[str, bytes]]) -> bytes:
    """Return files by name as a zip without compression."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, body in named:
            archive.writestr(zipfile.ZipInfo(name), body)
    return target.getvalue()


def unpack(content: bytes, *, limit: int) -> dict[str, bytes]:
    """Return the files of such a zip.

    Args:
        content: The zip.
        limit: Bytes of the files together.

    Raises:
        ParcelError: It is no zip, is compressed, or holds more.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise ParcelError("it is compressed")
            if sum(entry.file_size for entry in entries) > limit:
                raise ParcelError("it holds too much")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ParcelError("it is no whole zip") from error
