"""Session, accounts and memberships over REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import Membership, Role, User
from apps.accounts.people import change_person, reset_password
from apps.accounts.selectors import actor_of, member_sites
from apps.accounts.services import (
    add_member,
    grant_membership,
    list_users,
    revoke_membership,
)
from apps.accounts.sessions import change_password, log_in, log_out
from apps.core.access import LoggedIn, Open, needs
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from uuid import UUID

    from rest_framework.request import Request

    from apps.accounts.types import Actor


class SessionSiteSerializer(serializers.Serializer[Any]):
    """A site of mine and what I am there."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices))


class SessionUserSerializer(serializers.Serializer[Any]):
    """Who is logged in."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    initials = serializers.CharField()
    sites = SessionSiteSerializer(many=True)
    permissions = serializers.ListField(
        child=serializers.ChoiceField(choices=[p.value for p in Permission])
    )
    must_change_password = serializers.BooleanField()


class SessionSerializer(serializers.Serializer[Any]):
    """The session; `user` is null for a stranger."""

    user = SessionUserSerializer(allow_null=True)
    csrf_token = serializers.CharField()


class NewPasswordSerializer(serializers.Serializer[Any]):
    """A password of one's own."""

    current = serializers.CharField(max_length=1024, trim_whitespace=False)
    new = serializers.CharField(max_length=1024, trim_whitespace=False)


class LoginSerializer(serializers.Serializer[Any]):
    """Name and password."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


def _session_body(request: Request, actor: Actor | None) -> dict[str, Any]:
    plain = request._request
    temporary = getattr(plain.user, "password_is_temporary", False)
    return {"user": _me(actor, temporary=temporary), "csrf_token": get_token(plain)}


def _me(actor: Actor | None, *, temporary: bool) -> dict[str, Any] | None:
    if actor is None:
        return None
    shown = User(username=actor.username, display_name=actor.display_name)
    sites = [
        {
            "id": str(site.id),
            "name": site.name,
            "roles": sorted(actor.roles_at(site.id)),
        }
        for site in member_sites(actor=actor)
    ]
    return {
        "id": str(actor.user_id),
        "username": actor.username,
        "display_name": actor.display_name,
        "initials": shown.initials,
        "sites": sites,
        "permissions": sorted(p.value for p in actor.permissions()),
        "must_change_password": temporary,
    }


class SessionView(APIView):
    """Who am I; log in; log out."""

    permission_classes = [Open]

    @extend_schema(operation_id="get_session", responses=SessionSerializer)
    def get(self, request: Request) -> Response:
        """Return who is logged in (null for nobody) and a CSRF token."""
        known = cast("Actor | None", request.auth)
        return Response(_session_body(request, known))

    @extend_schema(
        operation_id="create_session",
        request=LoginSerializer,
        responses=SessionSerializer,
    )
    def post(self, request: Request) -> Response:
        """Log in; a session that was there ends."""
        given = LoginSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        actor = log_in(request=request._request, **given.validated_data)
        return Response(_session_body(request, actor))

    @extend_schema(operation_id="delete_session", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Log out."""
        log_out(request=request._request)
        return Response(status=204)


class SessionPasswordView(APIView):
    """The password of whoever is logged in."""

    permission_classes = [LoggedIn]

    @extend_schema(
        operation_id="change_password",
        request=NewPasswordSerializer,
        responses=SessionSerializer,
    )
    def post(self, request: Request) -> Response:
        """Change it; other sessions of the account end."""
        given = NewPasswordSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        actor = change_password(request=request._request, **given.validated_data)
        return Response(_session_body(request, actor))


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    """What an account is at a site."""

    site_name = serializers.CharField(source="site.name", read_only=True)

    class Meta:
        """The fields."""

        model = Membership
        fields = ["id", "site", "site_name", "role"]


