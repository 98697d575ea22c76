"""What workers may fetch: instances of the one revision their token names."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.access import Open
from apps.core.errors import Forbidden, NotFound, Unavailable
from apps.interop.types import ArchiveError, NotInArchive
from apps.studies.inputs import gather_files, gather_inputs
from apps.studies.machine import READ_INSTANCES, MachineScope, read_token
from apps.studies.selectors import (
    instance_of_revision,
    instances_of_revision,
    some_of_revision,
)
from apps.studies.serializers import (
    MachineFilesSerializer,
    MachineInstancesSerializer,
    MachineTokensSerializer,
)
from apps.studies.stored import fetch_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rest_framework.request import Request


class MachineView(APIView):
    """A view for workers. It knows no session: the scoped token is everything."""

    authentication_classes = ()
    permission_classes = (Open,)

    @property
    def scope(self) -> MachineScope:
        """What the caller's token allows."""
        header = self.request.headers.get("Authorization", "")
        kind, _, token = header.partition(" ")
        if kind != "Bearer" or not token:
            raise AuthenticationFailed("Send the worker token as a bearer token.")
        return read_token(token=token)

    def require_job(self, *, verb: str, job_id: UUID) -> None:
        """Raise `Forbidden` unless the token is of this very job."""
        scope = self.scope
        scope.require(verb=verb)
        if scope.request_id != str(job_id):
            raise Forbidden("forbidden", "This token is for another job.")

    def get_authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """Answer 401, not 403, when the token is missing."""
        return "Bearer"


class RevisionInstancesView(MachineView):
    """The image instances of a revision."""

    @extend_schema(
        operation_id="machine_instances", responses=MachineInstancesSerializer
    )
    def get(self, request: Request, revision_id: UUID) -> Response:  # noqa: ARG002
        """List the instances."""
        self.scope.require(verb=READ_INSTANCES, revision_id=revision_id)
        instances = instances_of_revision(revision_id=revision_id)
        body = {"revision_id": revision_id, "instances": instances}
        return Response(MachineInstancesSerializer(body).data)

    @extend_schema(
        operation_id="machine_instances_together",
        request=MachineFilesSerializer,
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request, revision_id: UUID) -> HttpResponse:
        """Return several files, as many of the first as go into one answer."""
        self.scope.require(verb=READ_INSTANCES, revision_id=revision_id)
        given = MachineFilesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        uids = given.validated_data["instances"]
        found = some_of_revision(revision_id=revision_id, sop_uids=uids)
        with _of_archive():
            body = gather_files(found)
        return HttpResponse(body, content_type="application/zip")


@contextmanager
def _of_archive() -> Iterator[None]:
    """Say what the archive does not give in the words of the machine API.

    Raises:
        NotFound: It has no such file any more.
        Unavailable: It does not answer.
    """
    try:
        yield
    except NotInArchive as error:
        raise NotFound("not_found", "The archive lost this image.") from error
    except ArchiveError as error:
        raise Unavailable(
            "archive_down", "The archive does not answer; try again."
        ) from error


class RevisionInstanceView(MachineView):
    """One DICOM file as stored."""

    @extend_schema(
        operation_id="machine_instance",
        responses={(200, "application/dicom"): OpenApiTypes.BINARY},
    )
    def get(
        self,
        request: Request,  # noqa: ARG002
        revision_id: UUID,
        sop_uid: str,
    ) -> HttpResponse:
        """Return the file."""
        self.scope.require(verb=READ_INSTANCES, revision_id=revision_id)
        instance = instance_of_revision(revision_id=revision_id, sop_uid=sop_uid)
        with _of_archive():
            body = fetch_file(instance)
        return HttpResponse(body, content_type="application/dicom")


class InputsView(MachineView):
    """What several requests of a worker need, in one answer."""

    @extend_schema(
        operation_id="machine_inputs",
        request=MachineTokensSerializer,
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request) -> HttpResponse:
        """Return instances and files of the revisions that the tokens open."""
        self.scope.require(verb=READ_INSTANCES)
        given = MachineTokensSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        body = gather_inputs(tokens=given.validated_data["tokens"])
        return HttpResponse(body, content_type="application/zip")
