"""Both sides of what is held, for a person to compare: words, names, pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import NotFound, Unavailable
from apps.core.permissions import Permission
from apps.interop.dicom.compare import differences
from apps.interop.dicom.headers import read_instance_header
from apps.interop.dicom.summary import summarise_file
from apps.interop.orthanc import orthanc_instance_id
from apps.interop.pictures import NoPictureError, draw_png
from apps.interop.types import ArchiveError, NotInArchive
from apps.studies.archive import archive
from apps.studies.held import read_held
from apps.studies.selectors import access_held
from apps.studies.stored import fetch_file
from apps.studies.types import QuarantineKind, QuarantineState

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.studies.models import QuarantinedStudy

SIDES = ("there", "arrived")
COMPARED = 8
"""Files of one row that are read and compared."""

_HIDDEN = "It belongs to no site yet, so nobody may see whose it is."
_ELSEWHERE = "This side is of a site whose quarantine you do not manage."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """What is there and what arrived under one SOP Instance UID, as far as read."""

    sop_uid: str
    via: str
    size: int
    there: bytes | None
    arrived: bytes | None


@transaction.atomic
def compare_sides(*, actor: Actor, quarantine_id: UUID) -> dict[str, Any]:
    """Return both sides of what is held; the view is audited."""
    held = access_held(actor=actor, quarantine_id=quarantine_id)
    pairs = _pairs(held)
    _audit(actor=actor, held=held)
    return {
        "item": held,
        "sides": {
            name: _side(actor=actor, held=held, pairs=pairs, name=name)
            for name in SIDES
        },
        "files": [_file(pair) for pair in pairs],
        "n_files": held.files.count() or held.n_images,
        "actions": _actions(actor=actor, held=held),
    }


@transaction.atomic
def draw_side(*, actor: Actor, quarantine_id: UUID, side: str, sop_uid: str) -> bytes:
    """Return a small PNG of one image of one side; the view is audited."""
    held = access_held(actor=actor, quarantine_id=quarantine_id)
    if side not in SIDES or why_hidden(actor=actor, held=held, name=side):
        raise NotFound("not_found", "There is no such picture.")
    content = next(
        (getattr(p, side) for p in _pairs(held, only=sop_uid) if p.sop_uid == sop_uid),
        None,
    )
    if content is None:
        raise NotFound("not_found", "There is no such picture.")
    _audit(actor=actor, held=held)
    try:
        return draw_png(content)
    except NoPictureError as error:
        raise NotFound("no_picture", f"It has no picture: {error}.") from error


def why_hidden(*, actor: Actor, held: QuarantinedStudy, name: str) -> str:
    """Say why a side is not for this person's eyes; '' when it is."""
    if held.study is None:
        return _HIDDEN
    sites = {held.study.site_id}
    if name == "arrived" and held.site_id is not None:
        sites = {held.site_id}
    may = all(actor.can(Permission.QUARANTINE_MANAGE, site) for site in sites)
    return "" if may else _ELSEWHERE


def _audit(*, actor: Actor, held: QuarantinedStudy) -> None:
    study = held.study
    record(
        actor=actor,
        event=Event.QUARANTINE_READ,
        site_id=study.site_id if study else held.site_id,
        patients=[study.patient_id] if study else [],
        studies=[study.id] if study else [],
        object_kind="quarantine",
        object_id=held.id,
        detail={"kind": held.kind},
    )


def _actions(*, actor: Actor, held: QuarantinedStudy) -> list[str]:
    if held.state != QuarantineState.HELD:
        return []
    if held.study is None:
        return ["assign"] if held.kind == QuarantineKind.UNKNOWN_SITE else []
    if any(why_hidden(actor=actor, held=held, name=name) for name in SIDES):
        return []
    return ["keep", "accept"]


