"""What a reader may see of the AI: decided here and nowhere else.

The rule (docs/decisions/0010): a person sees what AI said of a work item when its
protocol shows it to them, and no other read of the same study that is still on the
list has to be done by somebody who has not seen it. Everything else hides it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from apps.annotations.models import Reading
from apps.annotations.types import DisplayMode, ReadingState
from apps.core.permissions import Permission
from apps.inference import selectors as inference
from apps.inference.types import IntendedUse
from apps.interop.sop_classes import SECONDARY_CAPTURES
from apps.studies.selectors import may_see_pixels
from apps.worklist.lines import Read, reads_hiding_ai
from apps.worklist.models import WorkItem
from apps.worklist.types import ON_LIST, ItemState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apps.accounts.types import Actor
    from apps.inference.models import Finding, InferenceRun
    from apps.studies.models import Study, StudyRevision
    from apps.worklist.lines import Line

_NEEDS_COMMIT = "Hidden until you commit your own read."
_NEVER = "This protocol does not show AI results."
_OTHER_READ = "Hidden while another read of this study is to be done without AI."
_NOBODYS = "This study is on no list, so nothing unblinds it."
_REVEALED = (ReadingState.REVEALED.value, ReadingState.SIGNED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """Whether AI results of an item may leave the server for this person."""

    visible: bool = False
    reason: str = "AI results are not shown to you."


_SEEN = Visibility(visible=True, reason="")


def visible_ai(*, actor: Actor, item: WorkItem) -> Visibility:
    """Return what of the AI the actor may see of an item; nothing by default."""
    return visible_ai_of(actor=actor, items=[item])[item.id]


def visible_ai_of(*, actor: Actor, items: Iterable[WorkItem]) -> dict[UUID, Visibility]:
    """Return the same for many items, by item id, in at most two queries."""
    items = list(items)
    reads = [
        Read(
            id=str(item.id),
            site_id=str(item.site_id),
            study_id=str(item.study_id),
            revision_id=str(item.case.revision_id),
            protocol_id=str(item.case.protocol_id),
            display_mode=item.case.protocol.display_mode,
        )
        for item in items
    ]
    found = _judge(actor, reads, None)
    return {item.id: found[str(item.id)] for item in items}


def visible_ai_of_lines(
    *, actor: Actor, lines: Iterable[Line], blinds: Blinds | None = None
) -> dict[str, Visibility]:
    """Return the same for lines of the list, by item id as text.

    Args:
        actor: Who asks.
        lines: The lines.
        blinds: What `blind_reads` said of their studies, where that was asked.
    """
    reads = [
        Read(
            id=line.id,
            site_id=line.site_id,
            study_id=line.study_id,
            revision_id=line.revision_id,
            protocol_id=line.protocol_id,
            display_mode=line.display_mode,
        )
        for line in lines
    ]
    return _judge(actor, reads, blinds)


def _judge(
    actor: Actor, reads: Sequence[Read], blinds: Blinds | None
) -> dict[str, Visibility]:
    sites = {read.site_id for read in reads}
    mine = {s for s in sites if actor.can(Permission.WORKLIST_READ, UUID(s))}
    readable = [read for read in reads if read.site_id in mine]
    if blinds is None:
        blinds = blind_reads({read.study_id for read in readable})
    revealed = _revealed(
        actor=actor,
        revisions={read.revision_id for read in readable}
        | {blind.revision_id for others in blinds.values() for blind in others},
        needed=bool(blinds) or any(r.display_mode != _SHOWN for r in readable),
    )
    found = {read.id: Visibility() for read in reads}
    for read in readable:
        found[read.id] = _of_protocol(read, revealed)
        others = blinds.get(read.study_id, [])
        if found[read.id].visible and not all(
            _of_protocol(other, revealed).visible for other in others
        ):
            found[read.id] = Visibility(reason=_OTHER_READ)
    return found


_SHOWN = DisplayMode.CONCURRENT


def _of_protocol(read: Read, revealed: set[tuple[str, str]]) -> Visibility:
    match DisplayMode(read.display_mode):
        case DisplayMode.CONCURRENT:
            return _SEEN
        case DisplayMode.AFTER_COMMIT:
            key = (read.revision_id, read.protocol_id)
            return _SEEN if key in revealed else Visibility(reason=_NEEDS_COMMIT)
        case DisplayMode.NONE:
            return Visibility(reason=_NEVER)


Blinds = dict[str, list[Read]]
"""Reads under a protocol that hides the AI, by study id as text."""


def blind_reads(study_ids: Iterable[str]) -> Blinds:
    """Return what is on the list under a protocol that hides the AI, by study."""
    reads: Blinds = defaultdict(list)
    for read in reads_hiding_ai(study_ids=study_ids):
        reads[read.study_id].append(read)
    return dict(reads)


def _revealed(
    *, actor: Actor, revisions: set[str], needed: bool
) -> set[tuple[str, str]]:
    """Return (revision, protocol) of the actor's own reads that saw the AI."""
    if not needed:
        return set()
    mine = Reading.objects.filter(
        revision_id__in=[UUID(one) for one in revisions],
        reader_id=actor.user_id,
        state__in=_REVEALED,
    )
    pairs = mine.values_list("revision_id", "protocol_id")
    return {(str(revision), str(protocol)) for revision, protocol in pairs}


