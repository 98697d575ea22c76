"""Django application of `apps.core`."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Registers `apps.core` under its short label."""

    name = "apps.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"
