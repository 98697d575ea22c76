"""Films through the whole way of a model, against torch in a plain loop.

Throughput counts from references that wait in the models' queue to results on record:
the worker is held until all are there, then let go. Before, between and after, plain
loops over the same pixels run in a process of their own, with as many threads, while
the stack is at rest. Then the same with a network of the size that departments run, a
DenseNet-121. At last one study after the other is made STAT behind a burst. Memory is
that of the worker with its children while the burst is worked off.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tests.benchmarks.harness import Metric, Stack
from tests.benchmarks.inferring.densenet import AGE, switched_on
from tests.benchmarks.inferring.department import (
    PARTS,
    Asked,
    Department,
    films,
    processor_seconds,
    resident,
)
from tests.benchmarks.inferring.memory import slope_of
from tests.benchmarks.inferring.plain import PACKAGE
from tests.faults.running import FILMS, Running, wait_until
from tests.person import Person

QUICK = bool(os.environ.get("OVERREAD_BENCHMARK_QUICK"))
BURST = int(os.environ.get("OVERREAD_BENCHMARK_STUDIES") or (600 if QUICK else 2000))
ROUNDS = 2 if QUICK else 3
N_ROUND = 1000
"""Long enough that beginning and end, half a second, are little of it."""
N_WARM = 400
"""Studies before the first round: what fills up after a start is not counted."""
N_PLAIN = 96 if QUICK else 200
N_HEAVY = 96 if QUICK else 200
N_IDLE = 9
N_URGENT = 9
BATCH = 8
SECTIONS = ("films", "densenet", "burst")
ONLY = tuple(os.environ.get("OVERREAD_INFERENCE_ONLY", " ".join(SECTIONS)).split())
"""What is measured: each by itself is minutes, all of it an hour."""
GOAL_BATCHED, GOAL_ONE, GOAL_STAT = 0.85, 2.5, 3.0


def _say(words: str) -> None:
    sys.stderr.write(f"  {time.strftime('%H:%M:%S')}  {words}\n")


def _threads() -> int:
    return len(os.sched_getaffinity(0))


def _plain(folder: Path, package: Path) -> dict[str, float]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.benchmarks.inferring.plain", str(folder)),
            *("--batch", str(BATCH), "--threads", str(_threads())),
            *("--package", str(package), "--rounds", "3"),
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"},
    )
    found: dict[str, float] = json.loads(done.stdout)
    _say(" · ".join(f"{name} {rate:.1f}" for name, rate in found.items()))
    return found


@dataclass
class Case:
    """What was measured of one model.

    Attributes:
        title: The model, in words.
        n: Studies of a round.
        age: Of the films, which says what model they are for.
        plain: Each time the loops ran.
        rates: Studies a second of each round of the product.
        processor: Milliseconds of processor a study, by part.
        parts: Mean seconds of a study in the worker, by part.
        failed: Runs that failed.
    """

    title: str
    n: int
    age: str = "004Y"
    plain: list[dict[str, float]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    processor: list[dict[str, float]] = field(default_factory=list)
    parts: dict[str, float] = field(default_factory=dict)
    failed: int = 0


@dataclass
class Found:
    """What was measured.

    Attributes:
        films: The shipped model of children's films.
        heavy: The network of the size that departments run.
        idle: Seconds from request to result, one at a time.
        click: Seconds of the request that makes a study STAT, with nothing else to do.
        urgent: Seconds from STAT to result behind the burst.
        waiting: Studies that waited when the first became STAT.
        memory: (studies done, MB by process) while the burst was worked off.
        burst_rate: Studies a second of the burst.
        failed: Runs of the burst that failed.
    """

    films: Case = field(default_factory=lambda: Case(title="", n=N_ROUND))
    heavy: Case = field(
        default_factory=lambda: Case(title="DenseNet-121: ", n=N_HEAVY, age=AGE)
    )
    idle: list[float] = field(default_factory=list)
    click: list[float] = field(default_factory=list)
    urgent: list[float] = field(default_factory=list)
    waiting: int = 0
    memory: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    burst_rate: float = 0.0
    failed: int = 0


def run(stack: Stack) -> list[Metric]:
    """Measure throughput of both models, the urgent behind a burst, and memory."""
    if not FILMS.exists():
        raise SystemExit(f"{FILMS} is not here: the benchmark needs its films.")
    if unknown := [name for name in ONLY if name not in SECTIONS]:
        raise SystemExit(
            f"OVERREAD_INFERENCE_ONLY: there is no {unknown[0]}; some of:"
            f" {' '.join(SECTIONS)}."
        )
    running, found = Running(stack), Found()
    mark = f"INF{int(time.time()) % 1_000_000:06d}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, sent in enumerate(islice(films("PLAIN"), N_PLAIN)):
            (folder / f"{number:05d}.dcm").write_bytes(sent.film)
        if "films" in ONLY:
            _case(running, found.films, folder, package=PACKAGE, mark=mark)
        if "densenet" in ONLY:
            _densenet(running, found, folder, mark=mark)
        # Last: its reports are written for minutes, and a change of slots before it
        # would have every study of it judged anew.
        if "burst" in ONLY:
            _idle(running, found, prefix=f"{mark}I")
            _burst(running, found, prefix=f"{mark}B")
    return _metrics(found)


def _densenet(running: Running, found: Found, folder: Path, *, mark: str) -> None:
    few = folder / "few"
    few.mkdir()
    for each in sorted(folder.glob("*.dcm"))[:N_HEAVY]:
        (few / each.name).write_bytes(each.read_bytes())
    with switched_on(running, folder, version=mark) as package:
        _case(running, found.heavy, few, package=package, mark=f"{mark}H")


def _case(
    running: Running, case: Case, folder: Path, *, package: Path, mark: str
) -> None:
    """Measure plain loops and the product in turns, each with the stack at rest."""
    rest = Department(running, mark)
    rest.wait_quiet()
    warm = Department(running, f"{mark}V", age=case.age)
    warm.arrive(min(N_WARM, case.n))
    warm.wait_ended(min(N_WARM, case.n))
    for number in range(ROUNDS):
        rest.wait_quiet()
        case.plain.append(_plain(folder, package))
        _round(running, case, prefix=f"{mark}R{number}")
    rest.wait_quiet()
    case.plain.append(_plain(folder, package))


def _round(running: Running, case: Case, *, prefix: str) -> None:
    """Measure one round of the product: held, let go, all on record."""
    department = Department(running, prefix, age=case.age)
    department.wait_quiet()
    with department.held():
        department.arrive(case.n)
        department.wait_quiet()
        before = processor_seconds(running)
        began = time.time()
    department.wait_ended(case.n)
    after = processor_seconds(running)
    ends = department.column("extract(epoch FROM i.finished_at)")
    case.rates.append(case.n / (max(ends) - began))
    case.failed += department.counts().failed
    case.processor.append(
        {part: 1000 * (after[part] - before[part]) / case.n for part in PARTS}
    )
    for part in ("fetch_s", "prepare_s", "infer_s", "explain_s"):
        spent = department.column(f"(i.timings->>'{part}')::float")
        case.parts[part] = statistics.mean(spent)
    _say(f"{case.title}the whole way: {case.rates[-1]:.1f}/s")


def _idle(running: Running, found: Found, *, prefix: str) -> None:
    reader = Person(running.stack, "radiologist")
    department = Department(running, prefix)
    for number in range(N_IDLE):
        department.wait_quiet()
        department.arrive(1)
        department.wait_ended(number + 1)
        department.wait_quiet()
        if (ended := department.last_ended()) is not None:
            found.click.append(_click(reader, ended)[1])
    found.idle = department.column("extract(epoch FROM i.finished_at - i.requested_at)")
    _say(f"idle: {[round(s, 2) for s in found.idle]} s")
    _say(f"to make one STAT: {[round(s, 3) for s in found.click]} s")


def _burst(running: Running, found: Found, *, prefix: str) -> None:
    """Let a burst go; make studies at its end STAT, one after the other."""
    reader = Person(running.stack, "radiologist")
    department = Department(running, prefix)
    department.wait_quiet()
    with department.held():
        department.arrive(BURST)
        _say(f"{BURST} wait")
        began = time.time()
    department.wait_ended(min(50, BURST // 10))
    for _ in range(N_URGENT):
        asked = department.last_waiting()
        if asked is None:
            _say("nothing waits any more: take more --studies")
            break
        found.waiting = found.waiting or BURST - department.counts().ended
        seconds = _make_urgent(department, reader, asked)
        if seconds < 0:
            _say("the study was done before it was made STAT: take more --studies")
            break
        found.urgent.append(seconds)
        _sample(running, department, found)
    while department.counts().ended < BURST:
        _sample(running, department, found)
        time.sleep(1.0)
    _sample(running, department, found)
    ends = department.column("extract(epoch FROM i.finished_at)")
    found.burst_rate = BURST / (max(ends) - began)
    found.failed += department.counts().failed
    _say(f"urgent: {[round(s, 2) for s in found.urgent]} s")


def _sample(running: Running, department: Department, found: Found) -> None:
    found.memory.append((department.counts().ended, resident(running)))


def _click(reader: Person, asked: Asked) -> tuple[float, float]:
    """Make a study STAT as a radiologist does; return when, and how long it took."""
    row = reader.row_of(asked.patient_id)
    if row is None:
        raise LookupError("the study is not on the list")
    began = time.time()
    body = {"band": "STAT", "reason_code": "clinical_info", "reason_text": ""}
    reader.send(
        "POST", f"worklist/items/{row['id']}/band", json=body
    ).raise_for_status()
    return began, time.time() - began


def _make_urgent(department: Department, reader: Person, asked: Asked) -> float:
    """Make a study STAT; return the seconds from the click to its result."""
    began, _ = _click(reader, asked)
    wait_until(
        lambda: department.ended_at(asked) is not None,
        "the urgent study is done",
        within_s=1200,
        every_s=0.05,
    )
    return (department.ended_at(asked) or math.nan) - began


def _memory(memory: list[tuple[int, dict[str, float]]]) -> list[Metric]:
    """Return the worker's memory, and the slope of each process that stayed."""
    worker = max(
        sum(mb for name, mb in used.items() if name.startswith("worker-gpu"))
        for _, used in memory
    )
    names = set.intersection(*(set(used) for _, used in memory))
    lines = [_plainly("worker's memory, largest", worker, "MB")]
    for name in sorted(names):
        line = slope_of([(done, used[name]) for done, used in memory])
        if math.isnan(line.per_thousand):  # a short burst: too few samples for a line
            continue
        what = f"{name.rpartition(' ')[0]}: memory per 1,000 over {BURST} studies"
        limits = f"[{line.low:.1f}, {line.high:.1f}]"
        lines.append(_plainly(f"{what} {limits}", line.per_thousand, "MB"))
    return lines


