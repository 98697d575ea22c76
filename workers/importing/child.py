"""The importer, inside its jail: read a request, make a package, say what was done."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from workers.importing.said import RefusedError, Said
from workers.importing.sources import import_source

_OUT = Path("/out")
_MOST_CAUSES = 4


def _chain(error: BaseException) -> str:
    """Return an error and what it came of, in one line."""
    words: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(words) < _MOST_CAUSES:
        words.append(f"{type(seen).__name__}: {seen}")
        seen = seen.__cause__
    return ", from ".join(words)[:900]


def main() -> int:
    """Import what standard input asks for; what goes wrong is told in one line."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what others' code prints is no answer

    def tell(**said: Any) -> None:
        answers.write(json.dumps(said, ensure_ascii=False) + "\n")
        answers.flush()

    request = json.loads(sys.stdin.readline())
    said = Said(tell=lambda words: tell(progress=words))
    try:
        files, report = import_source(
            Path(request["source"]),
            kind=request["kind"],
            card=request["card"],
            said=said,
        )
    except RefusedError as error:
        tell(refused=str(error))
        return 0
    except MemoryError:
        tell(refused="it needs more memory than allowed")
        return 0
    except Exception as error:  # noqa: BLE001  a stranger's model may raise anything
        tell(refused=f"it can not be imported: {_chain(error)}")
        return 0
    for name, content in files.items():
        (_OUT / name).write_bytes(content)
    (_OUT / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
