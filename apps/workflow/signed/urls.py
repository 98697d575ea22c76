"""Routes of what was signed."""

from django.urls import path

from apps.workflow.signed import api

urlpatterns = [
    path("api/worklist/items/<uuid:item_id>/look", api.LookView.as_view()),
    path("api/readings", api.SignedView.as_view()),
    path("api/readings/<uuid:reading_id>/verify", api.VerifyView.as_view()),
    path("api/readings/<uuid:reading_id>/send-back", api.SendBackView.as_view()),
    path("api/readings/<uuid:reading_id>/report.<slug:form>", api.ReportView.as_view()),
]
