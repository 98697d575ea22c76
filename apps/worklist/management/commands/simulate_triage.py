"""Simulate how long studies wait: the published tables, or a site under our rule."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Site
from apps.worklist.priority import SitePolicy
from apps.worklist.selectors import arrivals_by_hour, policy_of
from apps.worklist.simulation import Department, compare_rules
from workers.measures.estimate import MeasureError
from workers.measures.queueing import (
    ReadingRoom,
    Waits,
    accumulating,
    nonpreemptive,
    preemptive,
)
from workers.measures.reading_room import (
    AccumulatingPriority,
    FirstCome,
    Line,
    Roster,
    StrictPriority,
    poisson_stream,
    simulate,
    waited,
)
from workers.measures.triage_reader import TriageReader

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from apps.worklist.simulation import GroupWait

# A day of a middling department: busy from eight to six, a trickle at night.
_ARRIVALS = [1.0] * 7 + [3.0] + [9.0] * 10 + [4.0] * 3 + [2.0] * 3
_READERS = [0] * 7 + [2] * 12 + [1] * 3 + [0] * 2
_WORDS = {
    "fifo": "first in, first out",
    "strict": "strict priority",
    "accumulating": "accumulating (1 : 10 : 100)",
    "overread": "Overread's rule",
    "overread_ai_off": "Overread's rule, AI off",
}
_ROOMS = {
    "ρ .8, one reader": ReadingRoom(load=0.8, read_time=10, specificity=0.8088),
    "ρ .8, two readers": ReadingRoom(
        load=0.8, read_time=10, readers=2, specificity=0.8088
    ),
    "ρ .5, one reader": ReadingRoom(load=0.5, read_time=10, specificity=0.8088),
}
_RATES = (2, 5, 10, 50)


class Command(BaseCommand):
    """Prints tables, or JSON."""

    help = (
        "Simulate waiting on the worklist under several rules. Without options: a "
        "middling department. --published: the tables that the simulator must "
        "reproduce. --site: a site's own settings and arrivals."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the department."""
        parser.add_argument("--published", action="store_true")
        parser.add_argument(
            "--studies", type=int, default=1_000_000, help="with --published"
        )
        parser.add_argument("--site", help="code of a site; its arrivals and settings")
        parser.add_argument("--history-days", type=int, default=28)
        parser.add_argument("--arrivals", type=_numbers, help="24 means, by hour")
        parser.add_argument("--readers", type=_numbers, help="24 numbers, by hour")
        parser.add_argument("--read-minutes", type=float, default=12.0)
        parser.add_argument("--prevalence", type=float, default=0.1)
        parser.add_argument("--sensitivity", type=float, default=0.9)
        parser.add_argument("--specificity", type=float, default=0.81)
        parser.add_argument(
            "--acuity", choices=["critical", "urgent", "routine"], default="critical"
        )
        parser.add_argument("--clinician-stat", type=float, default=0.02)
        parser.add_argument(
            "--flood", type=float, default=0.0, help="share that a broken model flags"
        )
        parser.add_argument("--days", type=int, default=15)
        parser.add_argument("--repetitions", type=int, default=20)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Simulate and print."""
        try:
            if options["published"]:
                self._published(options)
            else:
                self._department(options)
        except MeasureError as error:
            raise CommandError(str(error)) from None

    def _published(self, options: dict[str, Any]) -> None:
        rows = [
            row
            for name, room in _ROOMS.items()
            for row in published_rows(
                name=name, room=room, n=options["studies"], seed=options["seed"]
            )
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False))
            return
        self.stdout.write(
            f"{'':52}{'formula':>10}{'simulated':>11}{'off':>8}\n"
            + "\n".join(
                f"{row['room']:18} {row['rule']:24} {row['group']:9}"
                f"{row['formula']:9.3f} {row['simulated']:10.3f} {row['off']:+8.2%}"
                for row in rows
            )
        )

    def _department(self, options: dict[str, Any]) -> None:
        department = self._department_of(options)
        table = compare_rules(
            department=department,
            repetitions=options["repetitions"],
            seed=options["seed"],
        )
        if options["json"]:
            plain = {
                rule: {name: asdict(group) for name, group in groups.items()}
                for rule, groups in table.items()
            }
            self.stdout.write(json.dumps({"load": department.load, "rules": plain}))
            return
        self.stdout.write(
            f"{sum(department.arrivals):.0f} a day, load {department.load:.2f}, "
            f"{options['repetitions']} × {department.days - 1} days; minutes, "
            "mean with 95% interval\n"
            + "\n".join(
                _line(rule, group, waits)
                for rule, groups in table.items()
                for group, waits in groups.items()
            )
        )

    def _department_of(self, options: dict[str, Any]) -> Department:
        arrivals, policy, in_a_row = _ARRIVALS, SitePolicy(), 3
        if options["site"]:
            site = Site.objects.filter(code=options["site"]).first()
            if site is None:
                raise CommandError(f"--site: there is no site {options['site']}.")
            policy, in_a_row = policy_of(site=site), site.stat_in_a_row
            arrivals = arrivals_by_hour(site_id=site.id, days=options["history_days"])
        return Department(
            arrivals=options["arrivals"] or arrivals,
            readers=[int(n) for n in options["readers"] or _READERS],
            read_time=options["read_minutes"],
            ai=TriageReader(
                prevalence=options["prevalence"],
                sensitivity=options["sensitivity"],
                specificity=options["specificity"],
            ),
            acuity=options["acuity"],
            clinician_stat=options["clinician_stat"],
            flood=options["flood"],
            policy=policy,
            stat_in_a_row=in_a_row,
            days=options["days"],
        )


def _numbers(said: str) -> list[float]:
    return [float(part) for part in said.split(",")]


def _line(rule: str, group: str, waits: GroupWait) -> str:
    mean, p99 = waits.mean, waits.p99
    return (
        f"{_WORDS[rule]:28} {group:15} n {waits.n:7}  mean {mean.value:7.1f} "
        f"[{mean.low:.1f}–{mean.high:.1f}]  p99 {p99.value:7.1f}  "
        f"longest {waits.longest:7.1f}  late {waits.late:6.1%}"
    )


def published_rows(
    *, name: str, room: ReadingRoom, n: int, seed: int
) -> list[dict[str, Any]]:
    """Return the formula's and the simulator's mean waits of one reading room.

    Args:
        name: What the rows are called.
        room: The reading room.
        n: Studies to simulate; a hundredth of them warms up.
        seed: Of the simulation.
    """
    rate = room.load * room.readers / room.read_time
    stream, draw = poisson_stream(seed=seed, n=n, rate=rate, read_time=room.read_time)
    said = TriageReader(
        prevalence=room.prevalence,
        sensitivity=room.sensitivity,
        specificity=room.specificity,
    ).read(n=n, draw=draw)
    classes = np.where(said.flagged, 0, 1)
    groups = {"flagged": said.flagged, "unflagged": ~said.flagged}
    groups |= {"diseased": said.diseased, "healthy": ~said.diseased}
    rules: list[tuple[str, Waits, Line]] = [
        (
            "pre-emptive",
            preemptive(room=room),
            StrictPriority(classes=classes.tolist(), preemptive=True),
        ),
        (
            "non-pre-emptive",
            nonpreemptive(room=room),
            StrictPriority(classes=classes.tolist()),
        ),
    ]
    if room.readers == 1:
        rules += [
            (
                f"accumulating 1 : {ratio}",
                accumulating(room=room, rates=(1, ratio)),
                AccumulatingPriority(
                    arrived=stream.arrived.tolist(),
                    classes=(1 - classes).tolist(),
                    rates=(1, ratio),
                ),
            )
            for ratio in _RATES
        ]
    fifo = _simulated(stream=stream, line=FirstCome(), room=room, groups={})
    rows = [_row(name, "first in, first out", "all", rules[0][1].fifo, fifo["all"])]
    for rule, waits, line in rules:
        got = _simulated(stream=stream, line=line, room=room, groups=groups)
        rows += [
            _row(name, rule, group, getattr(waits, group), got[group])
            for group in groups
        ]
    return rows


def _simulated(
    *, stream: Any, line: Line, room: ReadingRoom, groups: dict[str, Any]
) -> dict[str, float]:
    n = stream.arrived.size
    day = simulate(stream=stream, line=line, roster=Roster.steady(room.readers))
    summed = waited(
        day=day,
        groups={"all": np.ones(n, bool), **groups},
        keep=np.arange(n) >= n // 100,
    )
    return {name: group.mean for name, group in summed.items()}


def _row(
    room: str, rule: str, group: str, formula: float, simulated: float
) -> dict[str, Any]:
    return {
        "room": room,
        "rule": rule,
        "group": group,
        "formula": formula,
        "simulated": simulated,
        "off": simulated / formula - 1,
    }
