"""Verbs of slots: what models a site uses, and how their scores are read.

Every change is a new version with a reason, in one audited action. What nobody has
begun to read is read anew by it (`adopt_slots`, from `workflow.settle_slots`); what
somebody has read, or is reading, stays as that person saw it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q

from apps.accounts.models import Site
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.core.queue import enqueue
from apps.core.steps import Step
from apps.inference.models import InferenceRun, ModelVersion, Slot
from apps.inference.slot_routing import parse_routing
from apps.inference.types import FINAL_STATES, Acuity, SlotKind
from apps.inference.verifying import require_trusted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from apps.accounts.types import Actor

_GONE = "There is no such slot, or it is not yours to see."


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotChange:
    """What is to be otherwise in a slot's next version; None leaves it.

    Attributes:
        thresholds: Label code → displayed probability, above 0 and at most 1.
        acuities: Label code → acuity.
        calibrations: Label code → a fitted calibration, or None for the package's.
        routing: The rule of `apps.inference.slot_routing`; {} gives it all that fits.
    """

    thresholds: Mapping[str, float] | None = None
    acuities: Mapping[str, str] | None = None
    calibrations: Mapping[str, dict[str, Any] | None] | None = None
    routing: Mapping[str, Any] | None = None


def access_slot(*, actor: Actor, slot_id: UUID, need: Permission) -> Slot:
    """Return one version of a slot of a site where the actor may `need`.

    Raises:
        NotFound: There is none, or it is of a site that is not the actor's.
        Forbidden: The actor's role at the site does not allow `need`.
    """
    slot = (
        Slot.objects.select_related("site", "model_version", "made_by")
        .filter(id=slot_id)
        .first()
    )
    if slot is None or not actor.is_member(slot.site_id):
        raise NotFound("not_found", _GONE)
    if not actor.can(need, slot.site_id):
        raise Forbidden("forbidden", "Your role at this site does not allow this.")
    return slot


def slots_at(*, actor: Actor, site_id: UUID) -> list[Slot]:
    """Return the versions that hold at a site: by task, live first.

    Raises:
        NotFound, Forbidden: The actor may not see the site's slots.
    """
    if not actor.is_member(site_id):
        raise NotFound("not_found", "There is no such site, or it is not yours.")
    if not actor.can(Permission.SITE_MANAGE, site_id):
        raise Forbidden("forbidden", "Your role at this site does not allow this.")
    found = Slot.objects.select_related("site", "model_version", "made_by").filter(
        site_id=site_id, active=True
    )
    order = list(SlotKind)
    return sorted(found, key=lambda s: (s.task, order.index(SlotKind(s.kind))))


def was_used(*, site: Site, model: ModelVersion) -> bool:
    """Say whether a site ever decided about a model, be it against it."""
    return Slot.objects.filter(site=site, model_version=model).exists()


def versions_of(*, slot: Slot) -> QuerySet[Slot]:
    """Return all versions of a slot's site and task, the newest first."""
    return (
        Slot.objects.select_related("model_version", "made_by")
        .filter(site_id=slot.site_id, task=slot.task)
        .order_by("-number")
    )


@transaction.atomic
def fill_slot(
    *,
    actor: Actor,
    site: Site,
    model: ModelVersion,
    kind: SlotKind = SlotKind.LIVE,
    task: str = "",
    reason: str = "",
) -> Slot:
    """Put a model version into use at a site with its card's thresholds.

    Args:
        actor: Who does it; that they may was asked before.
        site: Where.
        model: Which.
        kind: As what.
        task: The slot that it is for; its own name by default.
        reason: Why, for the record.

    Raises:
        Invalid: The slot is about other findings.
    """
    Site.objects.select_for_update().get(id=site.pk)
    existing = Slot.objects.filter(site=site, model_version=model, active=True).first()
    if existing is not None and existing.kind == kind and task in ("", existing.task):
        return existing
    task = task or (existing.task if existing else model.name)
    _require_same_task(site=site, task=task, model=model)
    slot = _new_version(
        actor=actor,
        like=Slot(
            site=site,
            model_version=model,
            task=task,
            kind=kind,
            thresholds={
                label["code"]: float(label["threshold"])
                for label in model.card["labels"]
            },
            acuities={label["code"]: label["acuity"] for label in model.card["labels"]},
            routing=_routing_of(site=site, task=task),
        ),
        reason=reason,
    )
    _audit(actor, Event.SLOT_FILL, slot, model=str(model), kind=kind)
    return slot


