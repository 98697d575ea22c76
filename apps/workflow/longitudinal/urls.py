"""Routes of comparisons, for workers; readers get them with what the AI says."""

from django.urls import path

from apps.workflow.longitudinal import machine_api

_WORK = "api/machine/comparisons/<uuid:comparison_id>"

urlpatterns = [
    path(_WORK, machine_api.WorkView.as_view()),
    path(f"{_WORK}/masks/<str:sha256>", machine_api.WorkMaskView.as_view()),
]
