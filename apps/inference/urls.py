"""Routes of the machine API for models and artefacts."""

from django.urls import path

from apps.inference import api, models_api

urlpatterns = [
    path("api/models", models_api.ModelsView.as_view()),
    path("api/models/<uuid:model_id>/uses", models_api.ModelUseView.as_view()),
    path("api/models/<uuid:model_id>/withdraw", models_api.ModelWithdrawView.as_view()),
    path("api/machine/models/allowed", api.AllowedModelsView.as_view()),
    path("api/machine/models/<str:package_hash>", api.PackageView.as_view()),
    path("api/machine/artefacts/<str:sha256>", api.ArtefactStoreView.as_view()),
]