def _require_same_task(*, site: Site, task: str, model: ModelVersion) -> None:
    others = Slot.objects.select_related("model_version").filter(site=site, task=task)
    latest = others.order_by("-number").first()
    if latest is None or latest.model_version.name == model.name:
        return
    codes = {label["code"] for label in model.card["labels"]}
    if not codes & set(latest.thresholds):
        raise Invalid(
            "other_findings",
            f"task: {model} says nothing of what the slot “{task}” is about.",
        )


def _routing_of(*, site: Site, task: str) -> dict[str, Any]:
    """Return the rule that a slot's other kinds have: they are given the same."""
    active = Slot.objects.filter(site=site, task=task, active=True).order_by("number")
    live = active.filter(kind=SlotKind.LIVE).first() or active.first()
    return dict(live.routing) if live else {}


def _new_version(*, actor: Actor, like: Slot, reason: str) -> Slot:
    """Save a version, and end what was in its place and where its model was."""
    now = clock.now()
    same = Slot.objects.filter(site=like.site)
    same.filter(
        Q(task=like.task, kind=like.kind) | Q(model_version=like.model_version),
        active=True,
    ).update(active=False, ended_at=now, settled_at=None)
    last = same.filter(task=like.task).aggregate(last=Max("number"))["last"]
    like.number = (last or 0) + 1
    like.active = True
    like.reason = reason.strip()[:400]
    like.made_by_id = actor.user_id
    like.save()
    _settle(site_id=like.site_id)
    return like


def _settle(*, site_id: UUID) -> None:
    enqueue(Step.SETTLE_SLOTS, site_id=str(site_id))


def _copy(slot: Slot, **changes: Any) -> Slot:
    """Return an unsaved version that says what another says, but for changes."""
    fields: dict[str, Any] = {
        "site": slot.site,
        "model_version": slot.model_version,
        "task": slot.task,
        "kind": slot.kind,
        "thresholds": dict(slot.thresholds),
        "acuities": dict(slot.acuities),
        "calibrations": dict(slot.calibrations),
        "routing": dict(slot.routing),
    }
    return Slot(**{**fields, **changes})


@transaction.atomic
def change_slot(
    *, actor: Actor, slot_id: UUID, change: SlotChange, reason: str
) -> Slot:
    """Let another version hold: other thresholds, acuities, calibration, routing.

    Raises:
        Invalid: A value is out of range, or no reason is given.
        Conflict: Another version holds already; or nothing differs.
    """
    slot = _holding(actor=actor, slot_id=slot_id, reason=reason)
    made = _copy(slot)
    if change.thresholds is not None:
        made.thresholds = {**made.thresholds, **_thresholds(slot, change.thresholds)}
    if change.acuities is not None:
        made.acuities = {**made.acuities, **_acuities(slot, change.acuities)}
    if change.calibrations is not None:
        _require_codes(slot, change.calibrations, "calibrations")
        merged = {**made.calibrations, **change.calibrations}
        made.calibrations = {code: one for code, one in merged.items() if one}
    if change.routing is not None:
        made.routing = parse_routing(raw=change.routing).plain()
    changed = {name: _difference(slot, made, name) for name in _SAID}
    changed = {name: what for name, what in changed.items() if what}
    if not changed:
        raise Conflict("unchanged", "Nothing differs from the version that holds.")
    _new_version(actor=actor, like=made, reason=reason)
    _audit(actor, Event.SLOT_CHANGE, made, changes=changed)
    return made


_SAID = ("thresholds", "acuities", "calibrations", "routing")


def _difference(before: Slot, after: Slot, name: str) -> dict[str, Any]:
    old, new = getattr(before, name), getattr(after, name)
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    if name == "calibrations":
        return {k: [_method(old.get(k)), _method(new.get(k))] for k in keys}
    return {key: [old.get(key), new.get(key)] for key in keys}


