"""What the archive would drop in silence is kept for the portal.

Runs inside Orthanc. Orthanc keeps the first of two instances with the same Patient
ID and UIDs, answers the sender of the second one with success, and forgets it. Here
the second one is written to a folder of the portal's, before success is answered,
when its content is another one. When that fails, the sender is told to try again.

What is nested so deeply that Orthanc would die of reading it is refused: its HTTP
threads have small stacks, and its parser calls itself for each level.
"""

import collections
import hashlib
import json
import os
import tempfile
import threading
import time
import zlib
from typing import Any

import orthanc  # type: ignore[import-not-found]  # Orthanc itself gives it
from structure import (  # type: ignore[import-not-found]  # put beside this file
    UnsafeFileError,
    inflate,
    walk_structure,
)

KEYS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
BIG_ENDIAN = b"1.2.840.10008.1.2.2"
DEFLATED = b"1.2.840.10008.1.2.1.99"
REMEMBERED = 4096
MAX_NOTES = 500
NOT_KEPT = "It could not be kept for comparison; the sender was told to try again."
NOT_THERE = (orthanc.ErrorCode.UNKNOWN_RESOURCE, orthanc.ErrorCode.INEXISTENT_ITEM)

_folder = json.loads(orthanc.GetConfiguration())["Overread"]["KeepIn"]
_refused = os.path.join(os.path.dirname(_folder), "refused")
_lock = threading.Lock()
_recent: collections.OrderedDict[tuple[str, ...], str] = collections.OrderedDict()


def receive(instance: Any, *_unused: object) -> int:
    """Decide about one instance that came by C-STORE; return a DIMSE status."""
    try:
        content = instance.GetInstanceData()
        check_structure(content)
        tags = json.loads(instance.GetInstanceSimplifiedJson())
        names = tuple(str(tags.get(key) or "").strip() for key in KEYS)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if is_taken(names, digest):
            keep(content)
    except UnsafeFileError as error:
        orthanc.LogWarning(f"Overread: an instance was refused: {error}")
        note_refusal(instance, f"It was refused: {error}.")
        return CANNOT_UNDERSTAND
    except Exception as error:  # noqa: BLE001  not kept means not taken
        orthanc.LogError(f"Overread: not kept, not taken: {type(error).__name__}")
        note_refusal(instance, NOT_KEPT)
        return OUT_OF_RESOURCES
    return SUCCESS


def note_refusal(instance: Any, reason: str) -> None:
    """Note for the portal whom something was refused, and why; never what it says.

    One file for a sender and a reason, with a count: a sender that goes on sending
    fills no disk. That the note fails changes nothing of the refusal.
    """
    try:
        sender = str(instance.GetInstanceRemoteAet() or "")[:64]
        name = hashlib.sha256(f"{sender}\n{reason}".encode()).hexdigest() + ".json"
        path = os.path.join(_refused, name)
        now = time.time()
        with _lock:
            os.makedirs(_refused, mode=0o700, exist_ok=True)
            note: dict[str, Any] = {"sender": sender, "reason": reason, "n": 0}
            note["first_at"] = now
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    note = json.load(file)
            elif len(os.listdir(_refused)) >= MAX_NOTES:
                return
            note["n"] += 1
            note["last_at"] = now
            write_whole(_refused, name, json.dumps(note).encode())
    except Exception as error:  # noqa: BLE001  the refusal counts, not its note
        orthanc.LogError(f"Overread: a refusal was not noted: {type(error).__name__}")


def check_structure(content: bytes) -> None:
    """Refuse what would cost its readers too much.

    Raises:
        UnsafeFileError: Its sequences are nested too deep, or there is too much.
    """
    start = 144 + int.from_bytes(content[140:144], "little")
    at = content.find(b"\x02\x00\x10\x00UI", 132, start) + 8
    syntax = content[at : at + content[at - 2]].rstrip(b"\0 ")
    if syntax == DEFLATED:
        try:
            content, start = inflate(content, start=start), 0
        except zlib.error:
            return
    walk_structure(content, start=start, little=syntax != BIG_ENDIAN)


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
    write_whole(_folder, name, content)


def write_whole(folder: str, name: str, content: bytes) -> None:
    """Write a file durably: all of it under its name, or nothing."""
    handle, path = tempfile.mkstemp(dir=folder, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path, os.path.join(folder, name))
    except BaseException:
        os.unlink(path)
        raise


orthanc.RegisterIncomingCStoreInstanceFilter(receive)
