"""Ask the decoding process: a crash, a hang or a memory bomb stays in there."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

TIMEOUT_S = 8.0
"""Seconds for a small file."""
MEMORY_BYTES = 6 << 30
_BYTES_PER_S = 1 << 20
_START_S = 60.0
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class DecodingError(ValueError):
    """The decoding process gave no pixels; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedImage:
    """A frame as displayed, see `workers.packs.rendering.Rendered`."""

    values: NDArray[np.float32]
    voi: str


class IsolatedDecoder:
    """A decoding process that is started when needed and after each crash.

    One caller at a time; a lock sees to it.
    """

    def __init__(
        self, *, timeout_s: float = TIMEOUT_S, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        """Take the limits of one request.

        Args:
            timeout_s: Seconds for a small file; large ones get one more a MiB.
            memory_bytes: Address space for the largest file; small ones are given
                less, see `workers.packs.child.allow_memory`.
        """
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Use it as a context: it ends with it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.close()

    @property
    def pid(self) -> int:
        """The process' number; 0 while there is none."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process now; otherwise the first request does."""
        with self._lock:
            self._start()

    def recode(self, content: bytes) -> Iterator[bytes]:
        """Yield all frames of a DICOM file, encoded for the browser.

        Nobody else is served until the last is taken or the iterator is closed.

        Raises:
            DecodingError: They can not be had.
        """
        return self._blobs({"verb": "recode"}, content, {})

    def thumbnail(self, content: bytes, *, frame: int) -> bytes:
        """Return a small JPEG of a frame (1-based).

        Raises:
            DecodingError: It can not be had.
        """
        return self._ask({"verb": "thumbnail", "frame": frame}, content)[1][0]

    def transcode(self, content: bytes) -> bytes:
        """Return an HTJ2K file as one that the archive can hold.

        Raises:
            DecodingError: It can not be had.
        """
        return self._ask({"verb": "transcode"}, content)[1][0]

    def measure(self, content: bytes, *, frame: int) -> NDArray[np.float32]:
        """Return a grey frame (1-based) in its own unit, float32 [rows, columns].

        Raises:
            DecodingError: It can not be had.
        """
        meta, blobs = self._ask({"verb": "measure", "frame": frame}, content)
        values = np.frombuffer(blobs[0], dtype="<f4").reshape(meta["shape"])
        return values.astype(np.float32)

    def render(self, content: bytes, *, frame: int) -> RenderedImage:
        """Return a frame (1-based) as displayed.

        Raises:
            DecodingError: It can not be had.
        """
        meta, blobs = self._ask({"verb": "render", "frame": frame}, content)
        values = np.frombuffer(blobs[0], dtype="<f4").reshape(meta["shape"])
        return RenderedImage(values=values.astype(np.float32), voi=meta["voi"])

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(  # noqa: S603  our own module
                [sys.executable, "-m", "workers.packs.child", str(self._memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_bare_environment(),
            )
            with self._limited(self._process, _START_S):
                _read_line(self._process)
        return self._process

    def _ask(
        self, request: dict[str, Any], content: bytes
    ) -> tuple[dict[str, Any], list[bytes]]:
        meta: dict[str, Any] = {}
        blobs = list(self._blobs(request, content, meta))
        return meta, blobs

    def _blobs(
        self, request: dict[str, Any], content: bytes, meta: dict[str, Any]
    ) -> Iterator[bytes]:
        """Yield an answer's blobs, and fill in what is said at its end."""
        limit_s = self._timeout_s + len(content) / _BYTES_PER_S
        with self._lock:
            process = self._start()
            is_whole = False
            try:
                with self._limited(process, limit_s):
                    _send(process, request, content)
                    while "blob" in (said := _read_line(process)):
                        yield _read_exactly(process, said["blob"])
                is_whole = True
            finally:
                if not is_whole:
                    self.close()  # what it still has to say would answer the next
        if "error" in said:
            raise DecodingError(said["error"])
        meta.update(said["end"])

    @contextlib.contextmanager
    def _limited(
        self, process: subprocess.Popen[bytes], seconds: float
    ) -> Iterator[None]:
        """End the process when it takes too long, and say what happened."""
        late = threading.Event()
        timer = threading.Timer(seconds, self._expire, (process, late))
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, EOFError, ValueError) as error:
            reason = "took too long" if late.is_set() else "crashed"
            raise DecodingError(f"decoding it {reason}") from error
        finally:
            timer.cancel()

    @staticmethod
    def _expire(process: subprocess.Popen[bytes], late: threading.Event) -> None:
        late.set()
        process.kill()


def _bare_environment() -> dict[str, str]:
    """Return what the process needs, and none of the worker's secrets."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    code = str(Path(__file__).parents[2])
    paths = (code, os.environ.get("PYTHONPATH", ""))
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**kept, **one_thread, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _send(
    process: subprocess.Popen[bytes], request: dict[str, Any], content: bytes
) -> None:
    if process.stdin is None:
        raise EOFError
    process.stdin.write(json.dumps({**request, "size": len(content)}).encode() + b"\n")
    process.stdin.write(content)
    process.stdin.flush()


def _read_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        raise EOFError
    said: dict[str, Any] = json.loads(line)
    return said


def _read_exactly(process: subprocess.Popen[bytes], size: int) -> bytes:
    found = process.stdout.read(size) if process.stdout is not None else b""
    if len(found) != size:
        raise EOFError
    return found
