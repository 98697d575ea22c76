"""Addresses of core."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from apps.core.api import HealthView

urlpatterns = [
    path("api/health", HealthView.as_view(), name="health"),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
]
