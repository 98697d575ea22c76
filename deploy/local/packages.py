"""The system packages: only the missing ones, and none of their own services."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local.commands import run_logged
from deploy.local.console import Console
from deploy.local.problem import Problem

_FONTS = "/usr/share/fonts/truetype"


def _library(name: str) -> Iterator[str]:
    """Where a shared library lies, on the machines that Debian is for."""
    for folder in ("/usr/lib", "/lib"):
        yield f"{folder}/{name}"
        for machine in ("x86_64", "aarch64"):
            yield f"{folder}/{machine}-linux-gnu/{name}"


PROBES: dict[str, tuple[str, ...]] = {
    "orthanc": ("/usr/sbin/Orthanc", "/usr/bin/Orthanc"),
    "orthanc-dicomweb": ("/usr/share/orthanc/plugins/libOrthancDicomWeb.so",),
    "orthanc-python": ("/usr/share/orthanc/plugins/libOrthancPython.so",),
    "nginx": ("/usr/sbin/nginx",),
    "dcmtk": ("/usr/bin/storescu",),
    "dicom3tools": ("/usr/bin/dciodvfy",),
    # Reports as PDF: text layout, and a font for every script that is in use.
    "libpangoft2-1.0-0": tuple(_library("libpangoft2-1.0.so.0")),
    "fonts-dejavu-core": (f"{_FONTS}/dejavu/DejaVuSans.ttf",),
    "fonts-noto-core": (f"{_FONTS}/noto/NotoSansDevanagari-Regular.ttf",),
    "fonts-droid-fallback": (f"{_FONTS}/droid/DroidSansFallbackFull.ttf",),
    "fonts-nanum": (f"{_FONTS}/nanum/NanumGothic.ttf",),
}
"""Package → the files of which one shows that it is there."""

BROWSER: dict[str, tuple[str, ...]] = {
    "chromium": ("/usr/bin/chromium", "/usr/bin/google-chrome"),
}
UNITS = ("orthanc.service", "nginx.service")
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_MARK = "# Overread: keep services from starting during its installation"


def missing(probes: dict[str, tuple[str, ...]]) -> list[str]:
    """Packages of which no file is there."""
    return [
        package
        for package, paths in probes.items()
        if not any(Path(path).exists() for path in paths)
        and not any(shutil.which(Path(path).name) for path in paths)
    ]


def install_command(packages: Iterable[str]) -> list[str]:
    """The command that installs packages, for us or for a person to type."""
    return [
        "apt-get",
        "install",
        "-y",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=180",
        *packages,
    ]


def as_root() -> list[str]:
    """Prefix that makes a command run as root.

    Raises:
        Problem: We are neither root nor may we use sudo without a password.
    """
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo:
        # A terminal may answer a password question; without one only -n works.
        flags = [] if os.isatty(0) else ["-n"]
        asked = subprocess.run([sudo, *flags, "true"], check=False)
        if asked.returncode == 0:
            return [sudo, *flags]
    raise Problem("")


def ensure_packages(*, console: Console, log: Path, browser: bool = False) -> None:
    """Install what is missing; do nothing when nothing is.

    Args:
        console: Where progress shows.
        log: Output of apt.
        browser: Also Chromium, which only the tests need.
    """
    wanted = missing(PROBES | BROWSER if browser else PROBES)
    if not wanted:
        return
    by_hand = " ".join(
        ["apt-get install -y --no-install-recommends", *wanted],
    )
    words = ", ".join(wanted)
    if not shutil.which("apt-get"):
        raise Problem(
            f"Not installed: {words}.",
            advice="This system has no apt; install them with its own tool.",
        )
    try:
        root = as_root()
    except Problem:
        raise Problem(
            f"Not installed: {words}; and this user is neither root nor has sudo.",
            advice=f"As root: apt-get update && {by_hand}   – then run this again.",
        ) from None
    with console.step(f"system packages: {words}"), services_held_back(root, wanted):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], install_command(wanted)):
            run_logged(
                [*root, *command],
                log=log,
                console=console,
                what=" ".join(command[:2]),
                env=env,
                advice=f"As root: dpkg --configure -a; apt-get update; {by_hand}"
                "   – then run this again.",
            )


@contextmanager
def services_held_back(root: list[str], packages: list[str]) -> Iterator[None]:
    """Let packages be installed without their services being started or enabled.

    Only the services of packages that were missing a moment ago are concerned; a
    policy that somebody else has put there is left alone.
    """
    ours = not POLICY.exists() or POLICY_MARK in _read(POLICY)
    if ours:
        script = f"#!/bin/sh\n{POLICY_MARK}\nexit 101\n"
        _as_root(root, ["tee", str(POLICY)], feed=script)
        _as_root(root, ["chmod", "755", str(POLICY)])
    try:
        yield
    finally:
        if ours:
            _as_root(root, ["rm", "-f", str(POLICY)])
        if shutil.which("systemctl") and Path("/run/systemd/system").exists():
            for unit in UNITS:
                if unit.partition(".")[0] in packages:
                    _as_root(root, ["systemctl", "disable", "--now", unit])


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _as_root(root: list[str], command: list[str], *, feed: str = "") -> None:
    subprocess.run(
        [*root, *command], input=feed, text=True, check=False, capture_output=True
    )
