"""What others left in the archive about a study, for who may see it.

What may leave is decided where it is for DICOMweb (`contents`): third parties' AI
results are AI, and an object that does not say who made it may be one.
"""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import NotFound, Unavailable
from apps.core.permissions import Permission
from apps.interop.dicom.foreign.read import (
    kind_of,
    read_foreign,
    read_map,
    read_segment,
)
from apps.interop.dicom.foreign.types import ForeignError, ForeignObject
from apps.interop.types import ArchiveError, ArchiveUnavailable
from apps.studies.archive import archive
from apps.studies.selectors import access_study
from apps.workflow.dicomweb.contents import WebObject, objects_of, series_of
from apps.workflow.foreign.shelf import Shelf
from apps.workflow.visibility import visible_study

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.accounts.types import Actor
    from apps.studies.models import Study

MAX_OBJECTS: Final = 200
MAX_POINTS_IN_A_LIST: Final = 5_000
HIDDEN: Final = "What other systems say of this study is hidden until you may see AI."
ELSEWHERE: Final = (
    "It cannot be placed: no images of this study are in its frame of reference."
)
_ABSENT: Final = "There is no such object on this study."
_WEIGHT_OF_POINTS: Final = 1_500_000

_read: Shelf[ForeignObject] = Shelf(
    capacity=_WEIGHT_OF_POINTS, weigh=lambda found: 200 + _points(found)
)
_masks: Shelf[bytes] = Shelf(capacity=64 << 20, weigh=len)


@contextmanager
def _archive_answers() -> Iterator[None]:
    """Say in plain words that the archive is away, or has it no longer."""
    try:
        yield
    except ArchiveUnavailable as error:
        words = "The archive does not answer. What is on the screen stays; try again."
        raise Unavailable("archive_down", words) from error
    except ArchiveError as error:
        raise NotFound("not_found", _ABSENT) from error


def forget() -> None:
    """Forget what was read."""
    _read.clear()
    _masks.clear()


@transaction.atomic
def list_objects(*, actor: Actor, study_id: UUID) -> dict[str, Any]:
    """Return what others left about a study, as far as the actor may see it.

    An object with very many points is listed without its shapes.
    """
    study = access_study(actor=actor, study_id=study_id, need=Permission.STUDY_READ)
    sight = visible_study(actor=actor, study=study)
    hidden = "" if sight.visible else HIDDEN
    with _archive_answers():
        there = _foreign(actor=actor, study=study)
    items = [_listed(study, one) for one in there[:MAX_OBJECTS]]
    _audit(actor=actor, study=study, detail={"n": len(items)})
    return {"items": items, "total": len(there), "hidden_reason": hidden}


@transaction.atomic
def show_object(*, actor: Actor, study_id: UUID, sop_uid: str) -> dict[str, Any]:
    """Return all that one object says."""
    study = access_study(actor=actor, study_id=study_id, need=Permission.STUDY_READ)
    with _archive_answers():
        archive_id = _allowed(actor=actor, study=study, sop_uid=sop_uid)
        found = _found(study, sop_uid, archive_id)
    _audit(actor=actor, study=study, detail={"sop_uid": sop_uid})
    return {**_told(study, found), "whole": True}


@transaction.atomic
def read_mask(*, actor: Actor, study_id: UUID, sop_uid: str, number: int) -> bytes:
    """Return one segment's voxels, gzipped: 0 or 1, [frame][row][column].

    Raises:
        NotFound: There is no such segment, or its voxels cannot be read.
    """
    study = access_study(
        actor=actor, study_id=study_id, need=Permission.STUDY_PIXELS_READ
    )
    with _archive_answers():
        archive_id = _allowed(actor=actor, study=study, sop_uid=sop_uid)
    _audit(actor=actor, study=study, detail={"sop_uid": sop_uid, "segment": number})

    def make() -> bytes:
        voxels = read_segment(archive().fetch_instance(archive_id), number=number)
        return gzip.compress(voxels.tobytes(), compresslevel=4, mtime=0)

    try:
        with _archive_answers():
            return _masks.get((_key(study, sop_uid), number), make)
    except ForeignError as error:
        raise NotFound("not_found", f"The segment cannot be shown: {error}.") from error


