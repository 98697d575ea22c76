"""Routes of DICOMweb."""

from django.urls import path

from apps.workflow.dicomweb import api

_STUDY = "dicom-web/studies/<str:study_uid>"
_SERIES = f"{_STUDY}/series/<str:series_uid>"
_INSTANCE = f"{_SERIES}/instances/<str:sop_uid>"
_FRAMES = f"{_INSTANCE}/frames/<str:frames>"

urlpatterns = [
    path("dicom-web/studies", api.StudiesView.as_view()),
    path("dicom-web/series", api.SeriesView.as_view()),
    path("dicom-web/instances", api.InstancesView.as_view()),
    path(_STUDY, api.StudyObjectsView.as_view()),
    path(f"{_STUDY}/metadata", api.MetadataView.as_view()),
    path(f"{_STUDY}/series", api.SeriesView.as_view()),
    path(f"{_STUDY}/instances", api.InstancesView.as_view()),
    path(_SERIES, api.ObjectsView.as_view()),
    path(f"{_SERIES}/metadata", api.MetadataView.as_view()),
    path(f"{_SERIES}/instances", api.InstancesView.as_view()),
    path(_INSTANCE, api.ObjectsView.as_view()),
    path(f"{_INSTANCE}/metadata", api.MetadataView.as_view()),
    path(f"{_INSTANCE}/rendered", api.RenderedView.as_view()),
    path(_FRAMES, api.FramesView.as_view()),
    path(f"{_FRAMES}/rendered", api.RenderedView.as_view()),
    path(f"{_INSTANCE}/bulk/<path:path>", api.BulkView.as_view()),
]
