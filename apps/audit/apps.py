"""Django application of `apps.audit`."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Registers `apps.audit` under its short label."""

    name = "apps.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
