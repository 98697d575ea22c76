"""Shapes of the worklist page on the wire."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.workflow.ai_shapes import AI_STATES
from apps.workflow.serializers import (
    BandCountsSerializer,
    FacetsSerializer,
    NamedSerializer,
    PersonSerializer,
    RowSerializer,
)
from apps.worklist.assigning import MOST
from apps.worklist.types import Band, ItemState, SortColumn

_BANDS = [band.value for band in Band]
_STATES = [state.value for state in ItemState]
_COLUMNS = [column.value for column in SortColumn]


def _words(**more: int) -> s.ListField:
    return s.ListField(child=s.CharField(max_length=64), default=list, **more)  # type: ignore[arg-type]


class AssigneeField(s.CharField):
    """Somebody's id, `nobody`, or nothing."""

    def to_internal_value(self, data: str) -> str:
        """Return what it says; refuse what is neither."""
        text = str(super().to_internal_value(data))
        if text in ("", "nobody"):
            return text
        return str(s.UUIDField().run_validation(text))


class ListFiltersSerializer(s.Serializer):  # type: ignore[type-arg]
    """What the list is narrowed to; several values of one field mean "or"."""

    site = s.ListField(child=s.UUIDField(), default=list, max_length=200)
    band = s.ListField(child=s.ChoiceField(choices=_BANDS), default=list)
    modality = _words(max_length=50)
    body_part = _words(max_length=50)
    ai = s.ListField(child=s.ChoiceField(choices=AI_STATES), default=list)
    state = s.ListField(
        child=s.ChoiceField(choices=_STATES), default=list, help_text="item states"
    )
    mine = s.BooleanField(default=False)
    past_deadline = s.BooleanField(default=False)
    to_verify = s.BooleanField(
        default=False,
        help_text="signed work that waits for my verification, or was sent back to me",
    )
    assignee = AssigneeField(default="", allow_blank=True)
    q = s.CharField(default="", allow_blank=True, max_length=100)


class ListSortSerializer(s.Serializer):  # type: ignore[type-arg]
    """A column to sort by within the bands."""

    by = s.ChoiceField(choices=_COLUMNS)
    descending = s.BooleanField(default=False)


class PlaceSerializer(s.Serializer):  # type: ignore[type-arg]
    """Where a row stands: its sort key, and under a sort its band and value."""

    rank_class = s.IntegerField(min_value=-32768, max_value=32767)
    sort_at = s.DateTimeField()
    arrived_at = s.DateTimeField()
    id = s.UUIDField()
    band = s.ChoiceField(choices=_BANDS, default=Band.ROUTINE.value)
    value = s.CharField(default="", allow_blank=True, max_length=400)


class WindowRequest(s.Serializer):  # type: ignore[type-arg]
    """Which rows of the list are wanted."""

    filters = ListFiltersSerializer(default=dict)
    sort = ListSortSerializer(allow_null=True, default=None)
    limit = s.IntegerField(min_value=1, max_value=200, default=100)
    after = PlaceSerializer(allow_null=True, default=None)
    before = PlaceSerializer(allow_null=True, default=None)
    at = s.IntegerField(min_value=0, max_value=10_000_000, default=0)
    counts = s.BooleanField(default=False)

    def validate_filters(self, value: dict[str, object]) -> dict[str, object]:
        """Fill in what was left out."""
        return _filled(value)


class SummaryRequest(s.Serializer):  # type: ignore[type-arg]
    """Of which part of the list the total is wanted."""

    filters = ListFiltersSerializer(default=dict)

    def validate_filters(self, value: dict[str, object]) -> dict[str, object]:
        """Fill in what was left out."""
        return _filled(value)


def _filled(value: dict[str, object]) -> dict[str, object]:
    body = ListFiltersSerializer(data=value)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class CountsSerializer(s.Serializer):  # type: ignore[type-arg]
    """How many rows there are."""

    total = s.IntegerField()
    to_verify = s.IntegerField(help_text="preliminary readings that wait for me")
    rank_total = s.IntegerField()
    bands = BandCountsSerializer()
    facets = FacetsSerializer()