def shown_findings(*, actor: Actor, item: WorkItem) -> dict[str, Finding]:
    """Return the findings that the actor may see of an item, by id."""
    if not visible_ai(actor=actor, item=item).visible:
        return {}
    return live_findings(item=item)


def live_findings(*, item: WorkItem) -> dict[str, Finding]:
    """Return what the models of live slots found of an item's study, by id."""
    runs: list[InferenceRun] = inference.live_runs(revision_id=item.case.revision_id)
    return {str(f.id): f for run in runs for f in run.findings.all()}


def visible_marks(*, actor: Actor, run: InferenceRun) -> bool:
    """Say whether where a finding is may be shown, once what it is may be.

    A model whose intended use is triage orders the list; it shows no marks before
    the reader has opened the study.
    """
    if run.model_version.intended_use != IntendedUse.TRIAGE:
        return True
    return may_see_pixels(actor=actor, revision_id=run.revision_id)


def untold_studies(*, actor: Actor) -> set[UUID]:
    """Return the studies that the actor may read yet unaided, by id.

    Pages about machines (runs, exports) leave them out for somebody who also reads
    at their site: what was drawn or sent tells what was found.
    """
    waiting = list(
        WorkItem.objects.filter(
            site_id__in=actor.sites_with(Permission.ITEM_LEASE),
            state__in=ON_LIST,
            withdrawn=False,
        )
        .exclude(case__protocol__display_mode=_SHOWN)
        .select_related("case__protocol", "case__revision")
    )
    sights = visible_ai_of(actor=actor, items=waiting)
    return {
        item.case.revision.study_id for item in waiting if not sights[item.id].visible
    }


def kept_apart(*, study_id: UUID, people: Iterable[UUID]) -> set[UUID]:
    """Return those of the people who must not learn yet what others say of a study.

    What a colleague writes may tell what AI found or what the colleague concluded. So
    while a study is on a list nobody is told who has not seen the AI under the
    protocol of that read; and while one of several reads of it is to be done, nobody.
    Nothing here depends on what AI said, or whether it said anything.
    """
    people = set(people)
    items = list(
        WorkItem.objects.filter(study_id=study_id, withdrawn=False)
        .exclude(state=ItemState.CANCELLED)
        .select_related("case__protocol")
    )
    waiting = [item for item in items if item.state in ON_LIST]
    if not waiting:
        return set()
    if len(items) > 1:
        return people
    case = waiting[0].case
    match DisplayMode(case.protocol.display_mode):
        case DisplayMode.CONCURRENT:
            return set()
        case DisplayMode.NONE:
            return people
        case DisplayMode.AFTER_COMMIT:
            seen = Reading.objects.filter(
                revision_id=case.revision_id,
                protocol_id=case.protocol_id,
                reader_id__in=people,
                state__in=_REVEALED,
            )
            return people - set(seen.values_list("reader_id", flat=True))


# --- objects of a study that may tell what an AI found


def may_be_ai(*, modality: str, by_overread: bool = False) -> bool:
    """Say whether an object beside the images may tell what an AI found.

    Nobody can tell from outside who made a report, a mask, a drawing, a plan's
    contours, key images or a PDF, so each of them counts. What only records a
    signal, or a machine's settings, does not.
    """
    return by_overread or modality not in _HARMLESS


_HARMLESS = frozenset({"ECG", "HD", "EPS", "RESP", "AU", "SMR", "STAIN", "RTRECORD"})


def withheld_of(*, revision: StudyRevision) -> frozenset[str]:
    """Return the image series of a revision that may be an AI's pictures, by UID.

    A secondary capture beside acquired images may be one with an AI's boxes drawn
    in. A study of captures alone is what there is to read.
    """
    captures = frozenset(
        revision.instances.filter(sop_class_uid__in=SECONDARY_CAPTURES)
        .values_list("series_uid", flat=True)
        .distinct()
    )
    acquired = {str(series["uid"]) for series in revision.series} - captures
    return captures if acquired else frozenset()


def is_waiting(*, study: Study) -> bool:
    """Tell whether somebody still has to read a study: one read must not anchor it."""
    return WorkItem.objects.filter(
        case__revision__study=study, state__in=ON_LIST, withdrawn=False
    ).exists()


def visible_study(*, actor: Actor, study: Study) -> Visibility:
    """Say whether whatever may come from AI of a study may leave for this person.

    At least one read of it shows the AI to this person, and no read on the list
    hides it. A study of reports alone is read by nobody: yes. One with images that
    is on no list is nobody's to unblind: no.
    """
    if not study.revisions.exists():
        return _SEEN
    items = list(
        WorkItem.objects.filter(case__revision__study_id=study.id).select_related(
            "case__protocol", "case__revision"
        )
    )
    sights = list(visible_ai_of(actor=actor, items=items).values())
    if any(sight.visible for sight in sights):
        return _SEEN
    return sights[0] if sights else Visibility(reason=_NOBODYS)


def visible_object(
    *, actor: Actor, study: Study, modality: str, by_overread: bool = False
) -> Visibility:
    """Say whether this person may see an object that lies beside a study's images.

    Args:
        actor: Who asks. That they may use the study at all was checked before.
        study: The study.
        modality: Modality of the object (SR, SEG, PR, RTSTRUCT, …).
        by_overread: We wrote it.
    """
    if not may_be_ai(modality=modality, by_overread=by_overread):
        return _SEEN
    return visible_study(actor=actor, study=study)