def _plainly(metric: str, value: float, unit: str) -> Metric:
    return Metric(metric=metric, value=value, unit=unit)


def _whole(case: Case) -> list[Metric]:
    """Return the figures of one model."""

    def plain(name: str) -> float:
        return statistics.median(each[name] for each in case.plain)

    title, rate = case.title, statistics.median(case.rates)
    batched, one = plain("batched"), plain("one")
    processor = [
        _plainly(
            f"{title}processor a study: {part}",
            statistics.median(each[part] for each in case.processor),
            "ms",
        )
        for part in PARTS
    ]
    spent = [
        _plainly(f"{title}a study in the worker: {part}", value, "s")
        for part, value in case.parts.items()
    ]
    return [
        Metric.at_least(
            f"{title}whole way, references → results on record ({case.n} studies ×"
            f" {ROUNDS}) : plain batched loop",
            rate / batched,
            "1",
            GOAL_BATCHED,
        ),
        Metric.at_least(
            f"{title}whole way : plain one-by-one loop", rate / one, "1", GOAL_ONE
        ),
        _plainly(f"{title}limit of the line above: batched : one", batched / one, "1"),
        _plainly(f"{title}whole way", rate, "1/s"),
        _plainly(f"{title}plain loop, batches of {BATCH}", batched, "1/s"),
        _plainly(f"{title}plain loop, one by one", one, "1/s"),
        _plainly(f"{title}network alone, batched", plain("network"), "1/s"),
        _plainly(f"{title}network alone, one by one", plain("network_one"), "1/s"),
        *spent,
        _plainly(
            f"{title}processor a film: plain batched loop", plain("batched_ms"), "ms"
        ),
        _plainly(f"{title}processor a film: plain one by one", plain("one_ms"), "ms"),
        *processor,
    ]


