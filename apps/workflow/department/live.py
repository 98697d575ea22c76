"""Living through the department's weeks: arrivals, answers, readings, in order."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from celery import current_app

from apps.accounts.models import Site, User
from apps.accounts.selectors import make_actor
from apps.accounts.types import SYSTEM
from apps.core import clock
from apps.core.queue import Message, messages_kept, send
from apps.studies.selectors import find_study
from apps.workflow import desk, flow
from apps.workflow.critical.services import close_critical
from apps.workflow.department.readers import Reader, decide, reading_minutes
from apps.workflow.intake.door import take_file
from apps.workflow.intake.types import Via
from apps.worklist.models import WorkItem
from apps.worklist.types import Band, ItemState
from workers.compare_contracts import TASK_COMPARE
from workers.contracts import TASK_INFER, TASK_PACK, InferResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.workflow.department.manifest import PhantomStudy

WORKER_SECRETS = frozenset(
    {
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "OVERREAD_SECRET_KEY",
        "ORTHANC_URL",
        "ORTHANC_USER",
        "ORTHANC_PASSWORD",
    }
)
"""What a worker is never told, here as on the queue."""
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


class Inference:
    """The gpu worker's code in a process of its own, without a queue."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            environment: Names and values that it is given; secrets are left out.
        """
        env = {k: v for k, v in environment.items() if k not in WORKER_SECRETS}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers.lines"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )

    def infer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            RuntimeError: The process has ended.
        """
        pipe, answers = self._process.stdin, self._process.stdout
        if pipe is None or answers is None:
            raise RuntimeError("the inference process has no pipes")
        pipe.write(json.dumps(request) + "\n")
        pipe.flush()
        line = answers.readline()
        if not line:
            raise RuntimeError("the inference process ended; its words are above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        """Use it for a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let it end: there is no more to read."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)


@dataclass
class Desk:
    """A reader at their desk: who, and when they are free again."""

    reader: Reader
    actor: Actor
    site_ids: list[UUID]
    free_at: datetime


@dataclass
class Department:
    """The department while it is lived through.

    Attributes:
        studies: What will arrive, the earliest first.
        infer: Answers an inference request.
        seed: Of everything that chance decides.
        tell: Is told how far it is.
        read: Readings signed so far.
    """

    studies: list[PhantomStudy]
    infer: Callable[[dict[str, Any]], dict[str, Any]]
    seed: int
    tell: Callable[[str], None]
    read: int = 0
    _desks: list[Desk] = field(default_factory=list)
    _packs: list[Message] = field(default_factory=list)

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
        for message in self._packs:
            send(message.name, message.queue, message.kwargs)

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
        if message.name in {TASK_PACK, TASK_COMPARE}:
            self._packs.append(message)
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
            ai = desk.show_ai(actor=actor, item_id=item_id)
            study = self._truth.get(str(opened["item"]["study"]["uid"]))
            content, wrong = self._answer(reader, study, ai)
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
                expected_version=int(opened["reading"]["version"]),
                raw=content,
            )
            _tell(actor=actor, reading=reading)
        self._follow([*before, *after], at=ends)
        at_desk.free_at = ends
        self.read += 1
        return True

    def _answer(
        self, reader: Reader, study: PhantomStudy | None, ai: dict[str, Any]
    ) -> tuple[dict[str, Any], bool]:
        """Return a reading's content, and whether all that the AI said is wrong."""
        verdicts: dict[str, Any] = {}
        marks: list[dict[str, Any]] = []
        said: list[str] = []
        findings = [finding for run in ai["runs"] for finding in run["findings"]]
        for finding in findings:
            name = truth_name(finding["label"]["display"], study)
            there = bool(study and name and study.truth.get(name))
            yes = decide(
                reader=reader,
                there=there,
                ai_positive=bool(finding["positive"]),
                random=self._random,
            )
            if yes:
                said.append(finding["label"]["display"])
            if finding["positive"]:
                verdicts[str(finding["id"])] = _verdict(yes=yes)
            elif yes and study and name:
                marks += self._missed(finding, study, name)
        impression = f"{', '.join(said)}." if said else "No acute finding."
        content = {
            "verdicts": verdicts,
            "annotations": marks,
            "impression": impression,
        }
        wrong = bool(verdicts) and all(
            verdict["verdict"] == "reject" for verdict in verdicts.values()
        )
        return content, wrong

    def _missed(
        self, finding: dict[str, Any], study: PhantomStudy, name: str
    ) -> list[dict[str, Any]]:
        """Return the marks of a finding that the AI did not call."""
        marks = []
        for box in study.boxes.get(name, ()):
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
                    "label": finding["label"],
                    "geometry": {
                        "kind": "box",
                        "space": "image",
                        "sop_uid": box.sop_uid,
                        "frame": 1,
                        "frame_of_reference_uid": None,
                        "points": corners,
                    },
                    "text": "",
                    "missed_by_ai": True,
                }
            )
        return marks

    def _slip(self, length: float) -> float:
        """Return how far a hand draws a box's edge beside the truth, in pixels."""
        return self._random.gauss(0, 0.05) * length


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
