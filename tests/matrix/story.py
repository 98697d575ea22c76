"""Part of the matrix: worklist, reading, studies, machines, exports.

The object asked for is always of site A: an item that A's radiologist holds.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from uuid import uuid4

from apps.accounts.models import Role
from apps.accounts.selectors import make_actor
from apps.accounts.types import SYSTEM
from apps.annotations.protocols import clinical_protocol
from apps.core import clock
from apps.inference.artefacts import write_artefact
from apps.inference.models import (
    Artefact,
    Finding,
    InferenceRun,
    ModelVersion,
    Slot,
)
from apps.studies.models import (
    AETitle,
    Patient,
    QuarantinedStudy,
    RevisionInstance,
    Study,
    StudyRevision,
)
from apps.worklist.services import lease_item, place_item
from tests.matrix.frame import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.matrix.frame import Key
    from tests.matrix.worlds import World, Worlds

_ITEM = "api/worklist/items/<uuid:item_id>"
_LEASE = f"{_ITEM}/lease"
_ARTEFACT = f"{_ITEM}/artefacts/<uuid:artefact_id>"
_READING = f"{_ITEM}/reading"
_AI_ORDERING = "api/sites/<uuid:site_id>/ai-ordering"
_OPEN = "api/studies/<uuid:study_id>/open"
_MANIFEST = "api/studies/<uuid:study_id>/manifest"
_RELEASE = "api/quarantine/<uuid:quarantine_id>/release"
_AE_TITLE = "api/ae-titles/<uuid:ae_title_id>"
_INSTANCES = "api/machine/revisions/<uuid:revision_id>/instances"
_INSTANCE = f"{_INSTANCES}/<str:sop_uid>"
_MODEL = "api/machine/models/<str:package_hash>"
_ALLOWED = "api/machine/models/allowed"
_STORE = "api/machine/artefacts/<str:sha256>"
_STORE_MANY = "api/machine/artefacts"
_INPUTS = "api/machine/inputs"
_PACK_FILE = "internal/pixels/<uuid:revision_id>/<path:path>"

# fmt: off
TABLE: dict[Key, str] = {
    #                                  A: rad ann lead adm srv  B: the same
    ("GET", "api/worklist"):            "401  200 403 200 403 403   200 403 200 403 403",
    ("POST", "api/worklist/take-next"): "401  200 403 403 403 403   204 403 403 403 403",
    ("GET", _ITEM):                     "401  200 403 200 403 403   404 403 404 403 403",
    ("GET", f"{_ITEM}/why"):            "401  200 403 200 403 403   404 403 404 403 403",
    ("POST", _LEASE):                   "401  200 403 403 403 403   404 403 403 403 403",
    ("PUT", _LEASE):                    "401  200 403 403 403 403   404 403 403 403 403",
    ("DELETE", _LEASE):                 "401  204 403 403 403 403   404 403 403 403 403",
    ("POST", f"{_ITEM}/band"):          "401  200 403 200 403 403   404 403 404 403 403",
    ("GET", f"{_ITEM}/ai"):             "401  200 403 200 403 403   404 403 404 403 403",
    ("GET", _ARTEFACT):                 "401  200 403 403 403 403   404 403 404 403 403",
    ("GET", _READING):                  "401  200 403 403 403 403   404 403 403 403 403",
    ("PUT", _READING):                  "401  200 403 403 403 403   404 403 403 403 403",
    ("POST", f"{_ITEM}/sign"):          "401  200 403 403 403 403   404 403 403 403 403",
    ("POST", _AI_ORDERING):             "401  403 403 200 200 403   403 403 404 404 403",
    # Opening is what puts a view on record; the manifest needs it in this session.
    ("POST", _OPEN):                    "401  200 403 403 403 403   404 404 404 404 404",
    ("GET", _MANIFEST):                 "401  403 403 403 403 403   404 404 404 404 404",
    ("GET", "api/vocabulary"):          "401  200 403 200 403 403   200 403 200 403 403",
    # A held study has no site yet: any site's quarantine manager sees it, without
    # patient data, but releases it to their own sites only.
    ("GET", "api/quarantine"):          "401  403 403 403 200 403   403 403 403 200 403",
    ("POST", _RELEASE):                 "401  403 403 403 200 403   403 403 403 403 403",
    ("GET", "api/ae-titles"):           "401  403 403 403 200 403   403 403 403 200 403",
    ("POST", "api/ae-titles"):          "401  403 403 403 201 403   403 403 403 403 403",
    ("DELETE", _AE_TITLE):              "401  403 403 403 204 403   403 403 403 404 403",
    ("GET", "api/exports"):             "401  403 403 200 200 403   403 403 200 200 403",
    # Machines show a scoped token; no session opens these.
    ("GET", _INSTANCES):                "401  401 401 401 401 401   401 401 401 401 401",
    ("POST", _INSTANCES):               "401  401 401 401 401 401   401 401 401 401 401",
    ("GET", _INSTANCE):                 "401  401 401 401 401 401   401 401 401 401 401",
    ("GET", _MODEL):                    "401  401 401 401 401 401   401 401 401 401 401",
    ("GET", _ALLOWED):                  "401  401 401 401 401 401   401 401 401 401 401",
    ("POST", _INPUTS):                  "401  401 401 401 401 401   401 401 401 401 401",
    ("POST", _STORE_MANY):              "401  401 401 401 401 401   401 401 401 401 401",
    ("PUT", _STORE):                    "401  401 401 401 401 401   401 401 401 401 401",
    # No frame before an open event: not even for A's own radiologist.
    ("GET", "internal/authorise-pixels"): "401  403 403 403 403 403   403 403 403 403 403",
    ("GET", _PACK_FILE):                "401  403 403 403 403 403   403 403 403 403 403",
}
# fmt: on

SOCKETS: dict[str, str] = {}
CONTENT = {"verdicts": {}, "annotations": [], "impression": "Clear."}


def populate(worlds: Worlds) -> None:
    """Put a leased item, a free one, a finding and the admin's rows into each site."""
    for world in (worlds.a, worlds.b):
        _leased(world)
        world.things["ae_title"] = AETitle.objects.create(
            called_aet=f"AE{uuid4().hex[:8]}", site=world.site
        )
    held = QuarantinedStudy.objects.create(
        archive_id=uuid4().hex,
        study_uid=f"2.25.{uuid4().int}",
        reason="No site is set.",
        arrived_at=clock.now(),
    )
    worlds.a.things["held"] = held
    # B has no free item, so that `take next` there has nothing to give.
    _item(worlds.a, _revision(worlds.a))


