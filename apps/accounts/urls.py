"""Addresses of accounts."""

from django.urls import path

from apps.accounts import schema as schema  # registers itself with drf-spectacular
from apps.accounts.api import (
    MembershipView,
    SessionPasswordView,
    SessionView,
    UserMembershipsView,
    UserPasswordView,
    UsersView,
    UserView,
)
from apps.accounts.hotkeys_api import HotkeysView
from apps.accounts.tokens_api import TokensView, TokenView

urlpatterns = [
    path("api/session", SessionView.as_view(), name="session"),
    path(
        "api/session/password",
        SessionPasswordView.as_view(),
        name="session-password",
    ),
    path("api/users/<uuid:user_id>", UserView.as_view(), name="user"),
    path(
        "api/users/<uuid:user_id>/password",
        UserPasswordView.as_view(),
        name="user-password",
    ),
    path("api/users", UsersView.as_view(), name="users"),
    path(
        "api/users/<uuid:user_id>/memberships",
        UserMembershipsView.as_view(),
        name="user-memberships",
    ),
    path(
        "api/memberships/<uuid:membership_id>",
        MembershipView.as_view(),
        name="membership",
    ),
    path("api/hotkeys", HotkeysView.as_view(), name="hotkeys"),
    path("api/tokens", TokensView.as_view(), name="tokens"),
    path("api/tokens/<uuid:token_id>", TokenView.as_view(), name="token"),
]
