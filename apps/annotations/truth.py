"""What readers say of the cases that a model has scored.

Two truths, never mixed: *unaided* readings, whose reader had not seen what AI says of
the study (the only ones that may calibrate), and *final* readings, most of whose
readers had. A reading that codes a label (mark, segment, report code, verdict) says
that it is there. It says that it is not there when its reader rejected it, coded it as
absent, or read under a protocol that asks for it and marked nothing. A reading that was
not asked and does not answer says nothing: it is left out, and counted. So is one that
awaits its verification or was sent back. Free text is not read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from apps.annotations.models import Reading, ReadingStage, Verdict
from apps.annotations.types import (
    DisplayMode,
    ReadingState,
    VerdictKind,
    VerificationState,
)
from apps.annotations.verifying import OPEN
from apps.audit.events import Event
from apps.audit.selectors import first_events
from apps.inference.models import Finding
from apps.inference.selectors import is_positive
from apps.inference.types import RunState

if TYPE_CHECKING:
    from datetime import datetime

MOST_CASES: Final = 20_000
"""No more of the newest scored studies are looked at."""

_NOT_UPHELD = (*OPEN, VerificationState.REPLACED.value)
"""What a resident read alone counts once an attending has verified it as it was."""

_BLIND = (DisplayMode.NONE.value, DisplayMode.AFTER_COMMIT.value)


class TruthKind(StrEnum):
    """Whose word is the truth."""

    UNAIDED = "unaided"
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One study as a model scored it for one label.

    Attributes:
        revision_id: The study's revision.
        study_id: The study.
        patient_id: Whose it is.
        raw_score: The network's log odds.
        stated: The package's own probability.
        at: When the score came.
    """

    revision_id: UUID
    study_id: UUID
    patient_id: UUID
    raw_score: float
    stated: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One scored study with what its readers say.

    Attributes:
        scored: The study.
        present: Whether the label is there.
        readers: Who says so.
    """

    scored: Scored
    present: bool
    readers: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCases:
    """Scored studies of known truth.

    Attributes:
        cases: One a study.
        n_disagreed: Studies left out because as many readers say yes as no.
        n_unasked: Studies left out because their readings neither answer nor were
            asked.
    """

    cases: tuple[Judged, ...]
    n_disagreed: int
    n_unasked: int

    @property
    def n_present(self) -> int:
        """How many have the label."""
        return sum(case.present for case in self.cases)

    @property
    def n_readers(self) -> int:
        """How many people stand behind them."""
        return len(frozenset().union(*(case.readers for case in self.cases)))


def scored_cases(
    *, site_id: UUID, model_version_id: UUID, code: str
) -> tuple[Scored, ...]:
    """Return what a model scored at a site for one label, the newest first.

    Scores count whatever slot they were made for: live, shadow or challenger.
    """
    rows = (
        Finding.objects.filter(
            run__revision__study__site_id=site_id,
            run__revision__study__deleted_at__isnull=True,
            run__model_version_id=model_version_id,
            run__state=RunState.DONE,
            run__finished_at__isnull=False,
            label_code=code,
        )
        .order_by("-run__finished_at")
        .values_list(
            "run__revision_id",
            "run__revision__study_id",
            "run__revision__study__patient_id",
            "raw_score",
            "probability",
            "run__finished_at",
        )
    )
    return tuple(
        Scored(
            revision_id=revision,
            study_id=study,
            patient_id=patient,
            raw_score=raw,
            stated=stated,
            at=at,
        )
        for revision, study, patient, raw, stated, at in rows[:MOST_CASES]
        if at is not None
    )


def judge_cases(*, scored: Iterable[Scored], code: str, kind: TruthKind) -> JudgedCases:
    """Return what readers say of scored studies, one case a study.

    Of a study's revisions the newest that was read counts. Where several readers
    read it, what more of them say; who was not asked and says nothing has no voice.
    """
    by_revision = {one.revision_id: one for one in scored}
    said = (
        _unaided(by_revision, code)
        if kind is TruthKind.UNAIDED
        else _final(by_revision, code)
    )
    newest: dict[UUID, Scored] = {}
    for revision_id in said:
        one = by_revision[revision_id]
        if one.study_id not in newest or newest[one.study_id].at < one.at:
            newest[one.study_id] = one
    cases, disagreed, unasked = [], 0, 0
    for one in newest.values():
        words = {
            reader: present
            for reader, present in said[one.revision_id].items()
            if present is not None
        }
        if not words:
            unasked += 1
            continue
        yes = sum(words.values())
        if 2 * yes == len(words):
            disagreed += 1
            continue
        cases.append(
            Judged(scored=one, present=2 * yes > len(words), readers=frozenset(words))
        )
    return JudgedCases(cases=tuple(cases), n_disagreed=disagreed, n_unasked=unasked)


Words = dict[UUID, dict[UUID, bool | None]]
"""Revision → reader → whether the label is there; None: not asked, and not answered."""


def _final(by_revision: Mapping[UUID, Scored], code: str) -> Words:
    readings = Reading.objects.filter(
        revision_id__in=list(by_revision), signed_at__isnull=False
    ).exclude(amended_by__signed_at__isnull=False)
    readings = readings.exclude(verification__state__in=OPEN)
    found = {reading.id: reading for reading in readings.select_related("protocol")}
    answered = _answered(found, code)
    words: Words = defaultdict(dict)
    for reading in found.values():
        said = says_of_label(reading.content, code, asked=asks_for(reading, code))
        verdict = answered.get(reading.id)
        present = bool(verdict or said) if verdict is not None else said
        words[reading.revision_id][reading.reader_id] = present
    return dict(words)


def asks_for(reading: Reading, code: str) -> bool:
    """Say whether a reading's protocol asks its reader for a label."""
    return any(label.get("code") == code for label in reading.protocol.labels)


