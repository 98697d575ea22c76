"""Addresses of the audit log."""

from django.urls import path

from apps.audit.api import AuditView

urlpatterns = [path("api/audit", AuditView.as_view(), name="audit")]
