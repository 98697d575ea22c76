"""Shapes of notifications on the wire (OpenAPI)."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.notifications.types import Channel, Kind


class NoticeAboutSerializer(s.Serializer):  # type: ignore[type-arg]
    """Whose study it is, for somebody who may see it."""

    patient = s.CharField()
    study = s.CharField()
    state = s.CharField()
    band = s.CharField()


class NoticeSerializer(s.Serializer):  # type: ignore[type-arg]
    """What a person was told."""

    id = s.UUIDField()
    kind = s.ChoiceField(choices=[kind.value for kind in Kind])
    title = s.CharField()
    site = s.CharField(allow_blank=True)
    item_id = s.UUIDField(allow_null=True)
    n = s.IntegerField()
    at = s.DateTimeField()
    read_at = s.DateTimeField(allow_null=True)
    about = NoticeAboutSerializer(allow_null=True)


class NoticesSerializer(s.Serializer):  # type: ignore[type-arg]
    """A page of notifications, newest first."""

    items = NoticeSerializer(many=True)
    unread = s.IntegerField()
    next_cursor = s.CharField(allow_null=True)


class NoticesUnreadSerializer(s.Serializer):  # type: ignore[type-arg]
    """How many are not read."""

    unread = s.IntegerField()


class ReadRequest(s.Serializer):  # type: ignore[type-arg]
    """Which were read; all of them where `ids` is null."""

    ids = s.ListField(child=s.UUIDField(), allow_null=True, max_length=200)


class NoticeKindSerializer(s.Serializer):  # type: ignore[type-arg]
    """A kind, and by which channels it comes."""

    kind = s.CharField()
    title = s.CharField()
    channels = s.DictField(child=s.BooleanField())


class NoticeEmailSerializer(s.Serializer):  # type: ignore[type-arg]
    """Where e-mail goes, and whether this portal sends any."""

    address = s.CharField(allow_blank=True)
    is_on = s.BooleanField()


class NoticeWebhookSerializer(s.Serializer):  # type: ignore[type-arg]
    """Where messages are posted to."""

    url = s.CharField()
    created_at = s.DateTimeField()
    failed_since = s.DateTimeField(allow_null=True)
    problem = s.CharField(allow_blank=True)


class NoticeSettingsSerializer(s.Serializer):  # type: ignore[type-arg]
    """A person's choices."""

    kinds = NoticeKindSerializer(many=True)
    email = NoticeEmailSerializer()
    webhook = NoticeWebhookSerializer(allow_null=True)


class NoticeSettingsRequest(s.Serializer):  # type: ignore[type-arg]
    """Kind → channel → wanted; what is left out stays."""

    choices = s.DictField(child=s.DictField(child=s.BooleanField()))


class WebhookRequest(s.Serializer):  # type: ignore[type-arg]
    """Where to post to."""

    url = s.CharField(max_length=500)


class WebhookMadeSerializer(s.Serializer):  # type: ignore[type-arg]
    """The webhook with its secret, which is shown this once."""

    webhook = NoticeWebhookSerializer()
    secret = s.CharField()


class NoticeTestRequest(s.Serializer):  # type: ignore[type-arg]
    """By which channel to try."""

    channel = s.ChoiceField(choices=[Channel.EMAIL.value, Channel.WEBHOOK.value])
