"""Routes of hanging and of earlier studies."""

from django.urls import path

from apps.workflow.hanging import api

urlpatterns = [
    path("api/studies/<uuid:study_id>/hanging", api.HangingView.as_view()),
    path("api/studies/<uuid:study_id>/priors", api.PriorsView.as_view()),
    path("api/layouts", api.LayoutsView.as_view()),
    path("api/layouts/<uuid:layout_id>", api.LayoutView.as_view()),
]
