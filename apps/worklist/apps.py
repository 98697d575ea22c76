"""Django application of `apps.worklist`."""

from django.apps import AppConfig


class WorklistConfig(AppConfig):
    """Registers `apps.worklist` under its short label."""

    name = "apps.worklist"
    label = "worklist"
    default_auto_field = "django.db.models.BigAutoField"
