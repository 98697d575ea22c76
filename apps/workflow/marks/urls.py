"""Route of signed measurements."""

from django.urls import path

from apps.workflow.marks import api

urlpatterns = [
    path("api/studies/<uuid:study_id>/marks", api.SignedMarksView.as_view()),
]
