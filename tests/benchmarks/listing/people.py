"""Sessions of the benchmark's people, and studies that arrive: inside the portal.

Run as a process of its own with the database's environment:
`python -m tests.benchmarks.listing.people`. It prints one JSON line of session keys,
then places a study for each line that it reads, and answers when it was committed.
"""

from __future__ import annotations

import json
import sys
import time
from uuid import uuid4

import django

django.setup()

from django.conf import settings  # noqa: E402  needs the settings above
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402

from apps.accounts.models import Site, User  # noqa: E402
from apps.accounts.types import SYSTEM  # noqa: E402
from apps.annotations.models import ReadingProtocol  # noqa: E402
from apps.core import clock  # noqa: E402
from apps.studies.models import Patient, Study, StudyRevision  # noqa: E402
from apps.worklist.services import place_item  # noqa: E402


def sessions(site: Site) -> tuple[list[str], list[str]]:
    """Log everybody in, without a password.

    Returns:
        The session keys of all, and of those who read at the site.
    """
    keys, there = [], []
    here = set(site.memberships.values_list("user_id", flat=True))
    for user in User.objects.filter(username__startswith="bench").order_by("username"):
        client = Client()
        client.force_login(user)
        keys.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
        if user.pk in here:
            there.append(keys[-1])
    return keys, there


@transaction.atomic
def arrive(site: Site, protocol: ReadingProtocol) -> str:
    """Put a new study on the list, as the story's second step does."""
    name = uuid4().hex
    patient = Patient.objects.create(
        site=site, identity_key=name, patient_id=name[:12], name=f"Arrival, {name[:6]}"
    )
    study = Study.objects.create(
        site=site,
        patient=patient,
        study_uid=f"1.2.826.0.1.80.{int(name[:12], 16)}",
        archive_id=name,
        modalities=["CT"],
        description="Arrival",
        body_part="CHEST",
        arrived_at=clock.now(),
    )
    revision = StudyRevision.objects.create(
        study=study, number=1, image_hash=name, n_images=1, arrived_at=clock.now()
    )
    return str(place_item(actor=SYSTEM, revision=revision, protocol=protocol).id)


def main() -> None:
    """Answer lines until there are no more."""
    site = Site.objects.get(code="bench1")
    protocol = ReadingProtocol.objects.get(site=site)
    everybody, there = sessions(site)
    first = {"sessions": everybody, "followers": there, "site": str(site.id)}
    sys.stdout.write(json.dumps(first) + "\n")
    sys.stdout.flush()
    for _line in sys.stdin:
        begun = time.time()
        item = arrive(site, protocol)
        answer = {"item": item, "begun": begun, "committed": time.time()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    connection.close()


if __name__ == "__main__":
    main()
