"""A running stack as the comparison of doors finds it, settles it and leaves it."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
from celery import Celery

from apps.core.steps import Step
from tests.doors.lines import Holdings, Line, Passage
from tests.faults.running import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.harness import Stack

SETTLE_S = 180.0
IN_CONFLICT = "Other content is there under its UIDs; it is held for a decision."
MINE = """
    SELECT s.archive_id,
           (SELECT coalesce(sum(a.n_instances), 0) FROM studies_attachment a
            WHERE a.study_id = s.id AND NOT a.by_overread)
    FROM studies_study s WHERE s.deleted_at IS NULL AND s.archive_id = ANY(%s)
"""
HELD = """
    SELECT archive_id FROM studies_quarantinedstudy
    WHERE kind <> 'conflict' AND state = 'held' AND archive_id = ANY(%s)
"""
FAILED = "SELECT reason FROM studies_arrivalfailure WHERE archive_id = ANY(%s)"
CONFLICTS = """
    SELECT f.sop_uid FROM studies_heldfile f
    JOIN studies_quarantinedstudy q ON q.id = f.quarantined_id
    WHERE q.study_uid = ANY(%s) AND q.state = 'held'
"""
IMAGES = """
    SELECT s.archive_id, i.revision_id, i.series_uid, i.sop_uid
    FROM studies_revisioninstance i
    JOIN studies_studyrevision r ON r.id = i.revision_id
    JOIN studies_study s ON s.id = r.study_id
    WHERE s.deleted_at IS NULL AND s.archive_id = ANY(%s)
"""
OWN = """
    SELECT a.series_uid FROM studies_attachment a
    JOIN studies_study s ON s.id = a.study_id
    WHERE a.by_overread AND s.archive_id = ANY(%s)
"""
FORGET = (
    """DELETE FROM studies_heldfile WHERE quarantined_id IN (
       SELECT id FROM studies_quarantinedstudy
       WHERE kind = 'conflict' AND study_uid = ANY(%s))""",
    """DELETE FROM studies_quarantinedstudy
       WHERE kind = 'conflict' AND study_uid = ANY(%s)""",
)


Object = tuple[str, str, str]
"""The archive's id of the study, the series UID, the SOP Instance UID."""


