"""Routes of segmentations."""

from django.urls import path

from apps.workflow.segments import api

_ITEM = "api/worklist/items/<uuid:item_id>"

urlpatterns = [
    path(f"{_ITEM}/segment-slices/<str:sha256>", api.SliceView.as_view()),
    path(
        "api/studies/<uuid:study_id>/segmentations",
        api.SignedSegmentationsView.as_view(),
    ),
]
