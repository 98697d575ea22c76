"""Routes of the exports page."""

from django.urls import path

from apps.reports import api

urlpatterns = [path("api/exports", api.ExportsView.as_view())]
