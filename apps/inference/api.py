"""What workers may fetch and store: model packages and artefacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from apps.core.parsers import BytesParser
from apps.inference.artefacts import write_artefact, write_artefacts
from apps.inference.packages import package_zip
from apps.inference.selectors import model_of_hash
from apps.inference.trust import signed_list
from apps.studies.machine import READ_MODEL, WRITE_ARTEFACT
from apps.studies.machine_api import MachineView
from workers.inputs import ARTEFACTS_BYTES

if TYPE_CHECKING:
    from rest_framework.request import Request

MAX_ARTEFACT_BYTES = 256 * 1024 * 1024
ZIP_ROOM = 1024 * 1024
"""Bytes for the zip's own words."""


class ArtefactParser(BytesParser):
    """Takes the body as it is, up to `MAX_ARTEFACT_BYTES`."""

    max_bytes = MAX_ARTEFACT_BYTES
    too_large = "An artefact has at most 256 MiB."
    too_large_status = 400


class PackageView(MachineView):
    """A model package."""

    @extend_schema(
        operation_id="machine_model",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, package_hash: str) -> HttpResponse:
        """Return the package as a zip."""
        self.scope.require(verb=READ_MODEL)
        model = model_of_hash(package_hash=package_hash)
        return HttpResponse(package_zip(model=model), content_type="application/zip")


class AllowedModelsView(MachineView):
    """The signed list of packages that a worker may load."""

    @extend_schema(
        operation_id="machine_models_allowed",
        responses={(200, "application/json"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the list with its signature."""
        self.scope.require(verb=READ_MODEL)
        return HttpResponse(signed_list(), content_type="application/json")


class ArtefactsParser(BytesParser):
    """Takes a zip of artefacts as it is."""

    max_bytes = ARTEFACTS_BYTES + ZIP_ROOM
    too_large = "Artefacts that are stored together have at most 64 MiB."
    too_large_status = 400


class ArtefactsStoreView(MachineView):
    """A place for several artefacts at a time."""

    parser_classes = (ArtefactsParser,)

    @extend_schema(
        operation_id="machine_artefacts",
        request={"application/zip": OpenApiTypes.BINARY},
        responses={200: None},
    )
    def post(self, request: Request) -> Response:
        """Store each file of a zip; when this answers they are on disk."""
        self.scope.require(verb=WRITE_ARTEFACT)
        write_artefacts(parcel=cast("bytes", request.data))
        return Response(status=200)


class ArtefactStoreView(MachineView):
    """A place for one artefact."""

    parser_classes = (ArtefactParser,)

    @extend_schema(
        operation_id="machine_artefact",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: None, 201: None},
    )
    def put(self, request: Request, sha256: str) -> Response:
        """Store the bytes; when this answers they are on disk."""
        self.scope.require(verb=WRITE_ARTEFACT)
        created = write_artefact(sha256=sha256, body=cast("bytes", request.data))
        return Response(status=201 if created else 200)
