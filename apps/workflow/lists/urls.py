"""Routes of the worklist page."""

from django.urls import path

from apps.workflow.lists import api

_ASSIGNMENT = "api/worklist/assignments"

urlpatterns = [
    path("api/worklist/window", api.WindowView.as_view()),
    path("api/worklist/summary", api.SummaryView.as_view()),
    path("api/worklist/views", api.ViewsView.as_view()),
    path("api/worklist/views/<uuid:view_id>", api.SavedViewView.as_view()),
    path("api/worklist/settings", api.SettingsView.as_view()),
    path("api/worklist/readers", api.ReadersView.as_view()),
    path("api/worklist/assignees", api.AssigneesView.as_view()),
    path(_ASSIGNMENT, api.AssignView.as_view()),
    path(f"{_ASSIGNMENT}/<uuid:batch_id>/undo", api.UndoAssignView.as_view()),
]
