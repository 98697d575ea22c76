"""The written report over REST. One domain call a view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.workflow.reporting import serializers as shapes
from apps.workflow.reporting import services
from apps.workflow.serializers import ContentRequest

if TYPE_CHECKING:
    from rest_framework.request import Request


class ReportDraftView(APIView):
    """A report from the answers so far."""

    permission_classes = [needs(Permission.READING_WRITE)]

    @extend_schema(
        operation_id="report_draft",
        request=ContentRequest,
        responses=shapes.DraftedSerializer,
    )
    def post(self, request: Request, item_id: UUID) -> Response:
        """Draft a report; nothing is saved."""
        raw = request.data.get("content") if isinstance(request.data, dict) else None
        body = services.draft_report(actor=actor_of(request), item_id=item_id, raw=raw)
        return Response(shapes.DraftedSerializer(body).data)


class EarlierReportsView(APIView):
    """What was signed of this patient before."""

    permission_classes = [needs(Permission.READING_READ)]

    @extend_schema(
        operation_id="earlier_reports", responses=shapes.EarlierReportsSerializer
    )
    def get(self, request: Request, item_id: UUID) -> Response:
        """Return the reports of the patient's other studies."""
        body = services.show_earlier(actor=actor_of(request), item_id=item_id)
        return Response(shapes.EarlierReportsSerializer(body).data)


class TemplatesView(APIView):
    """The report templates of a site."""

    permission_classes = [needs(Permission.PROTOCOL_MANAGE)]

    @extend_schema(
        operation_id="report_templates", responses=shapes.TemplatesSerializer
    )
    def get(self, request: Request, site_id: UUID) -> Response:
        """List the templates that hold."""
        body = services.list_templates(actor=actor_of(request), site_id=site_id)
        return Response(shapes.TemplatesSerializer(body).data)


class TemplateView(APIView):
    """One report template of a site."""

    permission_classes = [needs(Permission.PROTOCOL_MANAGE)]

    @extend_schema(
        operation_id="report_template_write",
        request=shapes.TemplateRequest,
        responses=shapes.TemplateSerializer,
    )
    def put(self, request: Request, site_id: UUID, code: str) -> Response:
        """Write it as a new version."""
        body = services.write_template(
            actor=actor_of(request), site_id=site_id, code=code, raw=request.data
        )
        return Response(shapes.TemplateSerializer(body).data)

    @extend_schema(
        operation_id="report_template_retire", request=None, responses={204: None}
    )
    def delete(self, request: Request, site_id: UUID, code: str) -> Response:
        """Let the shipped one hold again."""
        services.retire_template(actor=actor_of(request), site_id=site_id, code=code)
        return Response(status=204)


class TemplateVersionsView(APIView):
    """The versions of a template; none of them ever changes."""

    permission_classes = [needs(Permission.PROTOCOL_MANAGE)]

    @extend_schema(
        operation_id="report_template_versions",
        responses=shapes.TemplateVersionsSerializer,
    )
    def get(self, request: Request, site_id: UUID, code: str) -> Response:
        """List the versions, newest first."""
        body = services.list_versions(
            actor=actor_of(request), site_id=site_id, code=code
        )
        return Response(shapes.TemplateVersionsSerializer(body).data)

    @extend_schema(
        operation_id="report_template_activate",
        request=shapes.ActivateRequest,
        responses=shapes.TemplateSerializer,
    )
    def post(self, request: Request, site_id: UUID, code: str) -> Response:
        """Let an older version hold again, as a new one."""
        asked = shapes.ActivateRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        body = services.activate_version(
            actor=actor_of(request), site_id=site_id, code=code, **asked.validated_data
        )
        return Response(shapes.TemplateSerializer(body).data)


class TemplatePreviewView(APIView):
    """What a template would draft."""

    permission_classes = [needs(Permission.PROTOCOL_MANAGE)]

    @extend_schema(
        operation_id="report_template_preview",
        request=shapes.TemplateRequest,
        responses=shapes.TemplatePreviewSerializer,
    )
    def post(self, request: Request, site_id: UUID) -> Response:
        """Draft by a template that is not saved."""
        body = services.preview_template(
            actor=actor_of(request), site_id=site_id, raw=request.data
        )
        return Response(shapes.TemplatePreviewSerializer(body).data)