class HeadSerializer(s.Serializer):  # type: ignore[type-arg]
    """What an answer is true at."""

    seq = s.DictField(child=s.IntegerField())
    now = s.DateTimeField()
    ai_ordering = s.DictField(child=s.BooleanField())


class WindowSerializer(HeadSerializer):
    """Consecutive rows of the list."""

    items = RowSerializer(many=True)
    more = s.BooleanField()
    counts = CountsSerializer(allow_null=True)


class ColleagueSerializer(PersonSerializer):
    """Somebody who has the portal open, and how many items they hold."""

    reading = s.IntegerField()


class SummarySerializer(HeadSerializer):
    """The counters of the list."""

    counts = CountsSerializer()
    people = ColleagueSerializer(many=True)


class ViewSerializer(s.Serializer):  # type: ignore[type-arg]
    """A saved view."""

    id = s.UUIDField()
    name = s.CharField()
    site = NamedSerializer(allow_null=True)
    is_default = s.BooleanField()
    may_delete = s.BooleanField()
    filters = ListFiltersSerializer()
    sort = ListSortSerializer(allow_null=True)
    columns = s.ListField(child=s.CharField())


class ListSettingsSerializer(s.Serializer):  # type: ignore[type-arg]
    """How a person likes the list."""

    columns = s.ListField(child=s.CharField(max_length=32), max_length=40)
    compact = s.BooleanField()


class ViewsSerializer(s.Serializer):  # type: ignore[type-arg]
    """All views of a person, and their settings."""

    items = ViewSerializer(many=True)
    default = s.UUIDField(allow_null=True)
    settings = ListSettingsSerializer()
    plain_columns = s.ListField(child=s.CharField())
    share_at = s.ListField(child=s.UUIDField())


class SaveViewRequest(s.Serializer):  # type: ignore[type-arg]
    """A view to keep; for a site where `site` says which."""

    name = s.CharField(max_length=40)
    site = s.UUIDField(allow_null=True, default=None)
    is_default = s.BooleanField(default=False)
    filters = s.DictField()
    sort = ListSortSerializer(allow_null=True, default=None)
    columns = s.ListField(child=s.CharField(max_length=32), max_length=40)

    def validate_filters(self, value: dict[str, object]) -> dict[str, object]:
        """Keep what the list can be filtered by, as plain JSON."""
        return dict(ListFiltersSerializer(_filled(value)).data)

    def validate_sort(self, value: dict[str, object] | None) -> object:
        """Keep plain JSON."""
        return dict(value) if value else None


class ReaderSerializer(PersonSerializer):
    """Somebody to assign to."""

    sites = s.ListField(child=s.UUIDField())
    assigned = s.IntegerField()
    reading = s.IntegerField()
    here = s.BooleanField()


class ReadersSerializer(s.Serializer):  # type: ignore[type-arg]
    """Everybody to assign to."""

    items = ReaderSerializer(many=True)


class WaitedForSerializer(PersonSerializer):
    """Somebody for whom studies on the list are, and how many."""

    assigned = s.IntegerField()


class AssigneesSerializer(s.Serializer):  # type: ignore[type-arg]
    """Everybody for whom studies on the list are."""

    items = WaitedForSerializer(many=True)


class AssignRequest(s.Serializer):  # type: ignore[type-arg]
    """Which items are for whom; `to` null takes the assignment away."""

    items = s.ListField(child=s.UUIDField(), min_length=1, max_length=MOST)
    to = s.UUIDField(allow_null=True)


class RefusedItemSerializer(s.Serializer):  # type: ignore[type-arg]
    """Why one item was left as it is."""

    id = s.UUIDField()
    code = s.CharField()
    detail = s.CharField()


class AssignedSerializer(s.Serializer):  # type: ignore[type-arg]
    """How an assignment went; `batch` undoes it, null when nothing changed."""

    batch = s.UUIDField(allow_null=True)
    items = RowSerializer(many=True)
    refused = RefusedItemSerializer(many=True)
