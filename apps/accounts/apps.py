"""Django application of `apps.accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers `apps.accounts` under its short label."""

    name = "apps.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
