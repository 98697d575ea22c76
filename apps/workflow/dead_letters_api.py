"""The admin's list of work that failed, and its button “Try again”."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import actor_of
from apps.annotations.types import JobState
from apps.core.access import needs
from apps.core.permissions import Permission
from apps.inference.types import ComparisonState, ExplanationState, RunState, SlotKind
from apps.studies.types import PackState
from apps.workflow import dead_letters

if TYPE_CHECKING:
    from rest_framework.request import Request


class WorkSiteSerializer(s.Serializer):  # type: ignore[type-arg]
    """Whose work it is."""

    id = s.UUIDField()
    name = s.CharField()


class WorkStudySerializer(s.Serializer):  # type: ignore[type-arg]
    """Which study; never whose."""

    id = s.UUIDField()
    uid = s.CharField()
    modality = s.CharField()
    revision = s.IntegerField()


class WorkModelSerializer(s.Serializer):  # type: ignore[type-arg]
    """Which model."""

    name = s.CharField()
    version = s.CharField()


class PackWorkSerializer(s.Serializer):  # type: ignore[type-arg]
    """A pixel pack as work: `id` is the revision's."""

    id = s.UUIDField()
    state = s.ChoiceField(choices=[state.value for state in PackState])
    reason = s.CharField()
    attempts = s.IntegerField()
    requested_at = s.DateTimeField(allow_null=True)
    changed_at = s.DateTimeField()
    study = WorkStudySerializer()
    site = WorkSiteSerializer()


class RunWorkSerializer(PackWorkSerializer):
    """An inference run as work."""

    state = s.ChoiceField(choices=[state.value for state in RunState])
    model = WorkModelSerializer()
    slot = s.ChoiceField(choices=[kind.value for kind in SlotKind])


class ExplainedWorkSerializer(PackWorkSerializer):
    """That it is shown where findings come from, as work."""

    state = s.ChoiceField(choices=[state.value for state in ExplanationState])
    model = WorkModelSerializer()


class ComparedWorkSerializer(PackWorkSerializer):
    """A comparison with an earlier study as work; `study` is the later one."""

    state = s.ChoiceField(choices=[state.value for state in ComparisonState])
    model = WorkModelSerializer()


class FilledWorkSerializer(PackWorkSerializer):
    """An interpolation between drawn slices as work."""

    state = s.ChoiceField(choices=[state.value for state in JobState])


class ExplainedWorkPageSerializer(s.Serializer):  # type: ignore[type-arg]
    """Explanations, the last changed first."""

    items = ExplainedWorkSerializer(many=True)
    next_cursor = s.CharField(allow_null=True)


class ComparedWorkPageSerializer(s.Serializer):  # type: ignore[type-arg]
    """Comparisons, the last changed first."""

    items = ComparedWorkSerializer(many=True)
    next_cursor = s.CharField(allow_null=True)


class FilledWorkPageSerializer(s.Serializer):  # type: ignore[type-arg]
    """Interpolations, the last changed first."""

    items = FilledWorkSerializer(many=True)
    next_cursor = s.CharField(allow_null=True)


class PackWorkPageSerializer(s.Serializer):  # type: ignore[type-arg]
    """Packs, the last changed first."""

    items = PackWorkSerializer(many=True)
    next_cursor = s.CharField(allow_null=True)


class RunWorkPageSerializer(s.Serializer):  # type: ignore[type-arg]
    """Runs, the last changed first."""

    items = RunWorkSerializer(many=True)
    next_cursor = s.CharField(allow_null=True)


_PAGING = [
    OpenApiParameter("state", OpenApiTypes.STR),
    OpenApiParameter("cursor", OpenApiTypes.STR),
]


def _asked(request: Request) -> dict[str, str]:
    given = request.query_params
    return {"state": given.get("state", ""), "cursor": given.get("cursor", "")}


class RunsView(APIView):
    """Inference runs of one's sites."""

    permission_classes = [needs(Permission.EXPORT_READ)]

    @extend_schema(
        operation_id="runs_list", parameters=_PAGING, responses=RunWorkPageSerializer
    )
    def get(self, request: Request) -> Response:
        """List runs; `state=failed` is the list of dead letters."""
        page = dead_letters.list_runs(actor=actor_of(request), **_asked(request))
        return Response(RunWorkPageSerializer(page).data)


