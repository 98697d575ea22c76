"""Django's handle on the package: a name, no models."""

from django.apps import AppConfig


class InteropConfig(AppConfig):
    """Registers the package; it owns no tables."""

    name = "apps.interop"
    label = "interop"
    verbose_name = "Wire formats"
