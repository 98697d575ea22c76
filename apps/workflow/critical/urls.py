"""Routes of critical results."""

from django.urls import path

from apps.workflow.critical import api

urlpatterns = [
    path(
        "api/worklist/items/<uuid:item_id>/critical-results",
        api.ItemCriticalView.as_view(),
    ),
    path("api/critical-results", api.CriticalListView.as_view()),
    path(
        "api/critical-results/<uuid:critical_id>/close",
        api.CriticalCloseView.as_view(),
    ),
]
