"""Living through the department's weeks: arrivals, answers, readings, in order."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from celery import current_app

from apps.accounts.models import Site, User
from apps.accounts.selectors import make_actor
from apps.accounts.types import SYSTEM
from apps.annotations.protocols import (
    askable_labels,
    clinical_protocol,
    set_display_mode,
)
from apps.annotations.types import DisplayMode
from apps.core import clock
from apps.core.queue import Message, messages_kept, send
from apps.core.steps import Step
from apps.studies.selectors import find_study
from apps.workflow import desk, flow
from apps.workflow.critical.services import close_critical
from apps.workflow.department.manifest import Box
from apps.workflow.department.readers import (
    Reader,
    decide,
    follow,
    reading_minutes,
)
from apps.workflow.intake.door import take_file
from apps.workflow.intake.types import Via
from apps.worklist.models import WorkItem
from apps.worklist.types import Band, ItemState
from workers.compare_contracts import TASK_COMPARE
from workers.contracts import TASK_INFER, TASK_PACK, InferResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.workflow.department.manifest import PhantomStudy

SENDING = timedelta(seconds=4)
LAST_READ = timedelta(minutes=10)
"""How long readers stay after the last study that they are there for."""
LOOKS_EVERY = timedelta(minutes=3)
ON_CALL = {
    Band.STAT.value: timedelta(minutes=12),
    Band.PRIORITY.value: timedelta(minutes=75),
}
"""After how long those on call take a study of a band."""
SHORTEST_ANSWER = timedelta(seconds=3)
LEFT_TO_WORKERS = frozenset({TASK_PACK, TASK_COMPARE, Step.EXPORT_RESULT.value})
"""What nobody waits for is done once the workers run. A reading that answers a result
takes it into the archive along with itself."""
_READ_ALONE = "What readers find alone is what models are measured by."
_READ_TOGETHER = "Enough studies were read alone."
_NOTHING = "No acute finding."
_NOWHERE = (200.0, 200.0, 280.0, 290.0)
"""Where a reader marks what is not there."""


@dataclass
class Desk:
    """A reader at their desk: who, and when they are free again."""

    reader: Reader
    actor: Actor
    site_ids: list[UUID]
    free_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unaided:
    """Weeks in which a site's readers read some studies before they see the AI.

    Attributes:
        site: Code of the site.
        kind: The studies' kind, such as `chest-film`.
        modalities: Their modalities.
        until: When the readers are shown the AI from the beginning again.
        by: Username of the lead who decides it.
    """

    site: str
    kind: str
    modalities: tuple[str, ...]
    until: datetime
    by: str

    def covers(self, study: PhantomStudy) -> bool:
        """Say whether a study is read so."""
        return self.concerns(study) and study.acquired_at < self.until

    def concerns(self, study: PhantomStudy) -> bool:
        """Say whether it is of the site and kind."""
        return (study.site, study.kind) == (self.site, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a reader found alone.

    Attributes:
        there: Whether each finding is there, by its label's code.
        marks: Where, as annotations.
    """

    there: dict[str, bool] = field(default_factory=dict)
    marks: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Department:
    """The department while it is lived through.

    Attributes:
        studies: What will arrive, the earliest first.
        infer: Answers an inference request.
        seed: Of everything that chance decides.
        tell: Is told how far it is.
        unaided: Which studies are read alone first; None for none.
        read: Readings signed so far.
    """

    studies: list[PhantomStudy]
    infer: Callable[[dict[str, Any]], dict[str, Any]]
    seed: int
    tell: Callable[[str], None]
    unaided: Unaided | None = None
    read: int = 0
    _hides: bool = False
    _desks: list[Desk] = field(default_factory=list)
    _later: list[Message] = field(default_factory=list)

    def live(self, *, readers: tuple[Reader, ...], unread: int) -> None:
        """Let every study arrive and be read, but for the newest.

        Args:
            readers: Who reads.
            unread: How many of the newest arrivals find nobody at a desk.
        """
        current_app.loader.import_default_modules()  # as a worker does: our tasks
        self._random = Random(self.seed)  # noqa: S311  not a secret
        self._truth = {study.study_uid: study for study in self.studies}
        self._sites = {site.code: site for site in Site.objects.all()}
        if self.unaided is not None:
            # An earlier, interrupted set-up may have come into those weeks.
            holds = clinical_protocol(
                site=self._sites[self.unaided.site],
                modalities=self.unaided.modalities,
            )
            self._hides = holds.display_mode == DisplayMode.AFTER_COMMIT
        begins = self.studies[0].acquired_at
        self._desks = [self._desk(reader, begins) for reader in readers]
        last = self.studies[max(0, len(self.studies) - unread - 1)]
        they_leave = last.acquired_at + LAST_READ
        for number, study in enumerate(self.studies, start=1):
            self._read_until(min(study.acquired_at, they_leave))
            self._read_urgent_until(study.acquired_at)
            self._arrive(study)
            self.tell(f"{number} of {len(self.studies)} studies, {self.read} read")
        if unread == 0:
            self._read_until(they_leave)
        for message in self._later:
            send(message.name, message.queue, message.kwargs, priority=message.priority)

    def _desk(self, reader: Reader, begins: datetime) -> Desk:
        user = User.objects.get(username=reader.username)
        # A session that nobody can continue: its key is forgotten here.
        actor = make_actor(user=user, session_key=secrets.token_urlsafe(32))
        sites = list(actor.site_ids)
        return Desk(reader=reader, actor=actor, site_ids=sites, free_at=begins)

    # --- arrivals

    def _arrive(self, study: PhantomStudy) -> None:
        if find_study(study_uid=study.study_uid) is not None:
            return  # an earlier, interrupted set-up came this far
        at = study.acquired_at
        self._show_or_hide(study)
        with clock.standing_at(at):
            archive_ids = {
                take_file(
                    actor=SYSTEM,
                    site=self._sites[study.site],
                    source=path,
                    name=path.name,
                    via=Via.COMMAND,
                ).archive_study_id
                for path in sorted(study.folder.glob("*.dcm"))
            }
        with clock.standing_at(at + SENDING), messages_kept() as messages:
            for archive_id in sorted(filter(None, archive_ids)):
                flow.take_study(archive_id=archive_id)
        self._follow(messages, at=at + SENDING)

    def _show_or_hide(self, study: PhantomStudy) -> None:
        """Have the site's protocol say for a study when its readers see the AI."""
        plan = self.unaided
        if plan is None or not plan.concerns(study):
            return
        hides = plan.covers(study)
        if hides == self._hides:
            return
        self._hides = hides
        mode = DisplayMode.AFTER_COMMIT if hides else DisplayMode.CONCURRENT
        site = self._sites[plan.site]
        lead = make_actor(
            user=User.objects.get(username=plan.by),
            session_key=secrets.token_urlsafe(32),
        )
        asked = [
            label["code"]
            for label in askable_labels(site_ids=[site.id])
            if truth_name(label["display"], study)
        ]
        with clock.standing_at(study.acquired_at):
            for modality in plan.modalities:
                set_display_mode(
                    actor=lead,
                    site_id=site.id,
                    modality=modality,
                    display_mode=mode,
                    labels=asked,
                    reason=_READ_ALONE if hides else _READ_TOGETHER,
                )

    def _follow(self, messages: list[Message], *, at: datetime) -> None:
        """Do what the messages ask for, and what that asks for."""
        waiting = list(messages)
        while waiting:
            message = waiting.pop(0)
            began = time.monotonic()
            with clock.standing_at(at), messages_kept() as more:
                at += self._do(message, at=at, began=began)
            waiting += more

    def _do(self, message: Message, *, at: datetime, began: float) -> timedelta:
        """Do one; return how long it took in the department's time."""
        if message.name in LEFT_TO_WORKERS:
            self._later.append(message)
            return timedelta(0)
        if message.name == TASK_INFER:
            answer = self.infer(message.kwargs["request"])
            took = timedelta(seconds=time.monotonic() - began)
            took = max(took, SHORTEST_ANSWER)
            with clock.standing_at(at + took):
                flow.accept_result(result=InferResult.from_message(answer))
            return took
        current_app.tasks[message.name](**message.kwargs)
        return timedelta(0)

    # --- readings

    def _read_until(self, moment: datetime) -> None:
        """Let whoever is free first take the next study, until a moment."""
        while True:
            desk_ = min(self._desks, key=lambda d: d.free_at)
            if desk_.free_at >= moment:
                return
            if not self._read_one(desk_):
                desk_.free_at = moment

    def _read_urgent_until(self, moment: datetime) -> None:
        """Let those who are on call read what is urgent, and nothing else."""
        for at_desk in self._desks:
            while at_desk.free_at < moment:
                item_id = _urgent(at_desk)
                if item_id is None or not self._read_one(at_desk, item_id):
                    at_desk.free_at = min(at_desk.free_at + LOOKS_EVERY, moment)

    def _read_one(self, at_desk: Desk, item_id: UUID | None = None) -> bool:
        """Read one study, the next of the list by default; False when there is none."""
        reader, actor, began = at_desk.reader, at_desk.actor, at_desk.free_at
        with messages_kept() as before, clock.standing_at(began):
            opened = (
                desk.open_next(actor=actor, site_ids=at_desk.site_ids)
                if item_id is None
                else desk.open_item(actor=actor, item_id=item_id)
            )
        if opened is None:
            return False
        minutes = reading_minutes(reader=reader, random=self._random)
        ends = began + timedelta(minutes=minutes)
        item_id = UUID(str(opened["item"]["id"]))
        with messages_kept() as after, clock.standing_at(ends):
            study = self._truth.get(str(opened["item"]["study"]["uid"]))
            version, own = int(opened["reading"]["version"]), None
            if opened["item"]["protocol"]["display_mode"] == DisplayMode.AFTER_COMMIT:
                own = self._look_alone(reader, study, item_id)
                committed = flow.commit_item(
                    actor=actor,
                    item_id=item_id,
                    expected_version=version,
                    raw=_content({}, own.marks, _impression(own.marks)),
                )
                version = committed.version
            ai = desk.show_ai(actor=actor, item_id=item_id)
            content, wrong = self._answer(reader, study, ai, own)
            if wrong and self._random.random() < reader.override_rate:
                desk.change_band(
                    actor=actor,
                    item_id=item_id,
                    band="ROUTINE",
                    reason_code="ai_wrong",
                    reason_text="",
                )
            reading = flow.sign_item(
                actor=actor,
                item_id=item_id,
                expected_version=version,
                raw=content,
            )
            _tell(actor=actor, reading=reading)
        self._follow([*before, *after], at=ends)
        at_desk.free_at = ends
        self.read += 1
        return True

    def _look_alone(
        self, reader: Reader, study: PhantomStudy | None, item_id: UUID
    ) -> Opinion:
        """Return what a reader finds of what the protocol asks for, without the AI."""
        found = Opinion()
        item = WorkItem.objects.select_related("case__protocol").get(id=item_id)
        first = item.case.revision.instances.order_by("sop_uid").first()
        for label in item.case.protocol.labels:
            name = truth_name(label["display"], study)
            there = bool(study and name and study.truth.get(name))
            yes = decide(
                reader=reader, there=there, ai_positive=None, random=self._random
            )
            found.there[label["code"]] = yes
            boxes = study.boxes.get(name, ()) if study else ()
            if yes and not boxes and first is not None:
                boxes = (Box(sop_uid=first.sop_uid, corners=_NOWHERE),)
            if yes:
                found.marks.extend(self._marks(label, boxes, missed=False))
        return found

    def _answer(
        self,
        reader: Reader,
        study: PhantomStudy | None,
        ai: dict[str, Any],
        own: Opinion | None,
    ) -> tuple[dict[str, Any], bool]:
        """Return a reading's content, and whether all that the AI said is wrong.

        Args:
            reader: Who reads.
            study: The truth.
            ai: What the AI says.
            own: What the reader found before; None who sees the AI at once.
        """
        verdicts: dict[str, Any] = {}
        marks: list[dict[str, Any]] = list(own.marks) if own else []
        said: list[str] = []
        findings = [finding for run in ai["runs"] for finding in run["findings"]]
        for finding in findings:
            name = truth_name(finding["label"]["display"], study)
            yes = self._judge(reader, study, finding, own)
            if yes:
                said.append(finding["label"]["display"])
            if finding["positive"]:
                verdicts[str(finding["id"])] = _verdict(yes=yes)
            elif own is None and yes and study and name:
                boxes = study.boxes.get(name, ())
                marks += self._marks(finding["label"], boxes, missed=True)
            if own is not None and not yes:
                code = finding["label"]["code"]
                marks = [one for one in marks if one["label"]["code"] != code]
        impression = f"{', '.join(said)}." if said else _NOTHING
        content = _content(verdicts, marks, impression)
        wrong = bool(verdicts) and all(
            verdict["verdict"] == "reject" for verdict in verdicts.values()
        )
        return content, wrong

    def _judge(
        self,
        reader: Reader,
        study: PhantomStudy | None,
        finding: dict[str, Any],
        own: Opinion | None,
    ) -> bool:
        """Return whether a reader who knows the AI's word calls a finding there."""
        positive = bool(finding["positive"])
        code = finding["label"]["code"]
        if own is not None and code in own.there:
            return follow(
                reader=reader,
                own=own.there[code],
                ai_positive=positive,
                random=self._random,
            )
        name = truth_name(finding["label"]["display"], study)
        return decide(
            reader=reader,
            there=bool(study and name and study.truth.get(name)),
            ai_positive=positive,
            random=self._random,
        )

    def _marks(
        self, label: dict[str, str], boxes: Iterable[Box], *, missed: bool
    ) -> list[dict[str, Any]]:
        """Return the marks of a finding, as a hand draws them about boxes.

        Args:
            label: What it is.
            boxes: Where it is.
            missed: The AI did not call it.
        """
        marks = []
        for box in boxes:
            left, top, right, bottom = box.corners
            wide, high = right - left, bottom - top
            corners = [
                [left + self._slip(wide), top + self._slip(high)],
                [right + self._slip(wide), bottom + self._slip(high)],
            ]
            mark_id = uuid.UUID(int=self._random.getrandbits(128), version=4)
            marks.append(
                {
                    "id": str(mark_id),
                    "tracking_uid": f"2.25.{mark_id.int}",
                    "label": {
                        name: label[name] for name in ("scheme", "code", "display")
                    },
                    "geometry": {
                        "kind": "box",
                        "space": "image",
                        "sop_uid": box.sop_uid,
                        "frame": 1,
                        "frame_of_reference_uid": None,
                        "points": corners,
                    },
                    "text": "",
                    "missed_by_ai": missed,
                }
            )
        return marks

    def _slip(self, length: float) -> float:
        """Return how far a hand draws a box's edge beside the truth, in pixels."""
        return self._random.gauss(0, 0.05) * length


