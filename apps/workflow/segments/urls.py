"""Routes of segmentations."""

from django.urls import path

from apps.workflow.segments import api, machine_api

_ITEM = "api/worklist/items/<uuid:item_id>"
_JOB = "api/machine/segment-interpolations/<uuid:job_id>"

urlpatterns = [
    path(f"{_ITEM}/segment-slices/<str:sha256>", api.SliceView.as_view()),
    path(f"{_ITEM}/segment-interpolations", api.InterpolationsView.as_view()),
    path(
        f"{_ITEM}/segment-interpolations/<uuid:job_id>", api.InterpolationView.as_view()
    ),
    path(
        "api/studies/<uuid:study_id>/segmentations",
        api.SignedSegmentationsView.as_view(),
    ),
    path(_JOB, machine_api.WorkView.as_view()),
    path(f"{_JOB}/slices/<str:sha256>", machine_api.WorkSliceView.as_view()),
]
