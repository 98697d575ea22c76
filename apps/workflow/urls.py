"""Routes of the worklist and the reading room."""

from django.urls import include, path

from apps.workflow import (
    api,
    dead_letters_api,
    exports_api,
    protocols_api,
    site_policy_api,
    studies_api,
)
from apps.workflow.intake import api as intake

_ITEM = "api/worklist/items/<uuid:item_id>"

_INTAKE = "api/intakes/<uuid:intake_id>"

urlpatterns = [
    path("api/worklist", api.WorklistView.as_view()),
    path("api/worklist/take-next", api.TakeNextView.as_view()),
    path(_ITEM, api.ItemView.as_view()),
    path(f"{_ITEM}/why", api.WhyView.as_view()),
    path(f"{_ITEM}/lease", api.LeaseView.as_view()),
    path(f"{_ITEM}/band", api.BandView.as_view()),
    path(f"{_ITEM}/ai", api.AiView.as_view()),
    path(f"{_ITEM}/artefacts/<uuid:artefact_id>", api.ArtefactView.as_view()),
    path(f"{_ITEM}/reading", api.ReadingView.as_view()),
    path(f"{_ITEM}/commit", api.CommitView.as_view()),
    path(f"{_ITEM}/sign", api.SignView.as_view()),
    path(f"{_ITEM}/amend", api.AmendView.as_view()),
    path("api/protocols", protocols_api.ProtocolsView.as_view()),
    path("api/protocols/<uuid:protocol_id>", protocols_api.ProtocolView.as_view()),
    path("api/sites/<uuid:site_id>/ai-ordering", api.AiOrderingView.as_view()),
    path("api/sites/<uuid:site_id>/policy", site_policy_api.SitePolicyView.as_view()),
    path(
        "api/sites/<uuid:site_id>/simulation",
        site_policy_api.SimulationView.as_view(),
    ),
    path("api/studies", studies_api.StudiesView.as_view()),
    path("api/studies/<uuid:study_id>", studies_api.StudyView.as_view()),
    path("api/studies/<uuid:study_id>/open", api.StudyOpenView.as_view()),
    path("api/studies/<uuid:study_id>/manifest", api.ManifestView.as_view()),
    path("api/runs", dead_letters_api.RunsView.as_view()),
    path("api/runs/<uuid:run_id>/retry", dead_letters_api.RunRetryView.as_view()),
    path("api/explanations", dead_letters_api.ExplanationsView.as_view()),
    path(
        "api/explanations/<uuid:explanation_id>/retry",
        dead_letters_api.ExplanationRetryView.as_view(),
    ),
    path("api/comparisons", dead_letters_api.ComparisonsView.as_view()),
    path(
        "api/comparisons/<uuid:comparison_id>/retry",
        dead_letters_api.ComparisonRetryView.as_view(),
    ),
    path("api/interpolations", dead_letters_api.InterpolationsView.as_view()),
    path(
        "api/interpolations/<uuid:job_id>/retry",
        dead_letters_api.InterpolationRetryView.as_view(),
    ),
    path("api/exports", exports_api.ExportsView.as_view()),
    path("api/packs", dead_letters_api.PacksView.as_view()),
    path(
        "api/packs/<uuid:revision_id>/retry", dead_letters_api.PackRetryView.as_view()
    ),
    path("api/intakes", intake.IntakesView.as_view()),
    path(_INTAKE, intake.IntakeView.as_view()),
    path(f"{_INTAKE}/files", intake.IntakeFilesView.as_view()),
    path(f"{_INTAKE}/files/<uuid:file_id>", intake.IntakeFileView.as_view()),
    path(f"{_INTAKE}/finish", intake.IntakeFinishView.as_view()),
    path("", include("apps.workflow.dicomweb.urls")),
    path("", include("apps.workflow.critical.urls")),
    path("", include("apps.workflow.discussion.urls")),
    path("", include("apps.workflow.notices.urls")),
    path("", include("apps.workflow.reporting.urls")),
    path("", include("apps.workflow.signed.urls")),
    path("", include("apps.workflow.foreign.urls")),
    path("", include("apps.workflow.hanging.urls")),
    path("", include("apps.workflow.marks.urls")),
    path("", include("apps.workflow.segments.urls")),
    path("", include("apps.workflow.lists.urls")),
    path("", include("apps.workflow.longitudinal.urls")),
    path("", include("apps.workflow.slots.urls")),
    path("api/vocabulary", api.VocabularyView.as_view()),
]
