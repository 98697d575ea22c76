"""Routes of slots."""

from django.urls import path

from apps.workflow.slots import api

_SLOT = "api/slots/<uuid:slot_id>"

urlpatterns = [
    path("api/sites/<uuid:site_id>/slots", api.SlotsView.as_view()),
    path(f"{_SLOT}/versions", api.SlotVersionsView.as_view()),
    path(f"{_SLOT}/promote", api.SlotPromoteView.as_view()),
    path(f"{_SLOT}/roll-back", api.SlotRollBackView.as_view()),
    path(f"{_SLOT}/empty", api.SlotEmptyView.as_view()),
    path(f"{_SLOT}/threshold", api.SlotThresholdView.as_view()),
    path(f"{_SLOT}/comparison", api.SlotComparisonView.as_view()),
    path(f"{_SLOT}/calibration", api.SlotCalibrationView.as_view()),
    path(f"{_SLOT}/routing-trial", api.RoutingTrialView.as_view()),
]