class RunRetryView(APIView):
    """Another try for a run."""

    permission_classes = [needs(Permission.DEAD_LETTER_RETRY)]

    @extend_schema(operation_id="run_retry", request=None, responses=RunWorkSerializer)
    def post(self, request: Request, run_id: UUID) -> Response:
        """Send a failed run to the workers again."""
        row = dead_letters.try_run_again(actor=actor_of(request), run_id=run_id)
        return Response(RunWorkSerializer(row).data)


class ExplanationsView(APIView):
    """Explanations of findings at one's sites."""

    permission_classes = [needs(Permission.EXPORT_READ)]

    @extend_schema(
        operation_id="explanations_list",
        parameters=_PAGING,
        responses=ExplainedWorkPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List explanations; `state=failed` is the list of dead letters."""
        page = dead_letters.list_explanations(
            actor=actor_of(request), **_asked(request)
        )
        return Response(ExplainedWorkPageSerializer(page).data)


class ExplanationRetryView(APIView):
    """Another try for an explanation."""

    permission_classes = [needs(Permission.DEAD_LETTER_RETRY)]

    @extend_schema(
        operation_id="explanation_retry",
        request=None,
        responses=ExplainedWorkSerializer,
    )
    def post(self, request: Request, explanation_id: UUID) -> Response:
        """Ask again where a model's findings come from."""
        row = dead_letters.try_explanation_again(
            actor=actor_of(request), explanation_id=explanation_id
        )
        return Response(ExplainedWorkSerializer(row).data)


class ComparisonsView(APIView):
    """Comparisons with earlier studies of one's sites."""

    permission_classes = [needs(Permission.EXPORT_READ)]

    @extend_schema(
        operation_id="comparisons_list",
        parameters=_PAGING,
        responses=ComparedWorkPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List comparisons; `state=failed` is the list of dead letters."""
        page = dead_letters.list_comparisons(actor=actor_of(request), **_asked(request))
        return Response(ComparedWorkPageSerializer(page).data)


class ComparisonRetryView(APIView):
    """Another try for a comparison."""

    permission_classes = [needs(Permission.DEAD_LETTER_RETRY)]

    @extend_schema(
        operation_id="comparison_retry", request=None, responses=ComparedWorkSerializer
    )
    def post(self, request: Request, comparison_id: UUID) -> Response:
        """Ask for a failed comparison again."""
        row = dead_letters.try_comparison_again(
            actor=actor_of(request), comparison_id=comparison_id
        )
        return Response(ComparedWorkSerializer(row).data)


class InterpolationsView(APIView):
    """Interpolations between drawn slices of one's sites."""

    permission_classes = [needs(Permission.EXPORT_READ)]

    @extend_schema(
        operation_id="interpolations_list",
        parameters=_PAGING,
        responses=FilledWorkPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """List interpolations; `state=failed` is the list of dead letters."""
        page = dead_letters.list_interpolations(
            actor=actor_of(request), **_asked(request)
        )
        return Response(FilledWorkPageSerializer(page).data)


class InterpolationRetryView(APIView):
    """Another try for an interpolation."""

    permission_classes = [needs(Permission.DEAD_LETTER_RETRY)]

    @extend_schema(
        operation_id="interpolation_retry", request=None, responses=FilledWorkSerializer
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Ask for a failed interpolation again."""
        row = dead_letters.try_interpolation_again(
            actor=actor_of(request), job_id=job_id
        )
        return Response(FilledWorkSerializer(row).data)


class PacksView(APIView):
    """Pixel packs of one's sites."""

    permission_classes = [needs(Permission.EXPORT_READ)]

    @extend_schema(
        operation_id="packs_list", parameters=_PAGING, responses=PackWorkPageSerializer
    )
    def get(self, request: Request) -> Response:
        """List packs; `state=failed` is the list of dead letters."""
        page = dead_letters.list_packs(actor=actor_of(request), **_asked(request))
        return Response(PackWorkPageSerializer(page).data)


class PackRetryView(APIView):
    """Another try for a pack."""

    permission_classes = [needs(Permission.DEAD_LETTER_RETRY)]

    @extend_schema(
        operation_id="pack_retry", request=None, responses=PackWorkSerializer
    )
    def post(self, request: Request, revision_id: UUID) -> Response:
        """Ask for a failed pack again."""
        row = dead_letters.try_pack_again(
            actor=actor_of(request), revision_id=revision_id
        )
        return Response(PackWorkSerializer(row).data)
