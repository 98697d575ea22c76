"""Every HTTP address: each app names its own, in full."""

from django.urls import include, path

urlpatterns = [
    path("", include("apps.core.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.audit.urls")),
    path("", include("apps.studies.urls")),
    path("", include("apps.inference.urls")),
    path("", include("apps.workflow.urls")),
]

handler404 = "apps.core.api.not_found"
handler500 = "apps.core.api.server_error"
