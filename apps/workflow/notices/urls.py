"""Routes of notifications."""

from django.urls import path

from apps.workflow.notices import api

urlpatterns = [
    path("api/notifications", api.NoticesView.as_view()),
    path("api/notifications/unread", api.UnreadView.as_view()),
    path("api/notifications/read", api.ReadView.as_view()),
    path("api/notifications/settings", api.SettingsView.as_view()),
    path("api/notifications/webhook", api.WebhookView.as_view()),
    path("api/notifications/test", api.TestView.as_view()),
]