def read_env(stack: Stack) -> dict[str, str]:
    """Return the variables of a stack's `env` file."""
    lines = (stack.state / "env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    return {name: "".join(shlex.split(value)) for name, value in pairs}


class Bench:
    """Archive and database of a stack; what was there at the start is left alone."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.env = read_env(stack)
        self._before = self._all_studies().keys()

    # --- reading

    def _archive(self) -> httpx.Client:
        login = (self.env["ORTHANC_USER"], self.env["ORTHANC_PASSWORD"])
        return httpx.Client(base_url=self.env["ORTHANC_URL"], auth=login, timeout=60)

    def _rows(self, query: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.env["DATABASE_URL"]) as connection:
            return connection.execute(query, parameters).fetchall()

    def _all_studies(self) -> dict[str, Any]:
        with self._archive() as archive:
            found = archive.get("/studies", params={"expand": ""}).json()
        return {study["ID"]: study for study in found}

    def _studies(self) -> dict[str, Any]:
        """Return the archive's studies that were not there at the start, by its id."""
        there = self._all_studies()
        return {key: there[key] for key in there.keys() - self._before}

    def _instances(self, studies: dict[str, Any]) -> Iterator[Object]:
        """Yield (archive id of the study, series UID, SOP UID) of every object."""
        with self._archive() as archive:
            for study in studies:
                for series in archive.get(f"/studies/{study}/series").json():
                    uid = series["MainDicomTags"]["SeriesInstanceUID"]
                    found = archive.get(f"/series/{series['ID']}/instances").json()
                    for one in found:
                        yield study, uid, one["MainDicomTags"]["SOPInstanceUID"]

    def check_new(self, study_uids: set[str]) -> None:
        """Refuse to send what the stack has already: it would be nobody's to take away.

        Raises:
            SystemExit: It has one of the studies.
        """
        query = """
            SELECT study_uid FROM studies_study
            WHERE deleted_at IS NULL AND study_uid = ANY(%s)
        """
        if known := self._rows(query, list(study_uids)):
            raise SystemExit(
                f"{len(known)} of the folder's studies are on this stack already, such"
                f" as {known[0][0]}: use an empty one."
            )

    # --- what lies there

    def _unsettled(self) -> list[str]:
        """Say in words what is still on its way; nothing when all has settled."""
        found = []
        waiting = list((self.stack.state / "held" / "arrivals").glob("*.dcm"))
        if waiting:
            found.append(f"{len(waiting)} kept objects are not compared yet")
        studies = self._studies()
        if moving := sum(not s["IsStable"] for s in studies.values()):
            found.append(f"{moving} studies are still arriving")
        ids = list(studies)
        known = {row[0] for row in self._rows(MINE, ids)}
        known |= {row[0] for row in self._rows(HELD, ids)}
        if missing := studies.keys() - known:
            found.append(f"{len(missing)} studies of the archive have no row")
        return found

    def settle(self, passage: Passage) -> Holdings:
        """Wait until the portal has taken what a door brought; return what is there.

        The archive answers success to a C-STORE also of what it has already, and
        when the object is held: which it was is told apart here.
        """
        try:
            wait_until(
                lambda: not self._unsettled(),
                lambda: "; ".join(self._unsettled()),
                within_s=SETTLE_S,
            )
            late: tuple[str, ...] = ()
        except AssertionError as error:
            late = (str(error),)
        holdings = self._holdings(late)
        if passage.door == "c-store":
            passage.lines = tell_apart(passage, holdings)
        passage.holdings = holdings
        return holdings

    def _holdings(self, late: tuple[str, ...]) -> Holdings:
        studies = self._studies()
        ids = list(studies)
        own = {row[0] for row in self._rows(OWN, ids)}
        objects = [row for row in self._instances(studies) if row[1] not in own]
        there = Counter(study for study, _, _ in objects)
        images = self._images(objects, ids)
        beside = _beside(objects, images)
        rows = {
            study: int(n) + sum(one[0] == study for one in images)
            for study, n in self._rows(MINE, ids)
        }
        held = {row[0] for row in self._rows(HELD, ids)}
        uids = [s["MainDicomTags"]["StudyInstanceUID"] for s in studies.values()]
        problems = [*late]
        for study, n in rows.items():
            if n + beside[study] != there[study]:
                uid = studies[study]["MainDicomTags"]["StudyInstanceUID"]
                problems.append(
                    f"study {uid}: {there[study]} objects in the archive, {n} in the"
                    f" portal and {beside[study]} beside images"
                )
        if both := rows.keys() & held:
            problems.append(f"{len(both)} studies are registered and held")
        failed = [row[0] for row in self._rows(FAILED, ids)]
        problems += [f"an arrival failed: {reason}" for reason in failed]
        return Holdings(
            sop_uids=tuple(sorted(uid for _, _, uid in objects)),
            studies=len(studies),
            rows=len(rows),
            held=len(held),
            images=sum(rows.values()),
            beside=beside.total(),
            held_images=sum(there[study] for study in held),
            conflicts=Counter(row[0] for row in self._rows(CONFLICTS, uids)),
            problems=tuple(problems),
        )

    def _images(self, objects: list[Object], ids: list[str]) -> set[Object]:
        """Return the images of the revision of each study that the archive has.

        It is the largest whose images are all there: a study that was deleted and
        sent again has older ones as well.
        """
        revisions: dict[tuple[str, str], set[Object]] = {}
        for study, revision, series, uid in self._rows(IMAGES, ids):
            revisions.setdefault((study, revision), set()).add((study, series, uid))
        there = set(objects)
        largest: dict[str, set[Object]] = {}
        for (study, _), images in revisions.items():
            if images <= there and len(images) > len(largest.get(study, ())):
                largest[study] = images
        return set().union(*largest.values())

    # --- as before

    def clear(self) -> None:
        """Take away what the last door brought, so that the next finds it new.

        Its studies become tombstones; what was held beside them is forgotten.
        """
        seen: dict[str, str] = {}

        def is_gone() -> bool:
            studies = self._studies()
            for key, study in studies.items():
                seen[key] = study["MainDicomTags"]["StudyInstanceUID"]
            with self._archive() as archive:
                for key in studies:
                    archive.delete(f"/studies/{key}")
            ids = list(seen)
            return not (studies or self._rows(MINE, ids) or self._rows(HELD, ids))

        def look() -> bool:
            if is_gone():
                return True
            self._reconcile()
            return False

        wait_until(look, "the studies are gone", within_s=SETTLE_S, every_s=2.0)
        with psycopg.connect(self.env["DATABASE_OWNER_URL"]) as connection:
            for query in FORGET:
                connection.execute(query, [list(seen.values())])

    def _reconcile(self) -> None:
        """Ask for a full comparison with the archive now, not in ten minutes."""
        app = Celery(broker=self.env["REDIS_URL"])
        app.send_task(Step.RECONCILE.value, queue="portal")
        app.close()


def _beside(objects: list[Object], images: set[Object]) -> Counter[str]:
    """Count, by study, objects in an image's series that are no images.

    The portal lists attachments by series, so these are in no list of its own.
    """
    of_images = {(study, series) for study, series, _ in images}
    return Counter(
        one[0] for one in objects if one not in images and (one[0], one[1]) in of_images
    )


def tell_apart(passage: Passage, holdings: Holdings) -> list[Line]:
    """Say which of the objects that the archive took were new, known or in conflict.

    Of several with one SOP Instance UID the first ones count as stored, as many as
    the archive has; the next, as many as are held, as in conflict.
    """
    new = Counter(holdings.sop_uids)
    held = Counter(holdings.conflicts)
    lines = []
    for line in passage.lines:
        if line.status == "stored":
            if new[line.sop_uid] > 0:
                new[line.sop_uid] -= 1
            elif held[line.sop_uid] > 0:
                held[line.sop_uid] -= 1
                line = replace(line, status="conflict", reason=IN_CONFLICT)
            else:
                line = replace(line, status="already")
        lines.append(line)
    return lines
