"""A small picture of a file, made in the process where decoders may crash."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.packs.isolation import DecodingError, IsolatedDecoder

SIDE = 512
_TIMEOUT_S = 8.0
_MEMORY_BYTES = 2 << 30


class NoPictureError(ValueError):
    """The file has no picture to show; the text says why."""


@cache
def _decoder() -> IsolatedDecoder:
    return IsolatedDecoder(timeout_s=_TIMEOUT_S, memory_bytes=_MEMORY_BYTES)


def read_values(content: bytes, *, frame: int = 1) -> NDArray[np.float32]:
    """Return a grey frame of a DICOM file in its own unit (Hounsfield for CT).

    Args:
        content: The whole file.
        frame: Which one, 1-based.

    Returns:
        float32 [rows, columns].

    Raises:
        NoPictureError: It has none, is in colour, or cannot be decoded.
    """
    try:
        return _decoder().measure(content, frame=frame)
    except DecodingError as error:
        raise NoPictureError(str(error)) from error


def draw_png(content: bytes, *, frame: int = 1) -> bytes:
    """Return a frame of a DICOM file as an 8-bit PNG, at most 512 pixels wide or high.

    Args:
        content: The whole file.
        frame: Which one, 1-based.

    Raises:
        NoPictureError: It has none, or it cannot be decoded.
    """
    try:
        shown = _decoder().render(content, frame=frame)
    except DecodingError as error:
        raise NoPictureError(str(error)) from error
    grey = np.clip(np.rint(shown.values * 255.0), 0, 255).astype(np.uint8)
    image = Image.fromarray(grey)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()