class UserSerializer(serializers.ModelSerializer[User]):
    """An account, with its memberships at the sites that the asker manages."""

    memberships = serializers.SerializerMethodField()

    class Meta:
        """The fields."""

        model = User
        fields = [
            "id",
            "username",
            "display_name",
            "email",
            "is_active",
            "password_is_temporary",
            "last_login",
            "memberships",
        ]

    @extend_schema(responses=MembershipSerializer(many=True))
    def get_memberships(self, user: User) -> list[dict[str, Any]]:
        """Leave out what the account is elsewhere."""
        actor: Actor = self.context["actor"]
        sites = actor.sites_with(Permission.USER_MANAGE)
        mine = [m for m in user.memberships.all() if m.site_id in sites]
        return [dict(row) for row in MembershipSerializer(mine, many=True).data]


class UserListSerializer(serializers.Serializer[Any]):
    """All accounts that the asker manages."""

    items = UserSerializer(many=True)


class NewMembershipSerializer(serializers.Serializer[Any]):
    """Which role where."""

    site = serializers.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices)


class NewUserSerializer(NewMembershipSerializer):
    """A new account and what it is where."""

    username = serializers.RegexField(r"^[\w.@+-]{2,150}$")
    display_name = serializers.CharField(max_length=150)
    email = serializers.EmailField(required=False, default="")
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class PersonSerializer(serializers.Serializer[Any]):
    """What of an account may be changed."""

    display_name = serializers.CharField(max_length=150, required=False)
    email = serializers.EmailField(required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)


class TemporaryPasswordSerializer(serializers.Serializer[Any]):
    """A password that its owner has to replace."""

    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class UsersView(APIView):
    """The accounts of my sites."""

    permission_classes = [needs(Permission.USER_MANAGE)]

    @extend_schema(operation_id="list_users", responses=UserListSerializer)
    def get(self, request: Request) -> Response:
        """Return the accounts that the asker manages."""
        actor = actor_of(request)
        users = list_users(actor=actor)
        rows = UserSerializer(users, many=True, context={"actor": actor}).data
        return Response({"items": rows})

    @extend_schema(
        operation_id="create_user",
        request=NewUserSerializer,
        responses={201: UserSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create an account with its first role."""
        given = NewUserSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        actor = actor_of(request)
        user = add_member(actor=actor, site_id=fields.pop("site"), **fields)
        return Response(UserSerializer(user, context={"actor": actor}).data, status=201)


class UserView(APIView):
    """One account."""

    permission_classes = [needs(Permission.USER_MANAGE)]

    @extend_schema(
        operation_id="change_user", request=PersonSerializer, responses=UserSerializer
    )
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change name, e-mail or whether it may be used."""
        given = PersonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        actor = actor_of(request)
        user = change_person(
            actor=actor, user_id=user_id, changes=dict(given.validated_data)
        )
        return Response(UserSerializer(user, context={"actor": actor}).data)


class UserPasswordView(APIView):
    """A password for somebody who has lost theirs."""

    permission_classes = [needs(Permission.USER_MANAGE)]

    @extend_schema(
        operation_id="reset_password",
        request=TemporaryPasswordSerializer,
        responses={204: None},
    )
    def post(self, request: Request, user_id: UUID) -> Response:
        """Set a temporary password; the person's sessions and tokens end."""
        given = TemporaryPasswordSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        reset_password(actor=actor_of(request), user_id=user_id, **given.validated_data)
        return Response(status=204)


class UserMembershipsView(APIView):
    """What one account is."""

    permission_classes = [needs(Permission.USER_MANAGE)]

    @extend_schema(
        operation_id="grant_membership",
        request=NewMembershipSerializer,
        responses={201: MembershipSerializer},
    )
    def post(self, request: Request, user_id: UUID) -> Response:
        """Give the account a role at a site."""
        given = NewMembershipSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        membership = grant_membership(
            actor=actor_of(request),
            user_id=user_id,
            site_id=given.validated_data["site"],
            role=Role(given.validated_data["role"]),
        )
        return Response(MembershipSerializer(membership).data, status=201)


class MembershipView(APIView):
    """One role at one site."""

    permission_classes = [needs(Permission.USER_MANAGE)]

    @extend_schema(operation_id="revoke_membership", responses={204: None})
    def delete(self, request: Request, membership_id: UUID) -> Response:
        """Take it away."""
        revoke_membership(actor=actor_of(request), membership_id=membership_id)
        return Response(status=204)
