"""Django application of `apps.workflow`."""

from importlib import import_module

from django.apps import AppConfig


class WorkflowConfig(AppConfig):
    """Registers `apps.workflow` under its short label."""

    name = "apps.workflow"
    label = "workflow"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put the story's parts on the health page."""
        # The checks import models, which exist only once the apps are loaded.
        import_module("apps.workflow.health").register_checks()
