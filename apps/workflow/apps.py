"""Django application of `apps.workflow`."""

from django.apps import AppConfig


class WorkflowConfig(AppConfig):
    """Registers `apps.workflow` under its short label."""

    name = "apps.workflow"
    label = "workflow"
    default_auto_field = "django.db.models.BigAutoField"
