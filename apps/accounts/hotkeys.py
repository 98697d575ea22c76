"""The keys that a person chose for commands of the browser, in place of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.db import transaction

from apps.accounts.models import Hotkeys
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.accounts.types import Actor

Keys = dict[str, list[str]]
"""Strokes by command, the printed one first; an empty list leaves it without a key."""

_MAX_COMMANDS: Final = 300
_MAX_STROKES: Final = 4
_MAX_LENGTH: Final = 40
_COMMAND: Final = re.compile(r"[a-z]+\.[a-z0-9-]{1,60}\Z")


def my_hotkeys(*, actor: Actor) -> Keys:
    """Return the commands whose keys the actor changed."""
    kept = Hotkeys.objects.filter(user_id=actor.person_id).first()
    return dict(kept.keys) if kept else {}


@transaction.atomic
def save_hotkeys(*, actor: Actor, keys: Mapping[str, Sequence[str]]) -> Keys:
    """Keep all that the actor changed, in place of what was kept before.

    Which commands there are, and which strokes clash, is the browser's to know; what
    it does not know it leaves alone.

    Raises:
        Invalid: It is more, or longer, than any choice of keys can be.
    """
    chosen = {command: list(strokes) for command, strokes in keys.items()}
    _require_sound(chosen)
    Hotkeys.objects.update_or_create(user_id=actor.person_id, defaults={"keys": chosen})
    record(
        actor=actor,
        event=Event.HOTKEYS_SAVE,
        object_kind="user",
        object_id=actor.person_id,
        detail={"n": len(chosen)},
    )
    return chosen


def _require_sound(keys: Keys) -> None:
    if len(keys) > _MAX_COMMANDS:
        raise Invalid("invalid", f"keys: at most {_MAX_COMMANDS}.", field="keys")
    for command, strokes in keys.items():
        if not _COMMAND.match(command):
            raise Invalid("invalid", "keys: a command has a name.", field="keys")
        if len(strokes) > _MAX_STROKES:
            raise Invalid(
                "invalid", f"keys: at most {_MAX_STROKES} a command.", field="keys"
            )
        if any(not 0 < len(one) <= _MAX_LENGTH or "\x00" in one for one in strokes):
            raise Invalid("invalid", "keys: a key is 1 to 40 letters.", field="keys")
