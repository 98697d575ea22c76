"""Addresses of the audit log."""

from django.urls import path

from apps.audit.api import AuditCheckView, AuditSealsView, AuditView

urlpatterns = [
    path("api/audit", AuditView.as_view(), name="audit"),
    path("api/audit/seals", AuditSealsView.as_view(), name="audit-seals"),
    path("api/audit/checks", AuditCheckView.as_view(), name="audit-checks"),
]
