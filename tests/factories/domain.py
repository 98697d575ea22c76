"""Departments, people, studies and AI results, made by the portal's own verbs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.apps import apps as django_apps
from django.test import Client
from pydicom.uid import generate_uid

from apps.accounts.models import Role, Site, User
from apps.accounts.selectors import make_actor
from apps.accounts.services import create_site, create_user, grant_membership
from apps.accounts.types import SYSTEM, Actor
from apps.annotations.models import ReadingProtocol
from apps.annotations.protocols import clinical_protocol
from apps.core import clock
from apps.inference.models import InferenceRun, ModelVersion
from apps.inference.services import register_model
from apps.inference.slots import fill_slot
from apps.inference.types import SlotKind
from apps.interop.types import InstanceRef, PatientHeader, SeriesHeader, StudyHeader
from apps.studies.models import StudyRevision
from apps.studies.services import create_ae_title, register_study
from apps.studies.types import Registered
from apps.workflow import flow
from apps.worklist.models import WorkItem
from apps.worklist.services import place_item
from portal.celery import app as celery_app
from tests.fakes.dicom_files import make_dx
from workers.contracts import FindingResult, InferResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PASSWORD = "correct horse battery staple"
DX = "1.2.840.10008.5.1.4.1.1.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
PNEUMONIA = {
    "code": "233604007",
    "scheme": "SCT",
    "display": "Pneumonia",
    "threshold": 0.7,
    "acuity": "urgent",
}
COLLAPSE = {
    "code": "36118008",
    "scheme": "SCT",
    "display": "Pneumothorax",
    "threshold": 0.5,
    "acuity": "critical",
}
CARD: dict[str, Any] = {
    "name": "paediatric-pneumonia",
    "version": "1.0.0",
    "intended_use": "detection",
    "labels": [PNEUMONIA, COLLAPSE],
    "input": {
        "modalities": ["CR", "DX"],
        "body_parts": ["CHEST"],
        "views_excluded": ["LL", "RL"],
        "age_years": {"min": 1, "max": 5, "unknown": "reject"},
    },
}


@dataclass(frozen=True)
class Department:
    """One site with the people and things that every test needs."""

    site: Site
    reader: User
    protocol: ReadingProtocol

    def person(self, role: Role, name: str = "") -> User:
        return make_person(site=self.site, role=role, name=name or role.value)


def make_person(*, site: Site, role: Role, name: str) -> User:
    user = create_user(
        actor=SYSTEM,
        username=f"{name}-{site.code}",
        password=PASSWORD,
        display_name=f"Dr. {name.title()} {site.code.title()}",
    )
    grant_membership(actor=SYSTEM, user_id=user.pk, site_id=site.pk, role=role)
    return user


def make_department(code: str = "north", **policy: Any) -> Department:
    site = create_site(actor=SYSTEM, name=f"Site {code}", code=code)
    for name, value in policy.items():
        setattr(site, name, value)
    site.save()
    create_ae_title(
        actor=SYSTEM, called_aet=code.upper(), calling_aet="", site_id=site.id
    )
    return Department(
        site=site,
        reader=make_person(site=site, role=Role.RADIOLOGIST, name="reader"),
        protocol=clinical_protocol(site=site),
    )


def actor_for(user: User) -> Actor:
    return make_actor(
        user=user, session_key=f"session-of-{user.pk}", source_ip="127.0.0.1"
    )


def client_for(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def make_model(
    *sites: Site, kind: SlotKind = SlotKind.LIVE, **card: Any
) -> ModelVersion:
    full = {**CARD, **card}
    model = register_model(
        actor=SYSTEM,
        package_hash=hashlib.sha256(json.dumps(full).encode()).hexdigest(),
        card=full,
        package_path="nowhere",
    )
    for site in sites:
        fill_slot(actor=SYSTEM, site=site, model=model, kind=kind)
    return model


# --- studies as the archive would describe them


def make_header(
    department: Department,
    *,
    study_uid: str = "",
    sop_uids: Iterable[str] = (),
    modality: str = "DX",
    age: float | None = 4.0,
    name: str = "Doe, Jane",
    patient_id: str = "",
    description: str = "Chest",
    body_part: str = "CHEST",
    called_aet: str | None = None,
    calling_aet: str = "XR1",
    extra_series: tuple[SeriesHeader, ...] = (),
) -> StudyHeader:
    uid = study_uid or str(generate_uid())
    images = tuple(sop_uids) or (f"{uid[:55]}.1.1",)
    return StudyHeader(
        orthanc_id=hashlib.sha1(uid.encode(), usedforsecurity=False).hexdigest(),
        study_uid=uid,
        patient=PatientHeader(
            id=patient_id or f"P-{uid[-8:]}",
            issuer="",
            name=name,
            dicom_name=name,
            birth_date=None,
            sex="F",
        ),
        patient_age_text="" if age is None else f"{age:g} y",
        patient_age_years=age,
        accession_number=f"A{uid[-6:]}",
        accession_issuer="",
        study_id="1",
        study_date=None,
        study_time=None,
        description=description,
        referring_physician="",
        institution="",
        series=(
            make_series(uid, images, modality=modality, body_part=body_part),
            *extra_series,
        ),
        called_aet=department.site.code.upper() if called_aet is None else called_aet,
        calling_aet=calling_aet,
        origin="dicom",
        is_stable=True,
        last_update=f"u{len(images)}",
    )


def make_series(
    study_uid: str,
    sop_uids: tuple[str, ...],
    *,
    modality: str = "DX",
    body_part: str = "CHEST",
    is_image: bool = True,
) -> SeriesHeader:
    sop_class = {"DX": DX, "CT": CT}.get(modality, "1.2.840.10008.5.1.4.1.1.88.33")
    return SeriesHeader(
        orthanc_id="",
        uid=f"{study_uid[:50]}.{modality.encode().hex()[:4].translate(_DIGITS)}",
        modality=modality,
        number=1,
        description=f"{modality} series",
        body_part=body_part,
        laterality="",
        protocol_name="",
        station="",
        manufacturer="Acme",
        model_name="",
        institution="",
        view_positions=("AP",) if modality == "DX" else (),
        sop_class_uids=(sop_class,),
        instances=tuple(
            InstanceRef(
                orthanc_id=f"a-{sop}",
                sop_uid=sop,
                sop_class_uid=sop_class,
                transfer_syntax_uid="1.2.840.10008.1.2.1",
                size=1000,
                index=number,
                is_image=is_image,
            )
            for number, sop in enumerate(sop_uids, start=1)
        ),
        written_by_overread=False,
    )


_DIGITS = str.maketrans("abcdef", "123456")


def make_revision(department: Department, **header: Any) -> StudyRevision:
    outcome = register_study(actor=SYSTEM, header=make_header(department, **header))
    assert isinstance(outcome, Registered)
    return StudyRevision.objects.select_related("study__site", "study__patient").get(
        id=outcome.revision_id
    )


def make_item(
    department: Department,
    *,
    age_s: float = 0,
    protocol: ReadingProtocol | None = None,
    **header: Any,
) -> WorkItem:
    """Place a study on the list; `age_s` is how long ago it arrived."""
    revision = make_revision(department, **header)
    if age_s:
        revision.arrived_at = clock.now() - timedelta(seconds=age_s)
        revision.save()
    return place_item(
        actor=SYSTEM, revision=revision, protocol=protocol or department.protocol
    )


def make_protocol(
    department: Department,
    display_mode: str,
    labels: list[dict[str, str]] | None = None,
) -> ReadingProtocol:
    return ReadingProtocol.objects.create(
        site=department.site,
        code=f"study-{display_mode}",
        name=f"Study {display_mode}",
        display_mode=display_mode,
        labels=[] if labels is None else labels,
    )


def answer(
    run: InferenceRun,
    *,
    probabilities: dict[str, float] | None = None,
    state: str = "done",
    reason: str = "",
    **finding: Any,
) -> InferResult:
    """What a worker would answer to a run."""
    scores = {"233604007": 0.9} if probabilities is None else probabilities
    findings = tuple(
        FindingResult(label_code=code, raw_score=p, probability=p, **finding)
        for code, p in scores.items()
    )
    return InferResult(
        run_id=str(run.id),
        package_hash=run.model_version.package_hash,
        state=state,
        reason=reason,
        findings=findings if state == "done" else (),
        device="cpu",
    )


def give_ai(item: WorkItem, **kwargs: Any) -> InferenceRun:
    """Let every model of the site answer on an item, through the story's steps."""
    revision_id = item.case.revision_id
    flow.request_inference(revision_id=revision_id)
    run = None
    for run in InferenceRun.objects.select_related("model_version").filter(
        revision_id=revision_id
    ):
        flow.accept_result(result=answer(run, **kwargs))
    assert run is not None, "no model fits this study"
    item.refresh_from_db()
    return InferenceRun.objects.get(id=run.id)


