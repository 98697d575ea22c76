"""Django application of `apps.inference`."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Registers `apps.inference` under its short label."""

    name = "apps.inference"
    label = "inference"
    default_auto_field = "django.db.models.BigAutoField"
