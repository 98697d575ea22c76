"""What every benchmark shares: the stack it runs against, metrics, table, file.

A benchmark is a module beside this one with `run(stack: Stack) -> list[Metric]`;
`script/benchmark NAME` runs it.
"""

import argparse
import importlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stack:
    """A running Overread.

    Attributes:
        url: Where people reach it, without a slash at the end.
        dicom_host: Host of the C-STORE port.
        dicom_port: The C-STORE port.
        state: Its state folder (logs in `log/`, variables in `env`).
    """

    url: str
    dicom_host: str
    dicom_port: int
    state: Path

    @classmethod
    def from_environment(cls) -> "Stack":
        """The stack that `script/test` or `script/benchmark` has started."""
        host, _, port = os.environ["OVERREAD_STACK_DICOM"].partition(":")
        return cls(
            url=os.environ["OVERREAD_STACK_URL"],
            dicom_host=host,
            dicom_port=int(port),
            state=Path(os.environ["OVERREAD_STACK_STATE"]),
        )


@dataclass(frozen=True)
class Metric:
    """One figure.

    Attributes:
        metric: What was measured, in words.
        value: The figure.
        unit: Its unit, `s`, `ms`, `frames/s`, `1` …
        peer: The same figure of the peer we compare with, if there is one.
        ratio: `value / peer`, if there is a peer.
        goal: The goal in words, such as `≤ 5.0`; empty for a figure without one.
        met: Whether the goal was met; None without one.
    """

    metric: str
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None

    @classmethod
    def at_most(
        cls, metric: str, value: float, unit: str, limit: float, **more: float
    ) -> "Metric":
        """A figure that is good when it is small.

        Args:
            metric: What was measured.
            value: The figure.
            unit: Its unit.
            limit: The largest value that meets the goal.
            **more: `peer`, if there is one.
        """
        peer = more.get("peer")
        return cls(
            metric=metric,
            value=value,
            unit=unit,
            peer=peer,
            ratio=value / peer if peer else None,
            goal=f"≤ {limit:g}",
            met=value <= limit,
        )

    @classmethod
    def at_least(
        cls, metric: str, value: float, unit: str, limit: float, **more: float
    ) -> "Metric":
        """A figure that is good when it is large; arguments as in `at_most`."""
        peer = more.get("peer")
        return cls(
            metric=metric,
            value=value,
            unit=unit,
            peer=peer,
            ratio=value / peer if peer else None,
            goal=f"≥ {limit:g}",
            met=value >= limit,
        )


def table(metrics: list[Metric]) -> str:
    """Metrics as aligned plain text."""
    head = ("metric", "value", "unit", "peer", "ratio", "goal", "met")
    rows = [head, *(tuple(map(_cell, asdict(m).values())) for m in metrics)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, 2, 5, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> int:
    """Run the named benchmark; exit status 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="script/benchmark")
    parser.add_argument("name")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    module = importlib.import_module(f"tests.benchmarks.{options.name}")
    metrics: list[Metric] = module.run(Stack.from_environment())
    sys.stdout.write(table(metrics) + "\n")
    if options.json:
        facts = {"name": options.name, "metrics": [asdict(m) for m in metrics]}
        options.json.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return 0 if all(metric.met is not False for metric in metrics) else 1


if __name__ == "__main__":
    sys.exit(main())