# --- the queue at the process border


@dataclass
class FakeBroker:
    """Takes what the portal sends; runs the portal's own tasks when told to."""

    sent: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    down: bool = False
    waiting: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def connection_for_write(self) -> Iterator[SimpleNamespace]:
        def declare(queue: str, *, passive: bool) -> SimpleNamespace:
            assert passive, "asking must not make a queue"
            return SimpleNamespace(message_count=self.waiting.get(queue, 0))

        channel = SimpleNamespace(queue_declare=declare)
        yield SimpleNamespace(default_channel=channel)

    def send_task(
        self, name: str, *, kwargs: dict[str, Any], queue: str, **_: object
    ) -> None:
        if self.down:
            raise OSError("no broker")
        self.sent.append((queue, name, json.loads(json.dumps(kwargs))))

    def on(self, queue: str) -> list[tuple[str, dict[str, Any]]]:
        return [(name, kwargs) for q, name, kwargs in self.sent if q == queue]

    def take(self, queue: str) -> list[tuple[str, dict[str, Any]]]:
        found = self.on(queue)
        self.sent = [entry for entry in self.sent if entry[0] != queue]
        return found


def run_task(name: str, kwargs: dict[str, Any]) -> None:
    """Run a step as the portal's worker would: by its registered name."""
    celery_app.loader.import_default_modules()
    celery_app.tasks[name].run(**kwargs)


