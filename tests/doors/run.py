"""One folder through the doors of one stack, one after the other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.doors.bench import Bench
from tests.doors.senders import AET, SITE, Doors
from tests.person import PASSWORD, Person

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.harness import Stack
    from tests.doors.lines import Passage

PATIENCE_S = 300


def administrator(stack: Stack) -> Person:
    """Log in as the administrator, of a demo or of an empty stack."""
    own = stack.state / "admin-password"
    password = own.read_text().strip() if own.exists() else PASSWORD
    person = Person(stack, "admin", password=password)
    person.http.timeout = PATIENCE_S
    return person


def _route(person: Person) -> None:
    """See to it that what comes by C-STORE belongs to the site."""
    rows = person.get("ae-titles")["items"]
    if any(row["called_aet"] == AET for row in rows):
        return
    sites = person.get("session")["user"]["sites"]
    site = next(s for s in sites if s["name"].lower().startswith(SITE))["id"]
    body = {"called_aet": AET, "calling_aet": "", "site": site}
    person.send("POST", "ae-titles", json=body).raise_for_status()


def send_through(
    stack: Stack, *, folder: Path, only: list[str] | None = None
) -> tuple[list[str], list[Passage]]:
    """Send a folder through each door, into an archive that has none of it.

    Args:
        stack: A running stack. What it has already is left alone.
        folder: What is sent, with everything below it.
        only: Names of doors; None for all.

    Returns:
        The names of the files sent, and the doors in order.
    """
    person = administrator(stack)
    _route(person)
    bench = Bench(stack)
    doors = Doors(stack, env=bench.env, person=person, folder=folder)
    bench.check_new(doors.study_uids())
    passages = []
    for name, send in doors.all().items():
        if only and name not in only:
            continue
        sys.stderr.write(f"{name}: {len(doors.names)} files …\n")
        try:
            passage = send()
            bench.settle(passage)
        finally:
            bench.clear()
        passages.append(passage)
    person.http.close()
    return doors.names, passages
