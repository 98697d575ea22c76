"""Django application of `apps.studies`."""

from django.apps import AppConfig


class StudiesConfig(AppConfig):
    """Registers `apps.studies` under its short label."""

    name = "apps.studies"
    label = "studies"
    default_auto_field = "django.db.models.BigAutoField"
