"""The list's own copy of what it is sorted, filtered and searched by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apps.annotations.types import DisplayMode
from apps.worklist.models import WorkItem
from apps.worklist.types import ON_LIST

if TYPE_CHECKING:
    from uuid import UUID

    from apps.annotations.models import ReadingProtocol
    from apps.studies.models import Study

COLUMNS: Final = (
    "list_patient",
    "list_study",
    "list_modality",
    "list_modalities",
    "list_body_part",
    "list_words",
)

WORDS: Final = 300
MODALITIES: Final = 16
"""How much of a study is found by search and filter: an index's entry is small."""

SORTED: Final = 40
"""Letters by which names sort; equal ones stand by rank. The browser does the same."""


def fold(text: str) -> str:
    """Return a text as it is sorted and searched: small letters, no NUL."""
    return text.lower().replace("\x00", "")


def sort_text(text: str) -> str:
    """Return of a text what it is sorted by."""
    return fold(text)[:SORTED]


def listed_columns(*, study: Study) -> dict[str, Any]:
    """Return the values of `COLUMNS` for a study's items."""
    patient = study.patient
    words = (
        patient.name,
        patient.patient_id,
        study.accession_number,
        study.description,
    )
    return {
        "list_patient": sort_text(patient.name),
        "list_study": sort_text(study.description),
        "list_modality": sort_text("/".join(study.modalities)),
        "list_modalities": list(study.modalities)[:MODALITIES],
        "list_body_part": study.body_part[:64],
        "list_words": fold("\n".join(words))[:WORDS],
    }


def list_item(*, item: WorkItem, study: Study, protocol: ReadingProtocol) -> None:
    """Fill the list's columns of an item that is about to be saved first."""
    item.study = study
    item.shows_ai = protocol.display_mode == DisplayMode.CONCURRENT
    for name, value in listed_columns(study=study).items():
        setattr(item, name, value)


def stale_items(*, study: Study) -> list[UUID]:
    """Return the items on the list that no longer say what their study says."""
    fresh = listed_columns(study=study)
    items = WorkItem.objects.filter(study=study, state__in=ON_LIST)
    return list(items.exclude(**fresh).values_list("id", flat=True))
