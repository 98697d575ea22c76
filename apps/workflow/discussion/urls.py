"""Routes of a study's discussion."""

from django.urls import path

from apps.workflow.discussion import api

urlpatterns = [
    path("api/worklist/items/<uuid:item_id>/discussion", api.DiscussionView.as_view()),
]
