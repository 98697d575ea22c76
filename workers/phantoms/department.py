"""A department's weeks: two sites' studies in folders, with a manifest of the truth."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from workers.phantoms.dicom import TRUTH, write_study
from workers.phantoms.disc import write_disc
from workers.phantoms.film_findings import draw_strengths
from workers.phantoms.orders import Order
from workers.phantoms.settings import NORTH, SOUTH, UNSEEN
from workers.phantoms.shapes import rng_for
from workers.phantoms.studies import MAKERS, make_study

MANIFEST, DISC = "manifest.json", "disc"
LIST_HOURS = 9
ALONE_DAYS = 2


@dataclass(frozen=True)
class Plan:
    """How many of what.

    Attributes:
        films: single chest films.
        recent: those of them that came in the last hours, for the list of today.
        alone: further small ones of the first site, two days old or more, of the weeks
            in which its readers read films before they see the AI: enough in all to
            calibrate a model by.
        followed: patients with two or three films, whose finding grows or goes.
        bleeds: patients with two head CTs, whose haemorrhage grows or shrinks; the
            second one came in the last hours.
        kinds: numbers of the other studies by kind.
        film_size: rows and columns of most films.
        slices: slices of a chest CT.
    """

    films: int = 48
    recent: int = 16
    alone: int = 0
    followed: int = 8
    bleeds: int = 2
    kinds: tuple[tuple[str, int], ...] = (
        ("chest-ct", 8),
        ("head-ct", 6),
        ("mammogram", 6),
        ("pet-ct", 2),
    )
    film_size: int = 1024
    slices: int = 60


FULL = Plan(alone=34)
SMALL = Plan(
    films=12,
    recent=5,
    followed=2,
    bleeds=1,
    kinds=(("chest-ct", 2), ("head-ct", 3), ("mammogram", 2), ("pet-ct", 1)),
    film_size=640,
    slices=40,
)


def plan_orders(seed: int, *, days: int, now: datetime, plan: Plan) -> list[Order]:
    """Draws the studies of a department, the earliest first.

    Args:
        seed: everything but the dates follows from it.
        days: how far back the first study lies.
        now: the present, aware.
        plan: how many of what.
    """
    orders = [
        *_single_films(seed, plan, days, now),
        *_films_read_alone(seed, plan, days, now),
        *_followed_films(seed, plan, days, now),
        *_others(seed, plan, days, now),
        *_followed_heads(seed, plan, days, now),
    ]
    return sorted(orders, key=lambda order: order.when)


def _moment(rng: np.random.Generator, days: float, now: datetime) -> datetime:
    """Draws a moment of the past: mostly by day, at night some too."""
    day = (now - timedelta(days=days)).replace(microsecond=0)
    hour = float(np.clip(rng.normal(12.5, 3.4), 0.2, 23.7))
    if rng.random() < 0.12:
        hour = float(rng.uniform(0, 24))
    at = day.replace(hour=0, minute=0, second=0) + timedelta(hours=hour)
    at = at.replace(microsecond=0)
    return at if at < now else now - timedelta(minutes=float(rng.uniform(4, 200)))


def _order(
    kind: str, seed: int, person: int, rng: np.random.Generator, when: datetime
) -> Order:
    site = NORTH if rng_for(person, "site").random() < 0.64 else SOUTH
    return Order(
        kind=kind,
        seed=seed,
        person=person,
        site=site,
        when=when,
        settings=UNSEEN,
        overlay="note" if rng.random() < 0.15 else "",
    )


def _number(seed: int, *names: str | int) -> int:
    return int(rng_for(seed, "department", *names).integers(1, 2**31))


def _single_films(seed: int, plan: Plan, days: int, now: datetime) -> Iterator[Order]:
    for k in range(plan.films):
        number = _number(seed, "film", k)
        rng = rng_for(number, "order")
        # Somewhat more of the recent: the list is full, the past has statistics.
        when = _moment(rng, days * float(rng.random()) ** 1.15, now)
        if k < plan.recent:
            minutes = float(rng.uniform(4, 60 * LIST_HOURS))
            when = (now - timedelta(minutes=minutes)).replace(microsecond=0)
        order = _order("chest-film", number, number, rng, when)
        large = rng.random() < 0.04
        yield replace(order, size=plan.film_size * 3 // 2 if large else plan.film_size)


def _films_read_alone(
    seed: int, plan: Plan, days: int, now: datetime
) -> Iterator[Order]:
    for k in range(plan.alone):
        number = _number(seed, "film read alone", k)
        rng = rng_for(number, "order")
        before = float(rng.uniform(min(ALONE_DAYS, days), days))
        order = _order("chest-film", number, number, rng, _moment(rng, before, now))
        yield replace(order, site=NORTH, size=plan.film_size * 3 // 8)


def _followed_films(seed: int, plan: Plan, days: int, now: datetime) -> Iterator[Order]:
    for k in range(plan.followed):
        person = _number(seed, "followed", k)
        rng = rng_for(person, "order")
        strengths = _grown(person)
        visits = 2 + int(rng.random() < 0.4)
        growth = [0.0, 0.35, 0.7, 1.0][-visits:]
        if rng.random() < 0.3:
            growth = growth[::-1]
        spread = np.sort(rng.uniform(0.0, 0.95, visits))[::-1] * days
        for visit, (share, before) in enumerate(zip(growth, spread, strict=True)):
            then = {k: v * share for k, v in strengths.items() if v * share > 0.04}
            order = _order(
                "chest-film",
                _number(person, "visit", visit),
                person,
                rng,
                _moment(rng, float(before), now),
            )
            yield replace(order, strengths=then, size=plan.film_size)


def _followed_heads(seed: int, plan: Plan, days: int, now: datetime) -> Iterator[Order]:
    for k in range(plan.bleeds):
        person = _number(seed, "bleed", k)
        rng = rng_for(person, "order")
        sizes = (0.55, 0.75) if k % 2 == 0 else (0.75, 0.55)
        before = days * float(rng.uniform(0.3, 0.6))
        recent = now - timedelta(minutes=float(rng.uniform(20, 30 * LIST_HOURS)))
        moments = (_moment(rng, before, now), recent.replace(microsecond=0))
        for visit, (size, when) in enumerate(zip(sizes, moments, strict=True)):
            order = _order(
                "head-ct", _number(person, "visit", visit), person, rng, when
            )
            strengths = {"intraparenchymal": size}
            # At the site whose people the demonstration's logins are.
            yield replace(order, strengths=strengths, bleed=person, site=NORTH)


def _grown(person: int) -> dict[str, float]:
    """Returns the findings that a followed patient comes to have."""
    return draw_strengths(person, UNSEEN) or {"nodule": 0.8}


def _others(seed: int, plan: Plan, days: int, now: datetime) -> Iterator[Order]:
    for kind, count in plan.kinds:
        if kind not in MAKERS:
            continue
        for k in range(count):
            number = _number(seed, kind, k)
            rng = rng_for(number, "order")
            # Some chest CTs are of patients who had films before.
            follows = kind == "chest-ct" and k < min(2, plan.followed)
            person = _number(seed, "followed", k) if follows else number
            before = rng.uniform(0, 0.6) if follows else rng.uniform(0, days)
            order = _order(kind, number, person, rng, _moment(rng, before, now))
            if follows:
                order = replace(order, strengths=_grown(person))
            if kind == "pet-ct":
                strengths = {"nodule": float(rng.uniform(0.4, 0.9))}
                order = replace(order, strengths=strengths)
            if kind in {"chest-ct", "pet-ct"}:
                order = replace(order, slices=plan.slices)
            yield order


def write_department(
    folder: Path,
    *,
    seed: int,
    days: int = 21,
    now: datetime | None = None,
    plan: Plan = FULL,
    processes: int = 2,
) -> Path:
    """Writes a whole department.

    Args:
        folder: gets `<site>/<kind>-<n>/*.dcm`, each with its `truth.json`, and the
            manifest; and `disc`, a disc from elsewhere with its first film.
        seed: everything but the dates follows from it.
        days: how far back the first study lies.
        now: the present; by default the clock's.
        plan: how many of what.
        processes: how many studies are made at once.

    Returns:
        The manifest's path.
    """
    now = now or datetime.now(UTC)
    orders = plan_orders(seed, days=days, now=now, plan=plan)
    jobs = [
        (order, folder, f"{order.site.code}/{order.kind}-{k:03d}")
        for k, order in enumerate(orders)
    ]
    # The largest first, so that no process ends long after the others.
    large = sorted(jobs, key=lambda job: job[0].kind == "chest-film")
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        entries = list(pool.map(_write_one, large, chunksize=1))
    for entry in entries:
        at = datetime.fromisoformat(entry["acquired_at"])
        entry["days_before"] = round((now - at).total_seconds() / 86400, 4)
    entries.sort(key=lambda entry: str(entry["acquired_at"]))
    manifest = {
        "synthetic": True,
        "seed": seed,
        "days": days,
        "made_at": now.isoformat(),
        "studies": entries,
    }
    films = [e for e in entries if e["kind"] == "chest-film"]
    first = next((e for e in films if e["site"] == NORTH.code), None)
    if first is not None:
        image = min((folder / first["path"]).glob("*.dcm"))
        write_disc(folder / DISC, image=image)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return path


def _write_one(job: tuple[Order, Path, str]) -> dict[str, Any]:
    """Makes and writes one study; returns its entry in the manifest."""
    order, folder, path = job
    study = make_study(order)
    files = write_study(folder / path, study)
    truth = json.loads((folder / path / TRUTH).read_text(encoding="utf-8"))
    return {
        "path": path,
        "site": order.site.code,
        "kind": order.kind,
        "study_uid": study.uid,
        "patient_id": study.patient.id,
        "acquired_at": order.when.isoformat(),
        "files": len(files),
        "labels": truth["labels"],
        "boxes": _key_boxes(truth["boxes"]),
    }


def _key_boxes(boxes: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Picks one box of each piece of a finding: on a volume the middle slice's."""
    pieces: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    for n, box in enumerate(boxes):
        piece = box.get("piece", -1 - n)
        pieces.setdefault((box["label"], box["series"], piece), []).append(box)
    chosen: dict[str, list[dict[str, Any]]] = {}
    for (label, _, _), members in pieces.items():
        middle = members[len(members) // 2]
        chosen.setdefault(label, []).append(
            {"sop_uid": middle["sop_uid"], "corners": middle["box"]}
        )
    return chosen
