"""Routes of the written report."""

from django.urls import path

from apps.workflow.reporting import api

_ITEM = "api/worklist/items/<uuid:item_id>"

urlpatterns = [
    path(f"{_ITEM}/report-draft", api.ReportDraftView.as_view()),
    path(f"{_ITEM}/earlier-reports", api.EarlierReportsView.as_view()),
    path("api/sites/<uuid:site_id>/report-templates", api.TemplatesView.as_view()),
    path(
        "api/sites/<uuid:site_id>/report-templates/<slug:code>/versions",
        api.TemplateVersionsView.as_view(),
    ),
    path(
        "api/sites/<uuid:site_id>/report-template-preview",
        api.TemplatePreviewView.as_view(),
    ),
    path(
        "api/sites/<uuid:site_id>/report-templates/<slug:code>",
        api.TemplateView.as_view(),
    ),
]