def _method(fitted: Mapping[str, Any] | None) -> str:
    return f"{fitted['method']}, n {fitted.get('n')}" if fitted else "package"


def _require_codes(slot: Slot, given: Mapping[str, object], name: str) -> None:
    unknown = sorted(set(given) - set(slot.thresholds))
    if unknown:
        raise Invalid("invalid", f"{name}: the model says nothing of {unknown[0]}.")


def _thresholds(slot: Slot, given: Mapping[str, float]) -> dict[str, float]:
    _require_codes(slot, given, "thresholds")
    for code, value in given.items():
        if not 0 < value <= 1:
            raise Invalid("invalid", f"thresholds.{code}: is above 0 and at most 1.")
    return {code: float(value) for code, value in given.items()}


def _acuities(slot: Slot, given: Mapping[str, str]) -> dict[str, str]:
    _require_codes(slot, given, "acuities")
    known = [acuity.value for acuity in Acuity]
    for code, value in given.items():
        if value not in known:
            words = ", ".join(known)
            raise Invalid("invalid", f"acuities.{code}: is one of {words}.")
    return dict(given)


def _holding(*, actor: Actor, slot_id: UUID, reason: str) -> Slot:
    """Return an active version that the actor may change, its site locked."""
    slot = access_slot(actor=actor, slot_id=slot_id, need=Permission.MODEL_MANAGE)
    _require_reason(reason)
    Site.objects.select_for_update().get(id=slot.site_id)
    slot.refresh_from_db(fields=["active"])
    if not slot.active:
        raise Conflict(
            "superseded",
            "Another version of this slot holds by now. Load the page again.",
        )
    return slot


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("no_reason", "reason: say why.", field="reason")


@transaction.atomic
def promote_slot(*, actor: Actor, slot_id: UUID, reason: str) -> Slot:
    """Make a shadow or challenger live; what was live in its slot ends.

    It keeps its thresholds and calibration, and takes over the slot's routing.

    Raises:
        Conflict: It is live, holds no longer, or can not be trusted.
        Invalid: No reason is given.
    """
    slot = _holding(actor=actor, slot_id=slot_id, reason=reason)
    if slot.kind == SlotKind.LIVE:
        raise Conflict("is_live", f"{slot.model_version} is live already.")
    require_trusted(model=slot.model_version)
    live = versions_of(slot=slot).filter(active=True, kind=SlotKind.LIVE).first()
    changes = {"kind": SlotKind.LIVE.value}
    made = _copy(slot, **changes, **({"routing": dict(live.routing)} if live else {}))
    _new_version(actor=actor, like=made, reason=reason)
    _audit(
        actor,
        Event.SLOT_PROMOTE,
        made,
        model=str(made.model_version),
        was=slot.kind,
        instead_of=str(live.model_version) if live else "",
    )
    return made


@transaction.atomic
def roll_back_slot(*, actor: Actor, slot_id: UUID, reason: str) -> Slot:
    """Let an earlier version hold again, as a new version that says the same.

    Args:
        actor: Who manages the site's models.
        slot_id: The version to go back to; it has ended.
        reason: Why, for the record.

    Raises:
        Conflict: It holds already, or its model can not be trusted any more.
        Invalid: No reason is given.
    """
    old = access_slot(actor=actor, slot_id=slot_id, need=Permission.MODEL_MANAGE)
    _require_reason(reason)
    Site.objects.select_for_update().get(id=old.site_id)
    old.refresh_from_db(fields=["active"])
    if old.active:
        raise Conflict("holds", "This version holds already.")
    require_trusted(model=old.model_version)
    now = versions_of(slot=old).filter(active=True, kind=old.kind).first()
    made = _new_version(actor=actor, like=_copy(old), reason=reason)
    _audit(
        actor,
        Event.SLOT_ROLL_BACK,
        made,
        model=str(made.model_version),
        to=old.number,
        instead_of=now.number if now else None,
    )
    return made


