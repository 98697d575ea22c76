"""Django application of `apps.reports`."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Registers `apps.reports` under its short label."""

    name = "apps.reports"
    label = "reports"
    default_auto_field = "django.db.models.BigAutoField"
