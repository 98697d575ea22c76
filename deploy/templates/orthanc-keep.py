"""What the archive would drop in silence is kept for the portal.

Runs inside Orthanc. Orthanc keeps the first of two instances with the same Patient
ID and UIDs, answers the sender of the second one with success, and forgets it. Here
the second one is written to a folder of the portal's, before success is answered,
when its content is another one. When that fails, the sender is told to try again.
"""

import collections
import hashlib
import json
import os
import tempfile
import threading
from typing import Any

import orthanc  # type: ignore[import-not-found]  # Orthanc itself gives it

KEYS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
REMEMBERED = 4096

_folder = json.loads(orthanc.GetConfiguration())["Overread"]["KeepIn"]
_lock = threading.Lock()
_recent: collections.OrderedDict[tuple[str, ...], str] = collections.OrderedDict()


def receive(instance: Any, *_unused: object) -> int:
    """Decide about one instance that came by C-STORE; return a DIMSE status."""
    try:
        content = instance.GetInstanceData()
        tags = json.loads(instance.GetInstanceSimplifiedJson())
        names = tuple(str(tags.get(key) or "").strip() for key in KEYS)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if is_taken(names, digest):
            keep(content)
    except Exception as error:  # noqa: BLE001  not kept means not taken
        orthanc.LogError(f"Overread: not kept, not taken: {type(error).__name__}")
        return OUT_OF_RESOURCES
    return SUCCESS


def is_taken(names: tuple[str, ...], digest: str) -> bool:
    """Say whether other content has these UIDs, or is about to have them."""
    with _lock:
        first = _recent.setdefault(names, digest)
        if len(_recent) > REMEMBERED:
            _recent.popitem(last=False)
    if first != digest:
        return True
    return any(
        _names_of(there) == names and _digest_of(there) != digest
        for there in _lookup(names[3])
    )


def _lookup(sop_uid: str) -> list[str]:
    found = json.loads(orthanc.RestApiPost("/tools/lookup", sop_uid))
    return [row["ID"] for row in found if row["Type"] == "Instance"]


def _names_of(there: str) -> tuple[str, ...]:
    tags = json.loads(orthanc.RestApiGet("/instances/" + there + "/tags?simplify"))
    return tuple(str(tags.get(key) or "").strip() for key in KEYS)


def _digest_of(there: str) -> str:
    path = "/instances/" + there + "/attachments/dicom/md5"
    return str(orthanc.RestApiGet(path).decode().strip())


def keep(content: bytes) -> None:
    """Write an instance durably, under its hash."""
    name = hashlib.sha256(content).hexdigest() + ".dcm"
    os.makedirs(_folder, mode=0o700, exist_ok=True)
    handle, path = tempfile.mkstemp(dir=_folder, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path, os.path.join(_folder, name))
    except BaseException:
        os.unlink(path)
        raise


orthanc.RegisterIncomingCStoreInstanceFilter(receive)
