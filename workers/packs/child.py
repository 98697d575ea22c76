"""The process in which other people's pixels are decoded.

It reads requests from its standard input and answers on its standard output:
a line of JSON, then bytes. When a decoder crashes, only this process dies.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from workers.packs.dataset import PARSE_ERRORS, read_dataset
from workers.packs.frames import FrameError, plan_instance
from workers.packs.recode import iter_recoded
from workers.packs.rendering import render_frame
from workers.packs.storable import transcode

THUMBNAIL_SIDE = 256

Answer = tuple[dict[str, Any], list[bytes]]


def _recode(content: bytes, _request: dict[str, Any]) -> Answer:
    dataset = read_dataset(content)
    frames = list(iter_recoded(dataset, plan=plan_instance(dataset)))
    return {}, [frame.codestream for frame in frames]


def _transcode(content: bytes, _request: dict[str, Any]) -> Answer:
    return {}, [transcode(content)]


def _render(content: bytes, request: dict[str, Any]) -> Answer:
    found = render_frame(read_dataset(content), frame=int(request["frame"]))
    meta = {"shape": list(found.values.shape), "voi": found.voi}
    return meta, [found.values.astype("<f4").tobytes()]


def _thumbnail(content: bytes, request: dict[str, Any]) -> Answer:
    found = render_frame(read_dataset(content), frame=int(request["frame"]))
    grey = (found.values * 255.0 + 0.5).astype(np.uint8)
    image = Image.fromarray(grey)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    target = io.BytesIO()
    image.save(target, format="JPEG", quality=80)
    return {}, [target.getvalue()]


_VERBS: dict[str, Callable[[bytes, dict[str, Any]], Answer]] = {
    "recode": _recode,
    "render": _render,
    "thumbnail": _thumbnail,
    "transcode": _transcode,
}


def _answer(request: dict[str, Any], content: bytes) -> Answer:
    try:
        return _VERBS[request["verb"]](content, request)
    except FrameError as error:
        return {"error": str(error)}, []
    except MemoryError:
        return {"error": "it needs more memory than allowed"}, []
    except PARSE_ERRORS as error:
        return {"error": f"it can not be decoded ({type(error).__name__})"}, []


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer requests until the input ends."""
    while line := source.readline():
        request = json.loads(line)
        content = source.read(request["size"])
        meta, blobs = _answer(request, content)
        meta["sizes"] = [len(blob) for blob in blobs]
        target.write(json.dumps(meta).encode() + b"\n")
        for blob in blobs:
            target.write(blob)
        target.flush()


def main() -> None:
    """Limit this process, keep C code's chatter out of the answers, and serve."""
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
