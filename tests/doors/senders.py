"""The four doors, each as its users know it: a folder goes in, lines come out."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import psycopg
import pydicom

from tests.doors.lines import Line, Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.benchmarks.harness import Stack
    from tests.person import Person

ROOT = Path(__file__).parents[2]
SITE = "northfield"
AET = "OVERREAD"
PIECE = 8 << 20
NAMED = 500
PARTS, PART_BYTES = 100, 64 << 20
DICOM = "application/dicom"
TAKEN = ("stored", "already")

OFFERED = {
    "1.2.840.10008.1.2.1.99": ("-xd",),
    "1.2.840.10008.1.2.4.50": ("-xy",),
    "1.2.840.10008.1.2.4.51": ("-xx",),
    "1.2.840.10008.1.2.4.70": ("-xs",),
    "1.2.840.10008.1.2.4.80": ("-xt",),
    "1.2.840.10008.1.2.4.81": ("-xu",),
    "1.2.840.10008.1.2.4.90": ("-xv",),
    "1.2.840.10008.1.2.4.91": ("-xw",),
    "1.2.840.10008.1.2.5": ("-xr",),
}
"""How `storescu` is told to offer an encoding, as the modality that made it does."""

SENDER = "The sender (storescu)"
UNSENT = {
    "missing SOP class": "finds no DICOM object in it.",
    "unknown storage SOP class": "does not know this kind of object.",
    "bad DICOM file": "cannot read it.",
    "unable to convert dataset": "cannot encode it as the archive would take it.",
    "No presentation context": "and the archive have no encoding of it in common.",
    "No Acceptable Presentation": "and the archive have no encoding of it in common.",
}


class Doors:
    """The ways into one running stack, for a person who may import.

    Args:
        stack: The running stack.
        env: What stands in its `env` file.
        person: An administrator or radiologist of the site.
        folder: What is sent.
    """

    def __init__(
        self, stack: Stack, *, env: dict[str, str], person: Person, folder: Path
    ) -> None:
        self.stack = stack
        self.env = env
        self.person = person
        self.folder = folder.resolve()
        self.names = [
            str(path.relative_to(self.folder))
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        ]

    def path(self, name: str) -> Path:
        """Return where a file lies."""
        return self.folder / name

    def study_uids(self) -> set[str]:
        """Return the Study Instance UIDs that the files say, zips left closed."""
        return {_look_at(self.path(name)).study for name in self.names} - {""}

    def all(self) -> dict[str, Callable[[], Passage]]:
        """Return the doors by name."""
        return {
            "command": self.command,
            "upload": self.upload,
            "stow": self.stow,
            "c-store": self.c_store,
        }

    # --- the command

    def command(self) -> Passage:
        """Import the folder with `manage.py import_dicom`; its report has the lines."""
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            report = Path(scratch) / "report.csv"
            words = ["import_dicom", str(self.folder), "--site", SITE]
            done = subprocess.run(
                [sys.executable, "manage.py", *words, "--report", str(report)],
                cwd=ROOT,
                env={**os.environ, **self.env},
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"import_dicom failed:\n{done.stderr[-2000:]}")
            with report.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        lines = [
            Line(
                name=row["name"].removeprefix(f"{self.folder.name}/"),
                status=row["status"],
                reason=row["reason"],
                sop_uid=row["sop_uid"],
            )
            for row in rows
            if row["status"] != "missing"
        ]
        return Passage(door="command", lines=lines, seconds=time.monotonic() - began)

    # --- the browser's upload

    def upload(self) -> Passage:
        """Send the folder in pieces, as the import page does."""
        began = time.monotonic()
        sites = self.person.get("session")["user"]["sites"]
        site = next(s for s in sites if s["name"].lower().startswith(SITE))["id"]
        intake = self._json("POST", "intakes", json={"site": site})["id"]
        for first in range(0, len(self.names), NAMED):
            part = self.names[first : first + NAMED]
            named = self._json(
                "POST",
                f"intakes/{intake}/files",
                json={"files": [self._named(name) for name in part]},
            )
            for name, file in zip(part, named["items"], strict=True):
                self._send_pieces(intake, name, file)
        counts = self._json("POST", f"intakes/{intake}/finish", json={})["counts"]
        passage = Passage(
            door="upload", lines=self._report(intake), seconds=time.monotonic() - began
        )
        found = passage.count()
        ways = ("stored", "already", "conflict", "refused", "skipped")
        if any(counts[way] != found[way] for way in ways) or counts["waiting"]:
            passage.problems.append(f"its sum says {counts}, its lines {dict(found)}")
        return passage

    def _named(self, name: str) -> dict[str, Any]:
        key = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        return {"key": key, "name": name, "size": self.path(name).stat().st_size}

    def _send_pieces(self, intake: str, name: str, file: dict[str, Any]) -> None:
        content = self.path(name).read_bytes()
        at = 0
        while file["state"] != "taken":
            file = self._json(
                "PUT",
                f"intakes/{intake}/files/{file['id']}",
                content=content[at : at + PIECE],
                headers={
                    "Upload-Offset": str(at),
                    "Content-Type": "application/octet-stream",
                },
            )
            at = file["received"]

    def _report(self, intake: str) -> list[Line]:
        """Return a report's lines; the SOP Instance UIDs are the database's."""
        query = "SELECT id::text, sop_uid FROM workflow_intakefile WHERE intake_id = %s"
        with psycopg.connect(self.env["DATABASE_URL"]) as connection:
            uids: dict[str, str] = dict(connection.execute(query, [intake]).fetchall())
        lines: list[Line] = []
        cursor: str | None = "0"
        while cursor is not None:
            page = self.person.get(f"intakes/{intake}", limit=1000, cursor=cursor)
            lines += [
                Line(item["name"], item["status"], item["reason"], uids[item["id"]])
                for item in page["files"]["items"]
                if item["status"] != "missing"
            ]
            cursor = page["files"]["next_cursor"]
        return lines

    def _json(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = self.person.send(method, path, **kwargs)
        answer.raise_for_status()
        return answer.json()

    # --- STOW-RS

    def stow(self) -> Passage:
        """Send the folder as multipart requests, a hundred files in each."""
        began = time.monotonic()
        passage = Passage(door="stow", lines=[], seconds=0)
        for names in self._requests():
            answer = self._store(names)
            said = self.person.get("intakes", mine="true")["items"][0]
            lines = [
                Line(names[place], line.status, line.reason, line.sop_uid)
                for place, line in enumerate(self._in_order(said["id"]))
            ]
            passage.lines += lines
            passage.problems += _compare_answer(answer, lines)
        passage.seconds = time.monotonic() - began
        return passage

    def _requests(self) -> Iterator[list[str]]:
        names: list[str] = []
        size = 0
        for name in self.names:
            n_bytes = self.path(name).stat().st_size
            if names and (len(names) == PARTS or size + n_bytes > PART_BYTES):
                yield names
                names, size = [], 0
            names.append(name)
            size += n_bytes
        if names:
            yield names

    def _store(self, names: list[str]) -> dict[str, Any]:
        boundary = uuid4().hex
        head = f"--{boundary}\r\nContent-Type: {DICOM}\r\n\r\n".encode()
        body = b"".join(head + self.path(n).read_bytes() + b"\r\n" for n in names)
        media = f'multipart/related; type="{DICOM}"; boundary={boundary}'
        answer = self.person.send(
            "POST",
            f"{self.stack.url}/dicom-web/studies?site={SITE}",
            content=body + f"--{boundary}--\r\n".encode(),
            headers={"Content-Type": media, "Accept": "application/dicom+json"},
        )
        if answer.status_code not in (200, 202, 409):
            raise RuntimeError(f"STOW answered {answer.status_code}: {answer.text}")
        body_of: dict[str, Any] = json.loads(answer.content)
        return body_of

    def _in_order(self, intake: str) -> list[Line]:
        lines = self._report(intake)
        return sorted(lines, key=lambda line: int(line.name.split()[-1]))

    # --- C-STORE

    def c_store(self) -> Passage:
        """Send the folder as a modality would, one file an association.

        Success is `stored` here; what of it was there before, or is held, is told
        apart by `Bench.settle`, for the archive answers success to all three.
        """
        began = time.monotonic()
        lines = [self._c_store_one(name) for name in self.names]
        return Passage(door="c-store", lines=lines, seconds=time.monotonic() - began)

    def _c_store_one(self, name: str) -> Line:
        seen = _look_at(self.path(name))
        command = ["storescu", "-v", "-R", *OFFERED.get(seen.syntax, ())]
        command += ["-aec", AET, self.stack.dicom_host, str(self.stack.dicom_port)]
        done = subprocess.run(
            [*command, str(self.path(name))],
            capture_output=True,
            check=False,
            env={**os.environ, "TCP_NODELAY": "1"},  # else 20 times slower
        )
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        status, reason = _c_store_end(said)
        return Line(name, status, reason, seen.uid)


def _compare_answer(answer: dict[str, Any], lines: list[Line]) -> list[str]:
    """Hold the answer to a STOW request against the report that was kept of it."""
    good = len(answer.get("00081199", {}).get("Value", []))
    bad = sum(
        len(answer.get(tag, {}).get("Value", [])) for tag in ("00081198", "0008119A")
    )
    taken = sum(line.status in TAKEN for line in lines)
    if (good, bad) == (taken, len(lines) - taken):
        return []
    return [
        f"an answer says {good} good, {bad} not; its report {taken} of {len(lines)}"
    ]


class _Seen(NamedTuple):
    """What a file says of itself, as strings; '' where it does not."""

    uid: str = ""
    study: str = ""
    syntax: str = ""


def _look_at(path: Path) -> _Seen:
    """Look into a file, whatever it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            file = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            meta = getattr(file, "file_meta", {})
            return _Seen(
                uid=str(file.get("SOPInstanceUID") or ""),
                study=str(file.get("StudyInstanceUID") or ""),
                syntax=str(meta.get("TransferSyntaxUID") or ""),
            )
        except Exception:  # noqa: BLE001  whatever a reader makes of odd files
            return _Seen()


def _c_store_end(said: str) -> tuple[str, str]:
    """Return status and reason out of what `storescu -v` says of one file."""
    answer = re.search(r"Received Store Response \((.*)\)", said)
    if answer and answer[1] == "Success":
        return "stored", ""
    if answer:
        return "refused", f"The archive did not take it: {answer[1]}."
    for words, reason in UNSENT.items():
        if words in said:
            return "unsent", f"{SENDER} {reason}"
    last = [line[3:] for line in said.splitlines() if line[:2] in ("E:", "F:")]
    return "refused", f"The archive broke it off: {(last or ['no word'])[-1]}."
