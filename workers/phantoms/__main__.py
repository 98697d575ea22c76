"""Phantoms from the command line.

python -m workers.phantoms study --kind chest-film --seed 7 --out DIR
python -m workers.phantoms department --out DIR --seed 2026 --days 21 [--small]
python -m workers.phantoms sheet --out X.png [--kind K] [--beside FOLDER]
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from workers.phantoms.department import FULL, SMALL, write_department
from workers.phantoms.dicom import write_study
from workers.phantoms.orders import Order
from workers.phantoms.settings import SETTINGS, SITES
from workers.phantoms.sheet import write_sheet
from workers.phantoms.studies import KINDS, make_study


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workers.phantoms", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    study = verbs.add_parser("study", help="write one study")
    sheet = verbs.add_parser("sheet", help="write a contact sheet as PNG")
    for verb in (study, sheet):
        verb.add_argument("--kind", choices=KINDS, default="chest-film")
        verb.add_argument("--seed", type=int, default=1)
        verb.add_argument("--person", type=int, help="seed of the patient")
        verb.add_argument("--settings", choices=sorted(SETTINGS), default="unseen")
        verb.add_argument("--site", choices=sorted(SITES), default="northfield")
        verb.add_argument("--size", type=int, default=0, help="rows and columns")
        verb.add_argument("--slices", type=int, default=0, help="of a CT")
        verb.add_argument(
            "--find", nargs="*", help="chest findings, as label or label=strength"
        )
    study.add_argument("--out", type=Path, required=True, help="folder")
    study.add_argument("--at", type=datetime.fromisoformat, help="date and time")
    study.add_argument(
        "--overlay", choices=("", "note", "truth"), default="", help="add a GSPS"
    )
    sheet.add_argument("--out", type=Path, required=True, help="PNG file")
    sheet.add_argument("--count", type=int, default=8)
    sheet.add_argument("--columns", type=int, default=4)
    sheet.add_argument("--cell", type=int, default=360)
    sheet.add_argument("--beside", type=Path, help="folder with real images")
    department = verbs.add_parser("department", help="write two sites' weeks")
    department.add_argument("--out", type=Path, required=True, help="folder")
    department.add_argument("--seed", type=int, default=2026)
    department.add_argument("--days", type=int, default=21)
    department.add_argument("--small", action="store_true")
    department.add_argument(
        "--processes", type=int, default=max(1, min(8, os.cpu_count() or 1))
    )
    return parser


def _order(args: argparse.Namespace, seed: int) -> Order:
    strengths = None
    if args.find is not None:
        pairs = (word.partition("=") for word in args.find)
        strengths = {label: float(value or 0.6) for label, _, value in pairs}
    at = getattr(args, "at", None) or datetime.now(UTC).replace(microsecond=0)
    return Order(
        kind=args.kind,
        seed=seed,
        person=seed if args.person is None else args.person,
        site=SITES[args.site],
        when=at,
        settings=SETTINGS[args.settings],
        strengths=strengths,
        size=args.size,
        slices=args.slices,
        overlay=getattr(args, "overlay", ""),
    )


def main(words: list[str] | None = None) -> int:
    """Runs one verb."""
    args = _parser().parse_args(words)
    begun = time.monotonic()
    if args.verb == "study":
        files = write_study(args.out, make_study(_order(args, args.seed)))
        said = f"{len(files)} files in {args.out}"
    elif args.verb == "sheet":
        orders = [_order(args, args.seed + k) for k in range(args.count)]
        count = write_sheet(
            args.out,
            orders,
            beside=args.beside,
            cell=args.cell,
            columns=args.columns,
        )
        said = f"{count} pictures in {args.out}"
    else:
        path = write_department(
            args.out,
            seed=args.seed,
            days=args.days,
            plan=SMALL if args.small else FULL,
            processes=args.processes,
        )
        said = f"department in {path}"
    sys.stdout.write(f"{said} ({time.monotonic() - begun:.0f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
