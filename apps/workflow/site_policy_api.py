"""The rules of a site's list over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.core.access import needs
from apps.core.permissions import Permission
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
