"""What the rule of a site's list does to waiting, for who sets that rule."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from apps.core.errors import Conflict, Invalid, Unavailable
from apps.worklist.selectors import arrivals_by_hour, policy_of
from apps.worklist.site_policy import read_policy

if TYPE_CHECKING:
    from uuid import UUID

    from apps.accounts.types import Actor

HISTORY_DAYS: Final = 28
REPETITIONS: Final = 8
DAYS: Final = 15
_PATIENCE_S: Final = 60
_FEWEST_A_DAY: Final = 1.0
_room = BoundedSemaphore(1)


def usual_arrivals(*, actor: Actor, site_id: UUID) -> dict[str, Any]:
    """Return a site's mean arrivals in each hour of the day, of the last 28 days."""
    site = read_policy(actor=actor, site_id=site_id)
    arrivals = arrivals_by_hour(site_id=site.id, days=HISTORY_DAYS)
    return {"arrivals": arrivals, "days": HISTORY_DAYS}


def simulate_site(
    *, actor: Actor, site_id: UUID, department: dict[str, Any]
) -> dict[str, Any]:
    """Return how each group waits under each rule, by the site's own settings.

    Args:
        actor: A lead or admin of the site.
        site_id: Whose settings hold; whose arrivals, unless others are given.
        department: Fields of `Department` (`apps.worklist.simulation`) but policy,
            days and `stat_in_a_row`; `arrivals` may be left out.

    Raises:
        Invalid: Such a department cannot be; the detail says why.
        Conflict: Another simulation is running here.
        Unavailable: It took too long, or its process failed.
    """
    site = read_policy(actor=actor, site_id=site_id)
    arrivals = department.get("arrivals") or arrivals_by_hour(
        site_id=site.id, days=HISTORY_DAYS
    )
    if sum(arrivals) < _FEWEST_A_DAY:
        raise Invalid(
            "too_few",
            f"arrivals: fewer than one study a day came in {HISTORY_DAYS} days. "
            "Give the numbers that you expect.",
            field="arrivals",
        )
    given = {
        **department,
        "arrivals": arrivals,
        "policy": asdict(policy_of(site=site)),
        "stat_in_a_row": site.stat_in_a_row,
        "days": DAYS,
        "repetitions": REPETITIONS,
    }
    if not _room.acquire(blocking=False):
        raise Conflict("busy", "Another simulation is running; try again in a moment.")
    try:
        said = _in_a_child(given)
    finally:
        _room.release()
    if "problem" in said:
        raise Invalid("invalid", said["problem"])
    return {**said, "arrivals": arrivals, "days": DAYS, "repetitions": REPETITIONS}


def _in_a_child(given: dict[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "apps.worklist.simulation_child"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            cwd=settings.BASE_DIR,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise Unavailable(
            "simulation_failed",
            "The simulation did not end. Try again, or with fewer studies a day.",
        ) from error
    said: dict[str, Any] = json.loads(done.stdout)
    return said
