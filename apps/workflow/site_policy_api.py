"""The rules of a site's list over REST."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.workflow.simulating import simulate_site, usual_arrivals
from apps.worklist.priority import CRITICAL, ROUTINE, URGENT
from apps.worklist.site_policy import POLICY, read_policy, set_policy

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

    from apps.accounts.models import Site


class SitePolicySerializer(serializers.Serializer[Any]):
    """Deadlines in seconds from arrival, fractions from 0 to 1."""

    stat_deadline_s = serializers.IntegerField()
    priority_deadline_s = serializers.IntegerField()
    routine_deadline_s = serializers.IntegerField()
    base_rate = serializers.FloatField()
    critical_weight = serializers.FloatField()
    urgent_weight = serializers.FloatField()
    routine_weight = serializers.FloatField()
    stat_in_a_row = serializers.IntegerField()


class NewSitePolicySerializer(SitePolicySerializer):
    """All of it, and why it changes."""

    reason = serializers.CharField(max_length=200)


def _shape(site: Site) -> dict[str, Any]:
    return {name: getattr(site, name) for name in POLICY}


class SitePolicyView(APIView):
    """How one site's list is ordered."""

    permission_classes = [needs(Permission.SITE_MANAGE)]

    @extend_schema(operation_id="read_site_policy", responses=SitePolicySerializer)
    def get(self, request: Request, site_id: UUID) -> Response:
        """Return deadlines and weights."""
        site = read_policy(actor=actor_of(request), site_id=site_id)
        return Response(_shape(site))

    @extend_schema(
        operation_id="set_site_policy",
        request=NewSitePolicySerializer,
        responses=SitePolicySerializer,
    )
    def put(self, request: Request, site_id: UUID) -> Response:
        """Set them; the whole list is ranked anew."""
        given = NewSitePolicySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        policy = dict(given.validated_data)
        reason = policy.pop("reason")
        site = set_policy(
            actor=actor_of(request), site_id=site_id, policy=policy, reason=reason
        )
        return Response(_shape(site))


def _by_hour(child: serializers.Field[Any, Any, Any, Any], **options: Any) -> Any:
    return serializers.ListField(child=child, min_length=24, max_length=24, **options)


class TriageAiSerializer(serializers.Serializer[Any]):
    """What the AI is like: shares from 0 to 1."""

    prevalence = serializers.FloatField(min_value=0.001, max_value=0.999)
    sensitivity = serializers.FloatField(min_value=0.001, max_value=0.999)
    specificity = serializers.FloatField(min_value=0.001, max_value=0.999)


class SimulationRequest(serializers.Serializer[Any]):
    """A department; hours of the day are UTC, a read's mean is in minutes."""

    arrivals = _by_hour(
        serializers.FloatField(min_value=0, max_value=200), required=False
    )
    readers = _by_hour(serializers.IntegerField(min_value=0, max_value=50))
    read_time = serializers.FloatField(min_value=0.5, max_value=120)
    ai = TriageAiSerializer()
    acuity = serializers.ChoiceField(choices=[CRITICAL, URGENT, ROUTINE])
    clinician_stat = serializers.FloatField(min_value=0, max_value=1)
    flood = serializers.FloatField(min_value=0, max_value=1)


class MeanSerializer(serializers.Serializer[Any]):
    """A mean with its 95% interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class GroupWaitSerializer(serializers.Serializer[Any]):
    """How a group waits, in minutes; `late` is a share."""

    n = serializers.IntegerField()
    mean = MeanSerializer()
    p99 = MeanSerializer()
    longest = serializers.FloatField()
    late = serializers.FloatField()


class SimulationSerializer(serializers.Serializer[Any]):
    """Rule → group → how it waits."""

    load = serializers.FloatField()
    arrivals = _by_hour(serializers.FloatField())
    days = serializers.IntegerField()
    repetitions = serializers.IntegerField()
    rules = serializers.DictField(
        child=serializers.DictField(child=GroupWaitSerializer())
    )


class ArrivalsSerializer(serializers.Serializer[Any]):
    """Mean arrivals in each hour of the day (UTC)."""

    arrivals = _by_hour(serializers.FloatField())
    days = serializers.IntegerField()


class SimulationView(APIView):
    """What the rule of a list does to waiting."""

    permission_classes = [needs(Permission.SITE_MANAGE)]

    @extend_schema(operation_id="usual_arrivals", responses=ArrivalsSerializer)
    def get(self, request: Request, site_id: UUID) -> Response:
        """Return the site's own arrivals."""
        return Response(usual_arrivals(actor=actor_of(request), site_id=site_id))

    @extend_schema(
        operation_id="simulate_site",
        request=SimulationRequest,
        responses=SimulationSerializer,
    )
    def post(self, request: Request, site_id: UUID) -> Response:
        """Simulate; takes some seconds."""
        given = SimulationRequest(data=request.data)
        given.is_valid(raise_exception=True)
        said = simulate_site(
            actor=actor_of(request),
            site_id=site_id,
            department=json.loads(json.dumps(given.validated_data)),
        )
        return Response(SimulationSerializer(said).data)
