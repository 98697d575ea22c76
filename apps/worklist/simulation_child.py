"""A process of its own that simulates one department: JSON in, JSON out.

A simulation is seconds of arithmetic: in the web process everybody would wait for it.
Reads one object from standard input (the fields of `Department`, with `ai` and
`policy` as objects, and `repetitions`), writes `{load, arrivals, rules}` or
`{problem}`. Knows neither database nor settings.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from apps.worklist.priority import SitePolicy
from apps.worklist.simulation import Department, compare_rules
from workers.measures.estimate import MeasureError
from workers.measures.triage_reader import TriageReader

_NICER = 5


def answer(given: dict[str, Any]) -> dict[str, Any]:
    """Return what the simulation says, or `{problem}` in words."""
    fields = dict(given)
    repetitions = fields.pop("repetitions")
    try:
        department = Department(
            **{
                **fields,
                "ai": TriageReader(**fields["ai"]),
                "policy": SitePolicy(**fields["policy"]),
            }
        )
        rules = compare_rules(department=department, repetitions=repetitions)
    except MeasureError as error:
        return {"problem": str(error)}
    return {
        "load": department.load,
        "rules": {
            rule: {group: asdict(waits) for group, waits in groups.items()}
            for rule, groups in rules.items()
        },
    }


def main() -> None:
    """Read, simulate, write."""
    os.nice(_NICER)
    sys.stdout.write(json.dumps(answer(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
