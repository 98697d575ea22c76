"""Routes of the machine API for models and artefacts."""

from django.urls import path

from apps.inference import api, models_api
from apps.inference import model_imports_api as imports

urlpatterns = [
    path("api/models", models_api.ModelsView.as_view()),
    path("api/models/<uuid:model_id>/uses", models_api.ModelUseView.as_view()),
    path("api/models/<uuid:model_id>/withdraw", models_api.ModelWithdrawView.as_view()),
    path("api/models/<uuid:model_id>/verify", imports.ModelVerifyView.as_view()),
    path("api/model-imports", imports.ModelImportsView.as_view()),
    path("api/model-imports/<uuid:import_id>", imports.ModelImportView.as_view()),
    path(
        "api/model-imports/<uuid:import_id>/files",
        imports.ModelImportFilesView.as_view(),
    ),
    path(
        "api/model-imports/<uuid:import_id>/files/<uuid:file_id>",
        imports.ModelImportFileView.as_view(),
    ),
    path(
        "api/model-imports/<uuid:import_id>/start",
        imports.ModelImportStartView.as_view(),
    ),
    path(
        "api/model-imports/<uuid:import_id>/cancel",
        imports.ModelImportCancelView.as_view(),
    ),
    path("api/machine/models/allowed", api.AllowedModelsView.as_view()),
    path("api/machine/models/<str:package_hash>", api.PackageView.as_view()),
    path("api/machine/artefacts", api.ArtefactsStoreView.as_view()),
    path("api/machine/artefacts/<str:sha256>", api.ArtefactStoreView.as_view()),
]