@transaction.atomic
def read_map_values(
    *, actor: Actor, study_id: UUID, sop_uid: str, number: int
) -> bytes:
    """Return one quantity's values, gzipped: float32, [frame][row][column]; NaN: none.

    Raises:
        NotFound: There is no such quantity, or its values cannot be read.
    """
    study = access_study(
        actor=actor, study_id=study_id, need=Permission.STUDY_PIXELS_READ
    )
    with _archive_answers():
        archive_id = _allowed(actor=actor, study=study, sop_uid=sop_uid)
    _audit(actor=actor, study=study, detail={"sop_uid": sop_uid, "map": number})

    def make() -> bytes:
        values = read_map(archive().fetch_instance(archive_id), number=number)
        return gzip.compress(values.astype("<f4").tobytes(), compresslevel=1, mtime=0)

    try:
        with _archive_answers():
            return _masks.get((_key(study, sop_uid), "map", number), make)
    except ForeignError as error:
        raise NotFound("not_found", f"The map cannot be shown: {error}.") from error


def _foreign(*, actor: Actor, study: Study) -> list[WebObject]:
    """Return the objects of others that may leave; none when there is none."""
    own = _own_series(study)
    shown = [
        series
        for series in series_of(actor=actor, study=study)
        if not series.is_image and series.uid not in own
    ]
    if not shown:
        return []
    uids = {series.uid for series in shown}
    return [o for o in objects_of(actor=actor, study=study) if o.series_uid in uids]


def _own_series(study: Study) -> set[str]:
    return set(
        study.attachments.filter(by_overread=True).values_list("series_uid", flat=True)
    )


def _allowed(*, actor: Actor, study: Study, sop_uid: str) -> str:
    """Return where the archive has an object of a series that may leave.

    Raises:
        NotFound: There is none, or it may not leave for the actor.
    """
    own = _own_series(study)
    uids = {
        series.uid
        for series in series_of(actor=actor, study=study)
        if not series.is_image and series.uid not in own
    }
    archive_id = archive().find_instance(sop_uid) if uids else None
    if archive_id is None:
        raise NotFound("not_found", _ABSENT)
    found = _found(study, sop_uid, archive_id)
    if found.series_uid not in uids or found.study_uid != study.study_uid:
        raise NotFound("not_found", _ABSENT)
    return archive_id


def _key(study: Study, sop_uid: str) -> tuple[UUID, int, str]:
    return study.id, study.generation, sop_uid


def _found(study: Study, sop_uid: str, archive_id: str) -> ForeignObject:
    return _read.get(
        _key(study, sop_uid), lambda: read_foreign(archive().fetch_instance(archive_id))
    )


def _listed(study: Study, there: WebObject) -> dict[str, Any]:
    """Return one line of the list; an object that is not to be had says so."""
    kind = kind_of(there.sop_class_uid)
    identity: dict[str, Any] = {
        "study_uid": study.study_uid,
        "series_uid": there.series_uid,
        "sop_uid": there.sop_uid,
        "sop_class_uid": there.sop_class_uid,
    }
    if kind == "other":
        return {**plain(ForeignObject(**identity, kind=kind)), "whole": True}
    try:
        found = _found(study, there.sop_uid, there.archive_id)
    except ArchiveError:
        trouble = "The archive does not answer for it at the moment."
        found = ForeignObject(**identity, kind=kind, trouble=trouble)
    # What a broken object says of itself is no name to ask for it by.
    body = {**_told(study, found), **identity}
    whole = _points(found) <= MAX_POINTS_IN_A_LIST
    if not whole:
        body["items"] = [{**item, "marks": []} for item in body["items"]]
    return {**body, "whole": whole}


def _told(study: Study, found: ForeignObject) -> dict[str, Any]:
    """Return what an object says, and of maps whether they can be placed here."""
    body: dict[str, Any] = plain(found)
    for item in body["items"]:
        if item["map"] and not item["why_not"] and not _placed(study, item["map"]):
            item["why_not"] = ELSEWHERE
    return body


def _placed(study: Study, values: dict[str, Any]) -> bool:
    """Say whether a map is in a frame of a study's images, or names one of them."""
    revision = study.revisions.order_by("-number").first()
    if revision is None:
        return False
    uid = values["frame_of_reference_uid"]
    known = [one.get("frame_of_reference_uid") for one in revision.series]
    # Revisions of older installations do not say in which frames their series are.
    if uid in known or None in known:
        return True
    named = {frame["sop_uid"] for frame in values["frames"]} - {""}
    return revision.instances.filter(sop_uid__in=named).exists()


def _points(found: ForeignObject) -> int:
    return sum(len(mark.points) for item in found.items for mark in item.marks)


def plain(value: Any) -> Any:
    """Return frozen values as what JSON is made of."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        if value and isinstance(value[0], float):
            return list(value)
        return [plain(one) for one in value]
    return value


def _audit(*, actor: Actor, study: Study, detail: dict[str, Any]) -> None:
    record(
        actor=actor,
        event=Event.ARTEFACT_READ,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="study",
        object_id=study.id,
        detail=detail,
    )
