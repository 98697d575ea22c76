"""Django application of `apps.annotations`."""

from django.apps import AppConfig


class AnnotationsConfig(AppConfig):
    """Registers `apps.annotations` under its short label."""

    name = "apps.annotations"
    label = "annotations"
    default_auto_field = "django.db.models.BigAutoField"
