"""Slots over REST: what holds, trials of what could, and the changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.annotations.truth import TruthKind
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.inference.slots import (
    SlotChange,
    change_slot,
    empty_slot,
    promote_slot,
    roll_back_slot,
)
from apps.workflow.slots import serializers as shapes
from apps.workflow.slots.calibrating import apply_calibration, propose_calibration
from apps.workflow.slots.comparing import compare_slots
from apps.workflow.slots.desk import list_slots, list_versions, show_version
from apps.workflow.slots.figures import simulate_threshold
from apps.workflow.slots.trial import try_routing
from workers.measures.recalibration import Method

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.serializers import Serializer

    from apps.inference.models import Slot


def _given(shape: type[Serializer[Any]], raw: Any) -> dict[str, Any]:
    given = shape(data=raw)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _answer(slot: Slot, status: int = 200) -> Response:
    body = shapes.SlotVersionSerializer(show_version(slot)).data
    return Response(body, status=status)


class SlotsView(APIView):
    """The slots of a site."""

    permission_classes = [needs(Permission.SITE_MANAGE)]

    @extend_schema(operation_id="slots", responses=shapes.SlotsSerializer)
    def get(self, request: Request, site_id: UUID) -> Response:
        """Return what holds."""
        body = list_slots(actor=actor_of(request), site_id=site_id)
        return Response(shapes.SlotsSerializer(body).data)


class SlotVersionsView(APIView):
    """The versions of a slot."""

    def get_permissions(self) -> list[Any]:
        """Leads read; who manages models changes."""
        reads = self.request.method == "GET"
        need = Permission.SITE_MANAGE if reads else Permission.MODEL_MANAGE
        return [needs(need)()]

    @extend_schema(
        operation_id="slot_versions", responses=shapes.SlotVersionsSerializer
    )
    def get(self, request: Request, slot_id: UUID) -> Response:
        """Return all, the newest first."""
        body = list_versions(actor=actor_of(request), slot_id=slot_id)
        return Response(shapes.SlotVersionsSerializer(body).data)

    @extend_schema(
        operation_id="slot_change",
        request=shapes.SlotChangeRequest,
        responses={201: shapes.SlotVersionSerializer},
    )
    def post(self, request: Request, slot_id: UUID) -> Response:
        """Let other thresholds, acuities or another rule hold."""
        given = _given(shapes.SlotChangeRequest, request.data)
        reason = given.pop("reason")
        slot = change_slot(
            actor=actor_of(request),
            slot_id=slot_id,
            change=SlotChange(**given),
            reason=reason,
        )
        return _answer(slot, status=201)


class SlotPromoteView(APIView):
    """A shadow or challenger that becomes live."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="slot_promote",
        request=shapes.ReasonRequest,
        responses={201: shapes.SlotVersionSerializer},
    )
    def post(self, request: Request, slot_id: UUID) -> Response:
        """Promote it; what was live ends."""
        given = _given(shapes.ReasonRequest, request.data)
        slot = promote_slot(actor=actor_of(request), slot_id=slot_id, **given)
        return _answer(slot, status=201)