def _content(
    verdicts: dict[str, Any], marks: list[dict[str, Any]], impression: str
) -> dict[str, Any]:
    return {"verdicts": verdicts, "annotations": marks, "impression": impression}


def _impression(marks: list[dict[str, Any]]) -> str:
    said = dict.fromkeys(mark["label"]["display"] for mark in marks)
    return f"{', '.join(said)}." if said else _NOTHING


def _urgent(at_desk: Desk) -> UUID | None:
    """Return the urgent study that waits longest, once it has waited a little."""
    for band, wait in ON_CALL.items():
        item = (
            WorkItem.objects.filter(
                site_id__in=at_desk.site_ids,
                state=ItemState.OPEN,
                band=band,
                arrived_at__lte=at_desk.free_at - wait,
            )
            .order_by("arrived_at")
            .first()
        )
        if item is not None:
            return item.id
    return None


def truth_name(display: str, study: PhantomStudy | None) -> str:
    """Return the truth's name of a model's label; '' when it has none.

    Args:
        display: What the model calls it, such as `Pleural effusion`.
        study: Whose truth it is.
    """
    words = display.lower()
    names = sorted(study.truth) if study else []
    return next((name for name in names if name.replace("_", " ") in words), "")


def _verdict(*, yes: bool) -> dict[str, Any]:
    return {
        "verdict": "accept" if yes else "reject",
        "reason_code": "" if yes else "not_present",
        "reason_text": "",
        "label": None,
        "geometry": None,
    }


def _tell(*, actor: Actor, reading: Reading) -> None:
    """Telephone the ward about every critical finding, as a reader does at once."""
    for row in reading.critical_results.filter(state="open"):
        close_critical(
            actor=actor,
            critical_id=row.id,
            raw={
                "told_to": "Ward doctor on call",
                "how": "phone",
                "told_at": clock.now().isoformat(),
                "read_back": True,
            },
        )