# --- everything that is in the database

HEARTBEATS = ("studies.ArrivalCursor.looked_at", "studies.ArrivalCursor.reconciled_at")
"""When somebody last looked: as `updated_at`, no part of what is known."""


def dump_tables(*leave_out: str) -> dict[str, list[str]]:
    """Return every row of our tables as text, without `updated_at`.

    Args:
        leave_out: `app.Model` or `app.Model.field` not to look at.
    """
    out: dict[str, list[str]] = {}
    leave_out = (*leave_out, *HEARTBEATS)
    for model in django_apps.get_models():
        if not model.__module__.startswith("apps."):
            continue
        label = model._meta.label
        if label in leave_out:
            continue
        names = [
            f.attname
            for f in model._meta.concrete_fields
            if f.name != "updated_at" and f"{label}.{f.name}" not in leave_out
        ]
        rows = model._default_manager.order_by("pk").values(*names)
        out[label] = [json.dumps(row, default=str, sort_keys=True) for row in rows]
    return out


def unchanged_by(step: Callable[[], object], *leave_out: str) -> object:
    """Run a step and assert that it left every row as it was."""
    before = dump_tables(*leave_out)
    outcome = step()
    after = dump_tables(*leave_out)
    for label, rows in before.items():
        assert after[label] == rows, f"{label} changed"
    return outcome


# --- files


def make_film(*, age: str = "004Y", born: str = "20220105", **attributes: Any) -> bytes:
    """Return a chest film of a child (or not) as a modality would send it."""
    return make_dx(PatientAge=age, PatientBirthDate=born, **attributes)


def make_ct(*, n: int = 3, study_uid: str = "") -> list[bytes]:
    """Return a small CT series."""
    study, series = study_uid or generate_uid(), generate_uid()
    return [_slice(study, series, number) for number in range(1, n + 1)]


def _slice(study: str, series: str, number: int) -> bytes:
    return make_dx(
        study_uid=study,
        series_uid=series,
        number=number,
        SOPClassUID=CT,
        Modality="CT",
        StudyDescription="CT chest",
        SeriesDescription="Axial",
        SeriesNumber=2,
        ViewPosition=None,
    )
