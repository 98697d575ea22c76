"""Studies outside the worklist: those of reports alone, and what is attached to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.studies import serializers as shapes
from apps.studies.selectors import access_study, studies_without_images
from apps.workflow.visibility import may_be_ai, visible_study

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.accounts.types import Actor
    from apps.studies.models import Study

PAGE = 200


@transaction.atomic
def list_without_images(*, actor: Actor) -> list[dict[str, Any]]:
    """Return the newest studies that no worklist shows, audited."""
    found = list(studies_without_images(actor=actor)[:PAGE])
    record(
        actor=actor,
        event=Event.STUDY_LIST,
        patients=sorted({study.patient_id for study in found}),
        studies=[study.id for study in found],
        detail={"n": len(found)},
    )
    return [_shown(actor=actor, study=study) for study in found]


@transaction.atomic
def show_study(*, actor: Actor, study_id: UUID) -> dict[str, Any]:
    """Return a study with its revisions and attachments, audited."""
    study = access_study(actor=actor, study_id=study_id, need=Permission.STUDY_READ)
    record(
        actor=actor,
        event=Event.STUDY_LIST,
        site_id=study.site_id,
        patients=[study.patient_id],
        studies=[study.id],
        object_kind="study",
        object_id=study.id,
    )
    return _shown(actor=actor, study=study)


def _shown(*, actor: Actor, study: Study) -> dict[str, Any]:
    """Return a study's words; what may come from AI only where AI may be seen."""
    revisions = list(study.revisions.order_by("number"))
    attached = list(study.attachments.filter(by_overread=False).order_by("created_at"))
    if attached and not visible_study(actor=actor, study=study).visible:
        attached = [a for a in attached if not may_be_ai(modality=a.modality)]
    patient = study.patient
    return {
        "id": study.id,
        "uid": study.study_uid,
        "description": study.description,
        "modality": "/".join(study.modalities),
        "study_date": study.study_date,
        "arrived_at": study.arrived_at,
        "deleted_at": study.deleted_at,
        "site": study.site,
        "patient": {
            "name": patient.name,
            "id": patient.patient_id,
            "sex": patient.sex,
            "birth_date": patient.birth_date,
        },
        "revisions": revisions,
        "attachments": attached,
    }


class StudiesView(APIView):
    """Studies that have attachments alone."""

    permission_classes = [needs(Permission.STUDY_READ)]

    @extend_schema(
        operation_id="studies_without_images", responses=shapes.StudiesSerializer
    )
    def get(self, request: Request) -> Response:
        """List studies without images, newest first."""
        items = list_without_images(actor=actor_of(request))
        return Response(shapes.StudiesSerializer({"items": items}).data)


class StudyView(APIView):
    """One study, with its revisions and attachments."""

    permission_classes = [needs(Permission.STUDY_READ)]

    @extend_schema(operation_id="study_show", responses=shapes.ListedStudySerializer)
    def get(self, request: Request, study_id: UUID) -> Response:
        """Show a study; a tombstone says when it was deleted."""
        body = show_study(actor=actor_of(request), study_id=study_id)
        return Response(shapes.ListedStudySerializer(body).data)
