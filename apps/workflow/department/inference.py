"""The models' worker while the department's past is lived through."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

WORKER_SECRETS = frozenset(
    {
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "OVERREAD_SECRET_KEY",
        "ORTHANC_URL",
        "ORTHANC_USER",
        "ORTHANC_PASSWORD",
    }
)
"""What a worker is never told, here as on the queue."""


class Inference:
    """The gpu worker's code in a process of its own, without a queue."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            environment: Names and values that it is given; secrets are left out.
        """
        env = {k: v for k, v in environment.items() if k not in WORKER_SECRETS}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers.lines"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
            text=True,
        )

    def infer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            RuntimeError: The process has ended.
        """
        pipe, answers = self._process.stdin, self._process.stdout
        if pipe is None or answers is None:
            raise RuntimeError("the inference process has no pipes")
        pipe.write(json.dumps(request) + "\n")
        pipe.flush()
        line = answers.readline()
        if not line:
            raise RuntimeError("the inference process ended; its words are above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        """Use it for a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let it end: there is no more to read."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)
