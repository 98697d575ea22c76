"""The one connection of this process to the archive."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from apps.interop.orthanc import Archive


@cache
def archive() -> Archive:
    """Return the archive client of this process; safe to share between threads."""
    return Archive(
        settings.ORTHANC_URL, settings.ORTHANC_USER, settings.ORTHANC_PASSWORD
    )


@cache
def quick_archive() -> Archive:
    """Return a client that gives up soon, for questions asked in passing."""
    return Archive(
        settings.ORTHANC_URL,
        settings.ORTHANC_USER,
        settings.ORTHANC_PASSWORD,
        timeout_s=1.5,
    )
