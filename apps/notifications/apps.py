"""Notifications: what somebody should know of now."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """The app."""

    name = "apps.notifications"
    label = "notifications"