def _metrics(found: Found) -> list[Metric]:
    failed = found.failed + found.films.failed + found.heavy.failed
    return [
        *(_whole(found.films) if "films" in ONLY else ()),
        *(_behind(found) if "burst" in ONLY else ()),
        *(_whole(found.heavy) if "densenet" in ONLY else ()),
        Metric.at_most("runs that failed", float(failed), "1", 0),
        _plainly("load of the machine", os.getloadavg()[1], "1"),
    ]


def _behind(found: Found) -> list[Metric]:
    """Return the figures of the burst and of what was made STAT behind it."""
    idle, click = statistics.median(found.idle), statistics.median(found.click)
    # Where the burst was over too soon there is no figure, and no goal is met.
    urgent = statistics.median(found.urgent or [math.nan])
    return [
        Metric.at_most(
            f"STAT behind {found.waiting}, median of {len(found.urgent)} : idle",
            urgent / idle,
            "1",
            GOAL_STAT,
        ),
        _plainly(
            "… : the same click and its result, idle",
            urgent / (idle + click),
            "1",
        ),
        _plainly("request → result, idle", idle, "s"),
        _plainly("the click that makes one STAT, idle", click, "s"),
        _plainly("STAT → result behind the burst, median", urgent, "s"),
        _plainly("… worst", max(found.urgent, default=math.nan), "s"),
        _plainly(f"burst of {BURST}", found.burst_rate, "1/s"),
        *_memory(found.memory),
    ]
