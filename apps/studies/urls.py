"""Routes of quarantine, AE titles and the machine API of instances."""

from django.urls import path

from apps.studies import api, held_api, machine_api

_PICTURE = "api/quarantine/<uuid:quarantine_id>/pictures/<str:side>/<str:sop_uid>"
_REVISION = "api/machine/revisions/<uuid:revision_id>/instances"

urlpatterns = [
    path("api/quarantine", api.QuarantineView.as_view()),
    path("api/quarantine/<uuid:quarantine_id>/release", api.ReleaseView.as_view()),
    path("api/quarantine/<uuid:quarantine_id>", held_api.ComparisonView.as_view()),
    path("api/quarantine/<uuid:quarantine_id>/keep", held_api.KeepView.as_view()),
    path("api/quarantine/<uuid:quarantine_id>/accept", held_api.AcceptView.as_view()),
    path(_PICTURE, held_api.PictureView.as_view()),
    path("api/arrival-failures", held_api.FailuresView.as_view()),
    path("api/arrival-failures/<uuid:failure_id>/retry", held_api.RetryView.as_view()),
    path("api/ae-titles", api.AETitlesView.as_view()),
    path("api/ae-titles/<uuid:ae_title_id>", api.AETitleView.as_view()),
    path(_REVISION, machine_api.RevisionInstancesView.as_view()),
    path(f"{_REVISION}/<str:sop_uid>", machine_api.RevisionInstanceView.as_view()),
    path("api/machine/inputs", machine_api.InputsView.as_view()),
    # Only nginx asks these two; they are not reachable from outside.
    path("internal/authorise-pixels", api.AuthorisePixelsView.as_view()),
    path("internal/pixels/<uuid:revision_id>/<path:path>", api.PackFileView.as_view()),
]