def _revision(world: World) -> StudyRevision:
    name = f"PHANTOM{uuid4().hex[:8]}"
    patient = Patient.objects.create(
        site=world.site, identity_key=name, patient_id=name, name=name
    )
    study = Study.objects.create(
        site=world.site,
        patient=patient,
        study_uid=f"2.25.{uuid4().int}",
        archive_id=uuid4().hex,
        arrived_at=clock.now(),
    )
    revision = StudyRevision.objects.create(
        study=study, number=1, image_hash="0" * 64, n_images=1, arrived_at=clock.now()
    )
    RevisionInstance.objects.create(
        revision=revision,
        sop_uid=f"2.25.{uuid4().int}",
        series_uid=f"2.25.{uuid4().int}",
        archive_id=uuid4().hex,
    )
    world.secrets.update((name, study.study_uid, str(study.id), str(revision.id)))
    return revision


def _item(world: World, revision: StudyRevision):
    item = place_item(
        actor=SYSTEM,
        revision=revision,
        protocol=clinical_protocol(site=world.site),
    )
    world.secrets.add(str(item.id))
    return item


def _leased(world: World) -> None:
    revision = _revision(world)
    item = _item(world, revision)
    reader = make_actor(user=world.people[Role.RADIOLOGIST], session_key="matrix")
    world.things["item"] = lease_item(actor=reader, item_id=item.id)
    world.things["study"], world.things["revision"] = revision.study, revision
    world.things["picture"] = _finding(world, revision)
    world.secrets.add(str(world.things["picture"].id))


def _finding(world: World, revision: StudyRevision) -> Artefact:
    body = f"picture of {revision.id}".encode()
    sha256 = hashlib.sha256(body).hexdigest()
    write_artefact(sha256=sha256, body=body)
    artefact = Artefact.objects.create(
        sha256=sha256, media_type="image/png", size=len(body)
    )
    model = ModelVersion.objects.create(
        name="m",
        version="1",
        package_hash=uuid4().hex * 2,
        intended_use="detection",
        card={"labels": []},
        package_path="nowhere",
        device_uid=f"2.25.{uuid4().int}",
    )
    slot = Slot.objects.create(
        site=world.site, model_version=model, task=model.name, kind="live"
    )
    run = InferenceRun.objects.create(
        revision=revision, model_version=model, slot=slot, state="done"
    )
    Finding.objects.create(
        run=run,
        label_scheme="SCT",
        label_code="1",
        label_display="Something",
        raw_score=0.1,
        probability=0.1,
        tracking_uid="1.2",
        saliency=artefact,
    )
    return artefact


