"""Shapes of a study's discussion on the wire."""

from __future__ import annotations

from rest_framework import serializers as s

from apps.workflow.serializers import PersonSerializer

MOST = 2000
"""Letters of one message."""


class MessageSerializer(s.Serializer):  # type: ignore[type-arg]
    """What one person wrote; it never changes."""

    id = s.UUIDField()
    at = s.DateTimeField()
    author = PersonSerializer()
    mine = s.BooleanField()
    text = s.CharField()
    mentioned = PersonSerializer(many=True)


class CallableSerializer(PersonSerializer):
    """Somebody who may be called: by @ and their username."""

    username = s.CharField()


class DiscussedSerializer(s.Serializer):  # type: ignore[type-arg]
    """Which study it is about."""

    patient = s.CharField()
    study = s.CharField()
    state = s.CharField()


class DiscussionSerializer(s.Serializer):  # type: ignore[type-arg]
    """What was written about a study, the oldest first."""

    about = DiscussedSerializer()
    items = MessageSerializer(many=True)
    hidden_reason = s.CharField(allow_blank=True)
    people = CallableSerializer(many=True)


class MessageRequest(s.Serializer):  # type: ignore[type-arg]
    """What to write."""

    text = s.CharField(max_length=MOST)
