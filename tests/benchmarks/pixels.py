"""Frames a second through the portal's authorisation, against Orthanc's DICOMweb.

The same frames of the same study over the same machine, the two in alternation, at
6 connections (a browser) and at 16. The archive is asked directly, without the
portal: what it saves in authorisation counts in its favour. "Cold" is the first
time: the pack's files are dropped from the page cache, and the decision on the
study is not remembered yet.

Every body's bytes are compared once with what was sent to the archive.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import pydicom

from tests.benchmarks.harness import Metric, Stack
from tests.benchmarks.viewer import environment, login
from tests.benchmarks.viewing.cases import Case, all_cases, prepare

QUICK = bool(os.environ.get("OVERREAD_BENCHMARK_QUICK"))
ROUNDS = 2 if QUICK else 7
CONNECTIONS = (6, 16)
WARM_SHARE, COLD_SHARE = 3.0, 0.5
LOADER = Path(__file__).with_name("viewing") / "load.py"


def _rate(urls: Sequence[str], headers: dict[str, str], connections: int) -> float:
    """Return frames per second; a process of its own does the asking."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    done = subprocess.run(
        [sys.executable, LOADER, str(connections), *lines],
        input="\n".join(urls),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _drop_from_page_cache(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def _frames(stack: Stack, portal: httpx.Client, case: Case) -> tuple[str, list[str]]:
    """Return the revision and the addresses of its frames."""
    rows = portal.get("/api/worklist", params={"q": case.patient}).json()["items"]
    study = next(r["study"] for r in rows if r["study"]["uid"] == case.study_uid)
    base = f"{stack.url}/pixels/{study['revision_id']}/"
    index = portal.get(f"{base}index.json").json()
    urls = [
        f"{base}frames/{one['sop_uid']}/1.{one['ext']}"
        for series in index["series"]
        for one in series["instances"]
    ]
    return study["revision_id"], urls


def _archive_frames(env: dict[str, str], case: Case) -> list[str]:
    base = env["ORTHANC_URL"].rstrip("/")
    return [
        f"{base}/dicom-web/studies/{one.StudyInstanceUID}/series/"
        f"{one.SeriesInstanceUID}/instances/{one.SOPInstanceUID}/frames/1"
        for one in case.headers
    ]


def _check_bodies(portal: httpx.Client, case: Case, urls: list[str]) -> None:
    """Compare what is sent with the pixels of the files that came in.

    Raises:
        SystemExit: A frame differs, or comes without authorisation.
    """
    bodies = {url.split("/")[-2]: url for url in urls}
    for path in sorted(case.folder.rglob("*.dcm"))[::37]:
        dataset = pydicom.dcmread(path)
        answer = portal.get(bodies[str(dataset.SOPInstanceUID)])
        if answer.content != dataset.PixelData:
            raise SystemExit("A frame is not what came in.")
    stranger = httpx.get(urls[0])
    if stranger.status_code not in (401, 403):
        raise SystemExit("Frames are sent to whoever asks.")


def run(stack: Stack) -> list[Metric]:
    """Measure both in turn and return medians with their ratios."""
    env = environment(stack)
    portal = login(stack)
    case = next(one for one in all_cases() if one.name.startswith("CT 300"))
    prepare(stack, portal, case)
    revision, urls = _frames(stack, portal, case)
    _check_bodies(portal, case, urls)
    folder = Path(env["OVERREAD_PACKS_DIR"]) / revision
    cookie = "; ".join(f"{one.name}={one.value}" for one in portal.cookies.jar)
    ours = {"Cookie": cookie}
    login_text = httpx.BasicAuth(env["ORTHANC_USER"], env["ORTHANC_PASSWORD"])
    request = next(login_text.auth_flow(httpx.Request("GET", stack.url)))
    theirs = {
        "Authorization": request.headers["Authorization"],
        "Accept": 'multipart/related; type="application/octet-stream"',
    }
    peer_urls = _archive_frames(env, case)
    metrics = []
    for connections in CONNECTIONS:
        warm, peer, cold = [], [], []
        for _ in range(ROUNDS):
            _drop_from_page_cache(folder)
            time.sleep(4.5)  # longer than a decision is remembered
            cold.append(_rate(urls, ours, connections))
            warm.append(_rate(urls, ours, connections))
            peer.append(_rate(peer_urls, theirs, connections))
        for name, values, share in (
            ("warm", warm, WARM_SHARE),
            ("cold", cold, COLD_SHARE),
        ):
            title = f"frames, {connections} connections, {name} (n {ROUNDS})"
            metrics.append(_metric(title, values, peer, share))
    return metrics


def _metric(title: str, ours: list[float], theirs: list[float], share: float) -> Metric:
    value, other = statistics.median(ours), statistics.median(theirs)
    ratio = value / other
    return Metric(
        title,
        value,
        "frames/s",
        peer=other,
        ratio=ratio,
        goal=f"≥ {share:g} × peer",
        met=ratio >= share,
    )