def _side(
    *, actor: Actor, held: QuarantinedStudy, pairs: list[_Pair], name: str
) -> dict[str, Any] | None:
    content = next((c for p in pairs if (c := getattr(p, name)) is not None), None)
    if name == "there" and held.study is None and content is None:
        return None
    hidden = why_hidden(actor=actor, held=held, name=name)
    summary = None if hidden or content is None else summarise_file(content)
    site = held.site if name == "arrived" else None
    if name == "there" and held.study is not None:
        site = held.study.site
    return {
        "hidden_reason": hidden,
        "site": site,
        "summary": asdict(summary) if summary else None,
        "pictures": []
        if hidden
        else [p.sop_uid for p in pairs if getattr(p, name) is not None],
    }


def _file(pair: _Pair) -> dict[str, Any]:
    found = None
    if pair.there is not None and pair.arrived is not None:
        found = differences(pair.there, pair.arrived)
    return {
        "sop_uid": pair.sop_uid,
        "via": pair.via,
        "size": pair.size,
        "differs": None
        if found is None or found.keywords is None
        else list(found.keywords),
        "same_pixels": found.same_pixels if found else None,
    }


def _pairs(held: QuarantinedStudy, *, only: str = "") -> list[_Pair]:
    try:
        if held.kind == QuarantineKind.CONFLICT:
            return _conflict_pairs(held, only)
        return _patient_pairs(held, only)
    except ArchiveError as error:
        raise Unavailable(
            "archive_down", "The archive does not answer; try again."
        ) from error


def _conflict_pairs(held: QuarantinedStudy, only: str) -> list[_Pair]:
    files = held.files.order_by("arrived_at", "id")
    if only:
        files = files.filter(sop_uid=only).reverse()
    pairs = []
    for file in files[:COMPARED]:
        arrived = read_held(sha256=file.sha256)
        pairs.append(
            _Pair(
                sop_uid=file.sop_uid,
                via=file.via,
                size=file.size,
                there=_counterpart(held, arrived),
                arrived=arrived,
            )
        )
    return pairs


def _counterpart(held: QuarantinedStudy, arrived: bytes) -> bytes | None:
    """Return what the archive has under a held file's UIDs.

    Once the held one took its place, that is what was kept for older revisions.
    """
    header = read_instance_header(arrived)
    archive_id = orthanc_instance_id(
        patient_id=header.patient_id,
        study_uid=header.study_uid,
        series_uid=header.series_uid,
        sop_uid=header.sop_uid,
    )
    if held.study is not None:
        older = held.study.revisions.order_by("-number")
        for revision in older if held.state == QuarantineState.ACCEPTED else ():
            kept = revision.instances.filter(archive_id=archive_id).first()
            if kept is not None and kept.kept_sha256:
                return fetch_file(kept)
    return _fetch(archive_id)


def _fetch(archive_id: str) -> bytes | None:
    try:
        return archive().fetch_instance(archive_id)
    except NotInArchive:
        return None


def _patient_pairs(held: QuarantinedStudy, only: str) -> list[_Pair]:
    """Return the images of both studies, first ones first, side by side."""
    arrived = _first_instances(held.archive_id)
    there: dict[str, str] = {}
    if held.study is not None:
        there = _first_instances(held.study.archive_id)
    uids = [only] if only else list(dict.fromkeys([*arrived, *there]))
    pairs = []
    for uid in uids[:COMPARED]:
        contents = [
            _fetch(ids[uid]) if uid in ids else None for ids in (there, arrived)
        ]
        pairs.append(
            _Pair(
                sop_uid=uid,
                via="",
                size=len(contents[1] or b""),
                there=contents[0],
                arrived=contents[1],
            )
        )
    return pairs


def _first_instances(archive_id: str) -> dict[str, str]:
    """Return SOP Instance UID → archive id of a study's first instances.

    What Overread wrote to it is left out: it says nothing of whose study this is,
    and who decides here may not see what AI said.
    """
    try:
        header = archive().study_header(archive_id)
    except NotInArchive:
        return {}
    theirs = (series for series in header.series if not series.written_by_overread)
    found = [i for series in theirs for i in series.instances]
    found.sort(key=lambda i: not i.is_image)
    return {i.sop_uid: i.orthanc_id for i in found}