def _of_item(
    suffix: str = "",
    body: object = None,
    headers: dict[str, str] | None = None,
) -> Callable[[Worlds], Call]:
    return lambda w: Call(
        f"/api/worklist/items/{w.a.things['item'].id}{suffix}", body, headers or {}
    )


def _of_revision(suffix: str) -> Callable[[Worlds], Call]:
    return lambda w: Call(
        f"/api/machine/revisions/{w.a.things['revision'].id}/instances{suffix}"
    )


CALLS: dict[Key, Callable[[Worlds], Call]] = {
    ("GET", "api/worklist"): lambda _: Call("/api/worklist?limit=200"),
    ("POST", "api/worklist/take-next"): lambda _: Call("/api/worklist/take-next", {}),
    ("GET", _ITEM): _of_item(),
    ("GET", f"{_ITEM}/why"): _of_item("/why"),
    ("POST", _LEASE): _of_item("/lease"),
    ("PUT", _LEASE): _of_item("/lease"),
    ("DELETE", _LEASE): _of_item("/lease"),
    ("POST", f"{_ITEM}/band"): _of_item(
        "/band", {"band": "STAT", "reason_code": "clinical_info", "reason_text": ""}
    ),
    ("GET", f"{_ITEM}/ai"): _of_item("/ai"),
    ("GET", _ARTEFACT): lambda w: _of_item(f"/artefacts/{w.a.things['picture'].id}")(w),
    ("GET", _READING): _of_item("/reading"),
    ("PUT", _READING): _of_item("/reading", {"content": CONTENT}, {"If-Match": '"0"'}),
    ("POST", f"{_ITEM}/sign"): _of_item(
        "/sign", {"content": CONTENT}, {"If-Match": '"0"'}
    ),
    ("POST", _AI_ORDERING): lambda w: Call(
        f"/api/sites/{w.a.site.pk}/ai-ordering", {"enabled": False, "reason": "a trial"}
    ),
    ("POST", _OPEN): lambda w: Call(f"/api/studies/{w.a.things['study'].id}/open"),
    ("GET", _MANIFEST): lambda w: Call(
        f"/api/studies/{w.a.things['study'].id}/manifest"
    ),
    ("GET", "api/vocabulary"): lambda _: Call("/api/vocabulary"),
    ("GET", "api/quarantine"): lambda _: Call("/api/quarantine"),
    ("POST", _RELEASE): lambda w: Call(
        f"/api/quarantine/{w.a.things['held'].id}/release",
        {"site": str(w.a.site.pk), "reason": "asked the scanner's owner"},
    ),
    ("GET", "api/ae-titles"): lambda _: Call("/api/ae-titles"),
    ("POST", "api/ae-titles"): lambda w: Call(
        "/api/ae-titles", {"called_aet": "NEWAE", "site": str(w.a.site.pk)}
    ),
    ("DELETE", _AE_TITLE): lambda w: Call(
        f"/api/ae-titles/{w.a.things['ae_title'].id}"
    ),
    ("GET", "api/exports"): lambda _: Call("/api/exports"),
    ("GET", _INSTANCES): _of_revision(""),
    ("POST", _INSTANCES): lambda w: Call(
        f"/api/machine/revisions/{w.a.things['revision'].id}/instances",
        {"instances": ["1.2.3"]},
    ),
    ("GET", _INSTANCE): _of_revision("/1.2.3"),
    ("GET", _MODEL): lambda _: Call(f"/api/machine/models/{'0' * 64}"),
    ("GET", _ALLOWED): lambda _: Call("/api/machine/models/allowed"),
    ("POST", _STORE_MANY): lambda _: Call("/api/machine/artefacts", b"x"),
    ("POST", _INPUTS): lambda _: Call("/api/machine/inputs", {"tokens": ["x"]}),
    ("PUT", _STORE): lambda _: Call(f"/api/machine/artefacts/{'0' * 64}", b"x"),
    ("GET", "internal/authorise-pixels"): lambda w: Call(
        "/internal/authorise-pixels",
        headers={"X-Original-URI": f"/pixels/{w.a.things['revision'].id}/index.json"},
    ),
    ("GET", _PACK_FILE): lambda w: Call(
        f"/internal/pixels/{w.a.things['revision'].id}/index.json"
    ),
}
