"""A real Orthanc for the tests: its own folder, free ports, gone afterwards."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.interop.orthanc import Archive, ArchiveUnavailable

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@dataclass(frozen=True, slots=True)
class OrthancServer:
    """A running Orthanc and how to reach it."""

    url: str
    user: str
    password: str
    dicom_port: int
    aet: str


def free_port() -> int:
    """Ask the system for a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    """Start Orthanc once for the session; StableAge is 1 s."""
    binary = shutil.which("Orthanc")
    if binary is None:
        pytest.skip("Orthanc is not installed (apt-get install orthanc)")
    folder = tmp_path_factory.mktemp("orthanc")
    http, dicom = free_port(), free_port()
    password = secrets.token_urlsafe(16)
    settings = {
        "Name": "overread-test",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpPort": http,
        "DicomPort": dicom,
        "DicomAet": "OVERREAD",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"portal": password},
        "StableAge": 1,
        "SyncStorageArea": False,
        "OverwriteInstances": False,
        "UnknownSopClassAccepted": True,
        "HttpCompressionEnabled": False,
        "DicomModalities": {"elsewhere": ["ELSEWHERE", "127.0.0.1", free_port()]},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, str(folder / "orthanc.json")],
            stdout=log,
            stderr=log,
            env={**os.environ, "TCP_NODELAY": "1"},
        )
    server = OrthancServer(
        url=f"http://127.0.0.1:{http}",
        user="portal",
        password=password,
        dicom_port=dicom,
        aet="OVERREAD",
    )
    try:
        _wait(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(server: OrthancServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    with Archive(server.url, server.user, server.password) as archive:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                archive.ping()
            except ArchiveUnavailable:
                time.sleep(0.1)
            else:
                return
    pytest.fail(f"Orthanc did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture
def archive(orthanc: OrthancServer) -> Iterator[Archive]:
    """Give the client of an archive that holds no study."""
    with Archive(orthanc.url, orthanc.user, orthanc.password) as client:
        for study_id in list(client.all_study_ids()):
            client.delete_study(study_id)
        yield client


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real data, or skip."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data: {SHARED} is missing")
    return SHARED
