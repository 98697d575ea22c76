"""Every socket address, in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path

from apps.workflow.consumers import WorklistConsumer

if TYPE_CHECKING:
    from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = [
    path("ws/worklist", WorklistConsumer.as_asgi()),  # type: ignore[arg-type]
]
