"""Verbs of a study's discussion: read it, write to it, call somebody.

What people say of a study may tell what AI found or what a colleague concluded. Who
still has to read it without that is shown their own words alone, and cannot be called
(`kept_apart`, docs/decisions/0010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Invalid
from apps.core.permissions import Permission
from apps.notifications.selectors import people_who_may
from apps.workflow.discussion.mentions import called_in
from apps.workflow.models import StudyMessage
from apps.workflow.notices.telling import tell_mentioned
from apps.workflow.rows import build_person
from apps.workflow.visibility import kept_apart
from apps.worklist.selectors import access_item

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.types import Actor
    from apps.worklist.models import WorkItem

HIDDEN: Final = (
    "What others write about this study shows once it no longer has to be read "
    "without it."
)
SHOWN: Final = 500
"""The newest messages that are shown of a study."""


@transaction.atomic
def show_discussion(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Return what was written about an item's study, and whom one may call; audited."""
    item = _item(actor=actor, item_id=item_id)
    apart = _is_apart(actor=actor, item=item)
    rows = StudyMessage.objects.filter(study_id=item.study_id)
    if apart:
        rows = rows.filter(author_id=actor.user_id)
    newest = list(rows.select_related("author").order_by("-at", "-id")[:SHOWN])
    _record(actor=actor, event=Event.DISCUSSION_READ, item=item, n=len(newest))
    callable_ = _who_may_be_called(actor=actor, item=item)
    study = item.case.revision.study
    called = _people(one for row in newest for one in row.mentioned)
    return {
        "about": {
            "patient": study.patient.name,
            "study": study.description or "/".join(study.modalities),
            "state": item.state,
        },
        "items": [_message(actor, row, called) for row in reversed(newest)],
        "hidden_reason": HIDDEN if apart else "",
        "people": [
            {**build_person(user), "username": user.username} for user in callable_
        ],
    }


@transaction.atomic
def write_message(*, actor: Actor, item_id: UUID, text: str) -> dict[str, Any]:
    """Write to a study's discussion, and tell whom the text calls.

    Raises:
        Invalid: The text calls somebody who is not there, or may not see it: nothing
            is kept then, so that nobody believes a colleague was told.
    """
    item = _item(actor=actor, item_id=item_id)
    people = {
        user.username.lower(): user
        for user in _who_may_be_called(actor=actor, item=item)
    }
    names = called_in(text)
    strange = [name for name in names if name not in people]
    if strange:
        who = ", ".join(f"@{name}" for name in strange)
        raise Invalid(
            "invalid", f"{who}: nobody of this name may see it now.", field="text"
        )
    called = [people[name] for name in names]
    row = StudyMessage.objects.create(
        study_id=item.study_id,
        item=item,
        author_id=actor.person_id,
        at=clock.now(),
        text=text,
        mentioned=[user.pk for user in called],
    )
    _record(
        actor=actor,
        event=Event.DISCUSSION_WRITE,
        item=item,
        message=str(row.id),
        mentioned=[str(user.pk) for user in called],
    )
    tell_mentioned(people=row.mentioned, message_id=row.id, item=item)
    return _message(actor, row, {user.pk: user for user in called})


def _item(*, actor: Actor, item_id: UUID) -> WorkItem:
    return access_item(actor=actor, item_id=item_id, need=Permission.WORKLIST_READ)


def _is_apart(*, actor: Actor, item: WorkItem) -> bool:
    me = actor.person_id
    return me in kept_apart(study_id=item.study_id, people=[me])


def _who_may_be_called(*, actor: Actor, item: WorkItem) -> list[User]:
    there = people_who_may(permission=Permission.WORKLIST_READ, site_id=item.site_id)
    others = set(there) - {actor.user_id}
    others -= kept_apart(study_id=item.study_id, people=others)
    return list(User.objects.filter(id__in=others).order_by("display_name", "id"))


def _people(ids: Iterable[UUID]) -> dict[UUID, User]:
    wanted = set(ids)
    return User.objects.in_bulk(wanted) if wanted else {}


def _message(
    actor: Actor, row: StudyMessage, called: dict[UUID, User]
) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.at,
        "author": build_person(row.author),
        "mine": row.author_id == actor.user_id,
        "text": row.text,
        "mentioned": [
            build_person(called[one]) for one in row.mentioned if one in called
        ],
    }


def _record(*, actor: Actor, event: Event, item: WorkItem, **detail: object) -> None:
    record(
        actor=actor,
        event=event,
        site_id=item.site_id,
        patients=[item.case.revision.study.patient_id],
        studies=[item.study_id],
        object_kind="work_item",
        object_id=item.id,
        detail=detail,
    )