def says_of_label(content: Mapping[str, Any], code: str, *, asked: bool) -> bool | None:
    """Return what a reading's content says of a label, without its verdicts.

    Args:
        content: The content.
        code: The label.
        asked: The reader was asked for it.

    Returns:
        True: it is there. False: it is not. None: the content says nothing.
    """
    if codes_label(content, code):
        return True
    return False if asked or _denies(content, code) else None


def _denies(content: Mapping[str, Any], code: str) -> bool:
    """Say whether the reader coded a label as absent in the report."""
    report = content.get("report") or {}
    return any(
        one["code"] == code and not one.get("present") and one.get("source") == "reader"
        for one in report.get("codes", [])
    )


def _answered(readings: Mapping[UUID, Reading], code: str) -> dict[UUID, bool]:
    """Return what verdicts say of a label, by reading; any yes is a yes."""
    verdicts = Verdict.objects.filter(reading_id__in=list(readings)).select_related(
        "finding__run__slot"
    )
    said: dict[UUID, bool] = {}
    for verdict in verdicts:
        label = (verdict.label or {}).get("code") or verdict.finding.label_code
        if label == code:
            present = says_present(verdict=verdict)
            said[verdict.reading_id] = said.get(verdict.reading_id, False) or present
    return said


def says_present(*, verdict: Verdict) -> bool:
    """Say whether a verdict means that the finding is there.

    Accepting agrees with the model, rejecting disagrees; a change is of something
    that is there.
    """
    positive = is_positive(finding=verdict.finding)
    if verdict.verdict == VerdictKind.MODIFY:
        return True
    return (verdict.verdict == VerdictKind.ACCEPT) == positive


def _unaided(by_revision: Mapping[UUID, Scored], code: str) -> Words:
    """Return what was said before its reader had seen any AI of the study."""
    readings = list(
        Reading.objects.filter(
            revision_id__in=list(by_revision),
            signed_at__isnull=False,
            edition=1,
            protocol__display_mode__in=_BLIND,
        )
        .exclude(verification__state__in=_NOT_UPHELD)
        .select_related("protocol")
    )
    committed = _stages(readings, ReadingState.COMMITTED)
    exposed = _exposures({by_revision[r.revision_id].study_id for r in readings})
    words: Words = defaultdict(dict)
    for reading in readings:
        content, at = reading.content, reading.signed_at
        if reading.protocol.display_mode == DisplayMode.AFTER_COMMIT:
            stage = committed.get(reading.id)
            if stage is None:
                continue
            content, at = stage.content, stage.at
        study_id = by_revision[reading.revision_id].study_id
        seen = exposed.get((study_id, reading.reader_id))
        if at is None or (seen is not None and seen < at):
            continue
        words[reading.revision_id][reading.reader_id] = says_of_label(
            content, code, asked=asks_for(reading, code)
        )
    return dict(words)


def _stages(
    readings: Iterable[Reading], state: ReadingState
) -> dict[UUID, ReadingStage]:
    rows = ReadingStage.objects.filter(
        reading_id__in=[reading.id for reading in readings], state=state
    )
    return {stage.reading_id: stage for stage in rows}


def _exposures(study_ids: set[UUID]) -> dict[tuple[UUID, UUID], datetime]:
    """Return since when a reader knows what AI says of a study, by (study, reader).

    By what the audit log says they looked at, and by readings of theirs that show it.
    """
    seen = dict(first_events(event=Event.AI_VIEW, studies=study_ids))
    others = Reading.objects.filter(revision__study_id__in=study_ids)
    shown = others.exclude(protocol__display_mode__in=_BLIND).values_list(
        "revision__study_id", "reader_id", "created_at"
    )
    revealed = ReadingStage.objects.filter(
        reading__revision__study_id__in=study_ids, state=ReadingState.REVEALED
    ).values_list("reading__revision__study_id", "reading__reader_id", "at")
    for study_id, reader_id, at in [*shown, *revealed]:
        key = (study_id, reader_id)
        if key not in seen or at < seen[key]:
            seen[key] = at
    return seen


def codes_label(content: Mapping[str, Any], code: str) -> bool:
    """Say whether a reading's content codes a label as there."""
    marks = [mark["label"]["code"] for mark in content.get("annotations", [])]
    drawn = [
        segment["label"]["code"]
        for one in content.get("segmentations", [])
        for segment in one["segments"]
    ]
    report = content.get("report") or {}
    coded = [
        one["code"]
        for one in report.get("codes", [])
        if one.get("present") and one.get("source") == "reader"
    ]
    return code in {*marks, *drawn, *coded}
