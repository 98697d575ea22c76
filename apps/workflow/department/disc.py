"""A disc from elsewhere is imported, and its report kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import Site, User
from apps.accounts.selectors import make_actor
from apps.core import clock
from apps.workflow.intake.batch import take_paths
from apps.workflow.models import Intake
from apps.workflow.types import Via

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


def bring_disc(
    *, disc: Path, site_code: str, username: str, at: datetime
) -> Intake | None:
    """Let a person import a disc, by the service that the import command uses.

    Args:
        disc: The folder (`workers/phantoms/disc.py`).
        site_code: Where it is brought.
        username: Who imports it.
        at: When, aware.

    Returns:
        Its report; None where one was brought before.
    """
    site = Site.objects.get(code=site_code)
    if not disc.is_dir() or Intake.objects.filter(site=site).exists():
        return None
    actor = make_actor(user=User.objects.get(username=username), session_key="")
    with clock.standing_at(at):
        return take_paths(actor=actor, site=site, paths=[disc], via=Via.COMMAND)
