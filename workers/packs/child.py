"""The process in which other people's pixels are decoded.

It reads requests from its standard input and answers on its standard output with
lines of JSON: `{"blob": n}` followed by n bytes, any number of times, then
`{"end": ...}` or `{"error": words}`. When a decoder crashes, only this process dies.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from workers.packs.dataset import (
    PARSE_ERRORS,
    UnreadableInstanceError,
    read_dataset,
)
from workers.packs.frames import FrameError, plan_instance
from workers.packs.recode import iter_recoded
from workers.packs.rendering import measure_frame, render_frame
from workers.packs.storable import transcode

THUMBNAIL_SIDE = 256

MEMORY_AT_LEAST = 1536 << 20
_MEMORY_RATIO = 4
_OUTPUT_AT_LEAST = 256 << 20
_OUTPUT_RATIO = 64

Meta = dict[str, Any]


def _recode(content: bytes, _request: Meta, _meta: Meta) -> Iterator[bytes]:
    dataset = read_dataset(content)
    limit = max(_OUTPUT_AT_LEAST, _OUTPUT_RATIO * len(content))
    size = 0
    for frame in iter_recoded(dataset, plan=plan_instance(dataset)):
        size += len(frame.codestream)
        if size > limit:
            raise FrameError(f"its frames would unpack to more than {limit >> 20} MB")
        yield frame.codestream


def _transcode(content: bytes, _request: Meta, _meta: Meta) -> Iterator[bytes]:
    yield transcode(content)


def _render(content: bytes, request: Meta, meta: Meta) -> Iterator[bytes]:
    found = render_frame(read_dataset(content), frame=int(request["frame"]))
    meta.update(shape=list(found.values.shape), voi=found.voi)
    yield found.values.astype("<f4").tobytes()


def _measure(content: bytes, request: Meta, meta: Meta) -> Iterator[bytes]:
    values = measure_frame(read_dataset(content), frame=int(request["frame"]))
    meta.update(shape=list(values.shape))
    yield values.astype("<f4").tobytes()


def _thumbnail(content: bytes, request: Meta, _meta: Meta) -> Iterator[bytes]:
    found = render_frame(read_dataset(content), frame=int(request["frame"]))
    grey = (found.values * 255.0 + 0.5).astype(np.uint8)
    image = Image.fromarray(grey)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    target = io.BytesIO()
    image.save(target, format="JPEG", quality=80)
    yield target.getvalue()


_VERBS: dict[str, Callable[[bytes, Meta, Meta], Iterator[bytes]]] = {
    "measure": _measure,
    "recode": _recode,
    "render": _render,
    "thumbnail": _thumbnail,
    "transcode": _transcode,
}


def _answers(request: Meta, content: bytes) -> Iterator[tuple[Meta, bytes]]:
    """Yield an answer's blobs and its end; nothing that a file does gets out."""
    meta: Meta = {}
    try:
        for blob in _VERBS[request["verb"]](content, request, meta):
            yield {"blob": len(blob)}, blob
        yield {"end": meta}, b""
    except (FrameError, UnreadableInstanceError) as error:
        yield {"error": str(error)}, b""
    except MemoryError:
        yield {"error": "it needs more memory than allowed"}, b""
    except PARSE_ERRORS:
        yield {"error": "it is damaged and can not be decoded"}, b""


def serve(source: BinaryIO, target: BinaryIO, *, most_memory: int) -> None:
    """Say that all is loaded, then answer requests until the input ends."""
    target.write(b"{}\n")
    target.flush()
    while line := source.readline():
        request = json.loads(line)
        allow_memory(request["size"], most=most_memory)
        content = source.read(request["size"])
        for meta, blob in _answers(request, content):
            target.write(json.dumps(meta).encode() + b"\n" + blob)
            target.flush()


def allow_memory(size: int, *, most: int) -> None:
    """Bound this process' address space by the size of what it is given, in bytes."""
    wanted = min(MEMORY_AT_LEAST + _MEMORY_RATIO * size, most)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


def main() -> None:
    """Limit this process, keep C code's chatter out of the answers, and serve."""
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers, most_memory=limit)


if __name__ == "__main__":
    main()
