"""Turn a model that others made into a package, without trusting it. No torch here.

The work is done by `workers.importing` in a process that is shut in (`jail.py`). What
comes out is data from a stranger: two files, checked here as any package is, and a
report whose words are shown and never acted upon.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workers.model_card import CardError, check_told, read_card
from workers.model_files import CARD_NAME, PackageError, parse_card, read_files

TIMEOUT_S: Final = 1800
MEMORY_BYTES: Final = 16 << 30
MOST_SOURCE_BYTES: Final = 4 << 30
_CPU_S: Final = 3600
_FILE_BYTES: Final = 4 << 30
_EXIT_NO_JAIL: Final = 71
_MOST_LINE: Final = 4096
_MOST_REPORT_BYTES: Final = 1 << 20
_TICK_S: Final = 0.5
_READ_BYTES: Final = 1 << 16
_KEPT: Final = ("LANG", "LC_ALL", "LD_LIBRARY_PATH")
KINDS: Final = ("auto", "package", "monai", "torchscript", "onnx", "xrv")

Progress = Callable[[str], None]
Stop = Callable[[], bool]


class ImportRefusedError(ValueError):
    """A model that is not imported; the text says why, in plain words."""


class ImportStoppedError(Exception):
    """An import that was ended because somebody asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A package that an import made.

    Attributes:
        files: Its two files by name.
        card: Its card.
        report: What the importer says it did: format, figures before and after.
    """

    files: dict[str, bytes]
    card: dict[str, Any]
    report: dict[str, Any] = field(default_factory=dict)


def import_model(
    source: Path,
    *,
    kind: str = "auto",
    card: Mapping[str, Any] | None = None,
    progress: Progress = lambda _: None,
    timeout_s: float = TIMEOUT_S,
    stop: Stop = lambda: False,
    scratch: Path | None = None,
) -> Imported:
    """Import a model from a local file or folder.

    Args:
        source: The file or folder.
        kind: One of `KINDS`.
        card: Fields of the card that the source does not have, or has wrong.
        progress: Told in words what is being done.
        timeout_s: Seconds that it may take.
        stop: Asked twice a second; once it says yes, the importer is killed.
        scratch: Where its own folder is made; the system's by default.

    Raises:
        ImportRefusedError: It can not be imported, or this machine can not shut it in.
        ImportStoppedError: `stop` said so.
    """
    _check_machine()
    _check_source(source, kind=kind)
    with tempfile.TemporaryDirectory(prefix="model-import-", dir=scratch) as work:
        folder = Path(work)
        (folder / "root").mkdir()
        (folder / "out").mkdir()
        _run(
            source,
            folder,
            kind=kind,
            card=dict(card or {}),
            progress=progress,
            timeout_s=timeout_s,
            stop=stop,
        )
        return _take(folder / "out")


def _check_machine() -> None:
    """Refuse where the importer could not even begin."""
    if importlib.util.find_spec("torch") is None:
        raise ImportRefusedError(
            "PyTorch is not installed beside the portal on this machine, and without"
            " it no model is converted. Install the “gpu” packages here"
            " (docs/model-packages.md), or import on a machine that has them"
        )


def _check_source(source: Path, *, kind: str) -> None:
    if kind not in KINDS:
        raise ImportRefusedError(f"“{kind}” is no kind of model: {', '.join(KINDS)}")
    if not source.exists():
        raise ImportRefusedError("there is no file or folder at that place")
    files = list(source.rglob("*")) if source.is_dir() else [source]
    size = 0
    for path in files:
        if path.is_symlink():
            raise ImportRefusedError(f"{path.name} is a link; links are not followed")
        size += path.stat().st_size if path.is_file() else 0
    if size > MOST_SOURCE_BYTES:
        raise ImportRefusedError(f"it has more than {MOST_SOURCE_BYTES >> 30} GB")


def _run(
    source: Path,
    folder: Path,
    *,
    kind: str,
    card: dict[str, Any],
    progress: Progress,
    timeout_s: float,
    stop: Stop,
) -> None:
    """Run the importer in its jail and return when it has made a package."""
    place = source.resolve()
    inside = f"/in/{place.name}"
    request = {"source": inside, "kind": kind, "card": card}
    wanted = {**_jail(folder), "source": str(place), "source_inside": inside}
    process = subprocess.Popen(  # noqa: S603  our own script
        [sys.executable, "-I", "-S", str(Path(__file__).parent / "importing/jail.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        cwd="/",
    )
    with _limited(process, timeout_s) as late:
        errors = _drained(process)
        _tell(process, wanted, request)
        refusal = _listen(process, progress, stop)
        status = process.wait()
    if refusal:
        raise ImportRefusedError(refusal)
    if late.is_set():
        raise ImportRefusedError(f"it took more than {timeout_s:.0f} seconds")
    if status == _EXIT_NO_JAIL:
        raise ImportRefusedError(
            "this machine can not shut an import in, so nothing was run"
            f" ({_last_line(errors)}). It needs user namespaces"
            " (kernel.unprivileged_userns_clone, user.max_user_namespaces)"
        )
    if status != 0:
        raise ImportRefusedError(
            f"the importer ended ({status}) without a word; it may need more than"
            f" {MEMORY_BYTES >> 30} GB of memory: {_last_line(errors)}"
        )


def _jail(folder: Path) -> dict[str, Any]:
    code = Path(__file__).resolve().parent
    base = Path(sys.base_prefix).resolve()
    environment = Path(sys.prefix).resolve()
    read = {str(code), str(base), str(environment)}
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        "root": str(folder / "root"),
        "out": str(folder / "out"),
        # What lies under a system folder is there already.
        "read": sorted(p for p in read if not p.startswith(("/usr/", "/lib"))),
        "python": str(environment / "bin" / Path(sys.executable).name),
        "memory_bytes": MEMORY_BYTES,
        "cpu_s": _CPU_S,
        "file_bytes": _FILE_BYTES,
        "environment": {
            **kept,
            "PATH": "/usr/bin:/bin",
            "USER": "importer",
            "LOGNAME": "importer",
            "HOME": "/tmp",  # noqa: S108  inside its own file system
            "TMPDIR": "/tmp",  # noqa: S108
            "PYTHONPATH": str(code.parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "2",
        },
    }


@contextmanager
def _limited(
    process: subprocess.Popen[bytes], seconds: float
) -> Iterator[threading.Event]:
    late = threading.Event()

    def expire() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _drained(process: subprocess.Popen[bytes]) -> list[bytes]:
    """Read what it says of errors on the side; keep the end."""
    kept: list[bytes] = []

    def drain() -> None:
        while process.stderr is not None and (
            line := process.stderr.readline(_MOST_LINE)
        ):
            kept.append(line)
            del kept[:-20]

    threading.Thread(target=drain, daemon=True).start()
    return kept


def _tell(process: subprocess.Popen[bytes], *messages: dict[str, Any]) -> None:
    try:
        for message in messages:
            if process.stdin is not None:
                process.stdin.write(json.dumps(message).encode() + b"\n")
                process.stdin.flush()
        if process.stdin is not None:
            process.stdin.close()
    except BrokenPipeError:
        pass  # its exit status says more


def _listen(process: subprocess.Popen[bytes], progress: Progress, stop: Stop) -> str:
    """Pass on what it says it does; return its reason when it refuses."""
    refusal = ""
    for line in _lines(process, stop):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if not isinstance(said, dict):
            continue
        if "progress" in said:
            progress(_plain(said["progress"]))
        if "refused" in said:
            refusal = _plain(said["refused"], most=1000)
    return refusal


def _lines(process: subprocess.Popen[bytes], stop: Stop) -> Iterator[bytes]:
    """Yield what it writes, a line at a time, asking whether to stop between.

    Raises:
        ImportStoppedError: `stop` said so.
    """
    if process.stdout is None:
        return
    pipe, rest, asked = process.stdout.fileno(), b"", 0.0
    while True:
        if time.monotonic() - asked >= _TICK_S:
            asked = time.monotonic()
            if stop():
                raise ImportStoppedError
        if not select.select([pipe], [], [], _TICK_S)[0]:
            continue
        read = os.read(pipe, _READ_BYTES)
        if not read:
            break
        *whole, rest = (rest + read).split(b"\n")
        yield from (line for line in whole if len(line) <= _MOST_LINE)
        rest = rest[: _MOST_LINE + 1]  # of a line that never ends, no more is kept
    yield rest


def _plain(text: Any, *, most: int = 200) -> str:
    """Return words of a stranger as one line without control characters."""
    return "".join(c if c.isprintable() else " " for c in str(text))[:most]


def _last_line(errors: list[bytes]) -> str:
    lines = b"".join(errors).decode("utf-8", "replace").splitlines()
    return _plain(lines[-1]) if lines else "no reason given"


def _take(out: Path) -> Imported:
    """Return the package that a stranger left, when it is one."""
    try:
        files = read_files(out)
        card = parse_card(files[CARD_NAME])
        read_card(card)
    except (PackageError, CardError) as error:
        raise ImportRefusedError(f"no package came out: {error}") from error
    unsaid = check_told(card)
    if unsaid:
        raise ImportRefusedError(
            "the card does not say what a person must be able to read: "
            + "; ".join(unsaid)
            + ". Give it with --card"
        )
    return Imported(files=files, card=card, report=_report(out / "report.json"))


def _report(path: Path) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file():
        return {}
    if path.stat().st_size > _MOST_REPORT_BYTES:
        return {}
    try:
        said = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
