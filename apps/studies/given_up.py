"""Work that failed at the actor's sites: which, and what may be tried again.

Inference runs, comparisons, packs and whatever else a worker may fail at follow one
rule: who may see an export of the site may see its work, and who may retry dead letters
there may have another try at what failed. What another try takes is each kind's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final, TypeVar, cast
from uuid import UUID

from django.db.models import Model, QuerySet

from apps.core.errors import Conflict, Forbidden, NotFound
from apps.core.permissions import Permission

if TYPE_CHECKING:
    from apps.accounts.types import Actor
    from apps.studies.models import Study

Row = TypeVar("Row", bound=Model)

_FAILED: Final = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of work.

    Attributes:
        name: As a sentence says it, such as "comparison".
        study: Way from a row to its study, as Django's lookups write it.
        state: The field that says "failed" of what was given up.
    """

    name: str
    study: str
    state: str = "state"


def work_at(
    *, actor: Actor, work: Work, rows: QuerySet[Row], state: str
) -> QuerySet[Row]:
    """Return those rows that are of the actor's sites, the last changed first.

    Args:
        actor: Who asks.
        work: What kind of work the rows are.
        rows: Of any site, with what is to be shown of them.
        state: Only those in this state; all for "".

    Raises:
        Forbidden: The actor sees exports of no site.
    """
    sites = actor.sites_with(Permission.EXPORT_READ)
    if not sites:
        raise Forbidden("forbidden", f"Your role does not see {work.name}s.")
    found = rows.filter(**{f"{work.study}__site_id__in": sites})
    if state:
        found = found.filter(**{work.state: state})
    return found.order_by("-updated_at", "-id")


def access_failed(
    *, actor: Actor, work: Work, rows: QuerySet[Row], row_id: UUID
) -> Row:
    """Return a row that failed, locked, if the actor may have it tried again.

    Args:
        actor: Who asks.
        work: What kind of work the rows are.
        rows: Of any site, with what the next try takes; their study is loaded here.
        row_id: Which of them.

    Raises:
        NotFound: There is none, or not at a site where the actor may do that.
        Conflict: It has not failed.
    """
    locked = rows.select_for_update(of=("self",)).select_related(work.study)
    row = locked.filter(pk=row_id).first()
    if row is None or not actor.can(
        Permission.DEAD_LETTER_RETRY, study_of(row, work=work).site_id
    ):
        raise NotFound("not_found", f"There is no such {work.name}.")
    require_failed(row, work=work)
    return row


def require_failed(row: Model, *, work: Work) -> None:
    """Raise `Conflict` unless the row failed."""
    state = getattr(row, work.state)
    if state != _FAILED:
        raise Conflict(
            "not_failed", f"This {work.name} is {state}: nothing to try again."
        )


def study_of(row: Model, *, work: Work) -> Study:
    """Return whose study a row is about."""
    return cast("Study", reduce(getattr, work.study.split("__"), row))
