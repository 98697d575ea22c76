"""Plain words of reports."""

from __future__ import annotations

from apps.studies.models import RevisionInstance

Images = dict[str, RevisionInstance]
"""The image instances of a revision by SOP Instance UID."""