@transaction.atomic
def empty_slot(*, actor: Actor, slot_id: UUID, reason: str) -> Slot:
    """Switch off what a site uses a model for: the off-switch of one slot.

    New studies are not given to it, and what nobody has begun to read is ranked as
    if it had said nothing. What it said stays on record.
    """
    slot = _holding(actor=actor, slot_id=slot_id, reason=reason)
    slot.active, slot.ended_at, slot.settled_at = False, clock.now(), None
    slot.save(update_fields=["active", "ended_at", "settled_at", "updated_at"])
    _settle(site_id=slot.site_id)
    _audit(
        actor,
        Event.SLOT_EMPTY,
        slot,
        model=str(slot.model_version),
        kind=slot.kind,
        reason=reason.strip()[:400],
    )
    return slot


def end_uses(*, model: ModelVersion) -> int:
    """End all uses of a model that is withdrawn; return how many there were."""
    used = Slot.objects.filter(model_version=model, active=True)
    sites = list(used.values_list("site_id", flat=True))
    used.update(active=False, ended_at=clock.now(), settled_at=None)
    for site_id in sites:
        _settle(site_id=site_id)
    return len(sites)


def _audit(actor: Actor, event: Event, slot: Slot, **detail: object) -> None:
    why = {"reason": slot.reason} if slot.reason else {}
    record(
        actor=actor,
        event=event,
        site_id=slot.site_id,
        object_kind="slot",
        object_id=slot.id,
        detail={"task": slot.task, "number": slot.number, **why, **detail},
    )


# --- the version that a run is read with


def adopt_slots(*, revision_id: UUID) -> bool:
    """Let the runs of a revision that nobody has begun to read follow the slots.

    Each is read with the version that holds now; one whose model the site uses no
    more is set aside. The caller holds the revision's item and asks for runs that
    are missing.

    Returns:
        Whether anything is otherwise now, or a live model has no run.
    """
    runs = list(
        InferenceRun.objects.select_for_update(of=("self",))
        .select_related("slot", "revision__study")
        .filter(revision_id=revision_id)
    )
    if not runs:
        return True
    holding = holding_by_model(site_id=runs[0].revision.study.site_id)
    adopted = [adopt_run(run=run, holding=holding) for run in runs]
    judged = {run.model_version_id for run in runs}
    live = {model for model, slot in holding.items() if slot.kind == SlotKind.LIVE}
    return any(adopted) or not live <= judged


def adopt_run(*, run: InferenceRun, holding: Mapping[UUID, Slot] | None = None) -> bool:
    """Let one run be read with what holds now; say whether that is another version."""
    if holding is None:
        holding = holding_by_model(site_id=run.revision.study.site_id)
    slot = holding.get(run.model_version_id)
    if slot is None:
        if run.set_aside_at is not None:
            return False
        run.set_aside_at = clock.now()
        run.save(update_fields=["set_aside_at", "updated_at"])
        return True
    if run.slot_id == slot.id and run.set_aside_at is None:
        return False
    run.slot, run.set_aside_at = slot, None
    run.reread_at = clock.now() if run.state in FINAL_STATES else None
    run.save(update_fields=["slot", "set_aside_at", "reread_at", "updated_at"])
    return True


def holding_by_model(*, site_id: UUID) -> dict[UUID, Slot]:
    """Return the versions that hold at a site, by their model."""
    active = Slot.objects.filter(site_id=site_id, active=True)
    return {slot.model_version_id: slot for slot in active}


def unsettled_sites(*, before: datetime, limit: int) -> list[UUID]:
    """Return sites whose open list does not follow a change of slots yet."""
    waiting = Slot.objects.filter(settled_at__isnull=True, updated_at__lt=before)
    return list(waiting.values_list("site_id", flat=True).distinct()[:limit])


def note_settled(*, site_id: UUID, slot_ids: list[UUID]) -> None:
    """Note that the open list of a site is read by these versions, ended or not."""
    Slot.objects.filter(site_id=site_id, id__in=slot_ids).update(settled_at=clock.now())


def unsettled_ids(*, site_id: UUID) -> list[UUID]:
    """Return the versions of a site that its open list does not follow yet."""
    waiting = Slot.objects.filter(site_id=site_id, settled_at__isnull=True)
    return list(waiting.values_list("id", flat=True))
