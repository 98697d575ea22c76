"""Routes of objects from PACS."""

from django.urls import path, register_converter

from apps.workflow.foreign import api


class Uid:
    """A DICOM UID in a path."""

    regex = r"[0-9]+(?:\.[0-9]+)*"

    def to_python(self, value: str) -> str:
        """Return the UID."""
        return value

    def to_url(self, value: str) -> str:
        """Return the UID."""
        return value


register_converter(Uid, "dicom_uid")

_OBJECTS = "api/studies/<uuid:study_id>/objects"
_OBJECT = f"{_OBJECTS}/<dicom_uid:sop_uid>"

urlpatterns = [
    path(_OBJECTS, api.ObjectsView.as_view()),
    path(_OBJECT, api.ObjectView.as_view()),
    path(f"{_OBJECT}/maps/<int:number>", api.MapView.as_view()),
    path(f"{_OBJECT}/segments/<int:number>", api.SegmentView.as_view()),
]
