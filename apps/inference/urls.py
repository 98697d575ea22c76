"""Routes of the machine API for models and artefacts."""

from django.urls import path

from apps.inference import api

urlpatterns = [
    path("api/machine/models/allowed", api.AllowedModelsView.as_view()),
    path("api/machine/models/<str:package_hash>", api.PackageView.as_view()),
    path("api/machine/artefacts/<str:sha256>", api.ArtefactStoreView.as_view()),
]