class SlotRollBackView(APIView):
    """An earlier version that holds again."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="slot_roll_back",
        request=shapes.ReasonRequest,
        responses={201: shapes.SlotVersionSerializer},
    )
    def post(self, request: Request, slot_id: UUID) -> Response:
        """Go back to this version, as a new one."""
        given = _given(shapes.ReasonRequest, request.data)
        slot = roll_back_slot(actor=actor_of(request), slot_id=slot_id, **given)
        return _answer(slot, status=201)


class SlotEmptyView(APIView):
    """The off-switch of one slot."""

    permission_classes = [needs(Permission.MODEL_MANAGE)]

    @extend_schema(
        operation_id="slot_empty",
        request=shapes.ReasonRequest,
        responses=shapes.SlotVersionSerializer,
    )
    def post(self, request: Request, slot_id: UUID) -> Response:
        """Stop using the model for this at the site."""
        given = _given(shapes.ReasonRequest, request.data)
        slot = empty_slot(actor=actor_of(request), slot_id=slot_id, **given)
        return _answer(slot)


class SlotThresholdView(APIView):
    """What a threshold would do."""

    permission_classes = [needs(Permission.SITE_MANAGE)]

    @extend_schema(
        operation_id="slot_threshold",
        parameters=[shapes.ThresholdQuery],
        responses=shapes.ThresholdSerializer,
    )
    def get(self, request: Request, slot_id: UUID) -> Response:
        """Simulate it by stored scores and signed readings."""
        given = _given(shapes.ThresholdQuery, request.query_params)
        body = simulate_threshold(
            actor=actor_of(request),
            slot_id=slot_id,
            code=given["code"],
            threshold=given["threshold"],
            truth=TruthKind(given["truth"]),
        )
        return Response(shapes.ThresholdSerializer(body).data)


class SlotComparisonView(APIView):
    """A challenger or shadow beside the live model."""

    permission_classes = [needs(Permission.SITE_MANAGE)]

    @extend_schema(
        operation_id="slot_comparison",
        parameters=[shapes.SlotComparisonQuery],
        responses=shapes.SlotComparisonSerializer,
    )
    def get(self, request: Request, slot_id: UUID) -> Response:
        """Compare them on the same studies, by signed readings."""
        given = _given(shapes.SlotComparisonQuery, request.query_params)
        body = compare_slots(
            actor=actor_of(request),
            slot_id=slot_id,
            code=given["code"],
            truth=TruthKind(given["truth"]),
        )
        return Response(shapes.SlotComparisonSerializer(body).data)


class SlotCalibrationView(APIView):
    """The calibration of a label."""

    def get_permissions(self) -> list[Any]:
        """Leads read; who manages models changes."""
        reads = self.request.method == "GET"
        need = Permission.SITE_MANAGE if reads else Permission.MODEL_MANAGE
        return [needs(need)()]

    @extend_schema(
        operation_id="slot_calibration",
        parameters=[shapes.CalibrationQuery],
        responses=shapes.CalibrationSerializer,
    )
    def get(self, request: Request, slot_id: UUID) -> Response:
        """Fit it to signed unaided readings and say how good it is; changes nothing."""
        given = _given(shapes.CalibrationQuery, request.query_params)
        body = propose_calibration(
            actor=actor_of(request),
            slot_id=slot_id,
            code=given["code"],
            method=Method(given["method"]),
        )
        return Response(shapes.CalibrationSerializer(body).data)

    @extend_schema(
        operation_id="slot_calibrate",
        request=shapes.CalibrationRequest,
        responses={201: shapes.SlotVersionSerializer},
    )
    def post(self, request: Request, slot_id: UUID) -> Response:
        """Let it hold, as a new version of the slot."""
        given = _given(shapes.CalibrationRequest, request.data)
        method = given["method"]
        slot = apply_calibration(
            actor=actor_of(request),
            slot_id=slot_id,
            code=given["code"],
            method=None if method == "package" else Method(method),
            reason=given["reason"],
        )
        return _answer(slot, status=201)


class RoutingTrialView(APIView):
    """A routing rule on history."""

    permission_classes = [needs(Permission.SITE_MANAGE)]

    @extend_schema(
        operation_id="slot_routing_trial",
        request=shapes.RoutingTrialRequest,
        responses=shapes.RoutingTrialSerializer,
    )
    def post(self, request: Request, slot_id: UUID) -> Response:
        """Say what it would have done; changes nothing."""
        given = _given(shapes.RoutingTrialRequest, request.data)
        body = try_routing(
            actor=actor_of(request), slot_id=slot_id, raw=given["routing"]
        )
        return Response(shapes.RoutingTrialSerializer(body).data)
