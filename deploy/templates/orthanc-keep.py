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
NOT_THERE = (orthanc.ErrorCode.UNKNOWN_RESOURCE, orthanc.ErrorCode.INEXISTENT_ITEM)

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
    return _digest_there(names) not in (None, digest)


def _digest_there(names: tuple[str, ...]) -> str | None:
    """Return the hash of what the archive has under a name, None without."""
    if all(name.isascii() for name in names):
        # Orthanc's own id of an instance: no look-up is needed.
        hashed = hashlib.sha1("|".join(names).encode(), usedforsecurity=False)
        text = hashed.hexdigest()
        return _digest_of("-".join(text[i : i + 8] for i in range(0, 40, 8)))
    found = json.loads(orthanc.RestApiPost("/tools/lookup", names[3]))
    for row in found:
        if row["Type"] == "Instance" and _names_of(row["ID"]) == names:
            return _digest_of(row["ID"])
    return None


def _names_of(there: str) -> tuple[str, ...]:
    tags = json.loads(orthanc.RestApiGet("/instances/" + there + "/tags?simplify"))
    return tuple(str(tags.get(key) or "").strip() for key in KEYS)


def _digest_of(there: str) -> str | None:
    path = "/instances/" + there + "/attachments/dicom/md5"
    try:
        return str(orthanc.RestApiGet(path).decode().strip())
    except orthanc.OrthancException as error:
        if error.args[0] in NOT_THERE:
            return None
        raise


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
