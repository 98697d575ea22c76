"""Slots as the pages show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.core.permissions import Permission
from apps.inference.slots import access_slot, slots_at, versions_of

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.types import Actor
    from apps.inference.models import Slot


def list_slots(*, actor: Actor, site_id: UUID) -> dict[str, Any]:
    """Return what holds at a site."""
    items = [show_version(slot) for slot in slots_at(actor=actor, site_id=site_id)]
    may = actor.can(Permission.MODEL_MANAGE, site_id)
    return {"may_change": may, "items": items}


def list_versions(*, actor: Actor, slot_id: UUID) -> dict[str, Any]:
    """Return all versions of one slot, the newest first."""
    slot = access_slot(actor=actor, slot_id=slot_id, need=Permission.SITE_MANAGE)
    return {"items": [show_version(one) for one in versions_of(slot=slot)]}


def show_version(slot: Slot) -> dict[str, Any]:
    """Return one version of a slot in words and numbers."""
    model = slot.model_version
    return {
        "id": slot.id,
        "task": slot.task,
        "kind": slot.kind,
        "number": slot.number,
        "active": slot.active,
        "settled": slot.settled_at is not None,
        "model": {
            "id": model.id,
            "name": model.name,
            "version": model.version,
            "intended_use": model.intended_use,
        },
        "outputs": [_output(slot, label) for label in model.card["labels"]],
        "routing": slot.routing,
        "reason": slot.reason,
        "made_at": slot.created_at,
        "made_by": slot.made_by.display_name if slot.made_by else None,
        "ended_at": slot.ended_at,
    }


def _output(slot: Slot, label: dict[str, Any]) -> dict[str, Any]:
    code = label["code"]
    fitted = slot.calibrations.get(code)
    return {
        "code": code,
        "display": label["display"],
        "threshold": slot.thresholds.get(code, 1.0),
        "suggested": label.get("threshold"),
        "acuity": slot.acuities.get(code, "routine"),
        "method": fitted["method"] if fitted else "package",
        "n": fitted.get("n") if fitted else None,
    }
