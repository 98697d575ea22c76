"""Decode frames that browsers can not show, and encode them losslessly again.

Decoders are C code that other people's files can crash: call this only in the
process that `workers.packs.isolation` starts for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from workers.packs.codestream import read_jpeg_header
from workers.packs.frames import Frame, FrameError, encapsulated_frames
from workers.packs.layout import DEFLATED_FRAMES, HTJ2K
from workers.packs.plan import FramePlan, misfit, read_pixel_header

_LOSSLESS = 0xC3


def iter_recoded(dataset: Dataset, *, plan: FramePlan) -> Iterator[Frame]:
    """Yield an instance's frames, decoded and encoded as its plan says.

    Raises:
        FrameError: The frames can not be decoded.
    """
    if plan.header is None or not plan.needs_decoding:
        raise FrameError("its frames need no decoding")
    for index in range(plan.n_frames):
        values = decode_frame(dataset, index=index)
        yield Frame(
            number=index + 1,
            codestream=_encode(values, plan),
            transfer_syntax=plan.transfer_syntax,
            ext=plan.ext,
        )


def decode_frame(dataset: Dataset, *, index: int) -> NDArray[Any]:
    """Decode one frame (0-based) to stored values, colour as RGB.

    Returns:
        [rows, columns] or [rows, columns, 3], in the dataset's own depth.

    Raises:
        FrameError: It can not be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(dataset, index)
    except FrameError:
        raise
    except MemoryError as error:
        raise FrameError("it needs more memory than allowed") from error
    except Exception as error:  # decoders raise whatever they like
        raise FrameError(
            f"frame {index + 1} is damaged and can not be decoded"
        ) from error


def _decode(dataset: Dataset, index: int) -> NDArray[Any]:
    syntax = UID(str(dataset.file_meta.TransferSyntaxUID))
    codestream = next(islice(encapsulated_frames(dataset), index, None), b"")
    if syntax == DEFLATED_FRAMES:
        raise NotImplementedError("deflated frames need no decoder")
    if why_not := codestream and misfit(read_pixel_header(dataset), codestream):
        raise FrameError(why_not)
    header = read_jpeg_header(codestream)
    if header is not None and header.precision == 12 and header.sof != _LOSSLESS:
        return np.asarray(imagecodecs.jpeg8_decode(codestream))
    values, _ = get_decoder(syntax).as_array(dataset, index=index, raw=False)
    return np.asarray(values)


def to_screen_depth(values: NDArray[Any], *, bits: int) -> NDArray[Any]:
    """Cut colours of `bits` bits to the 8 that screens show."""
    if values.dtype.itemsize == 1:
        return values
    cut: NDArray[Any] = np.right_shift(values, max(bits - 8, 0)).astype(np.uint8)
    return cut


def _encode(values: NDArray[Any], plan: FramePlan) -> bytes:
    if values.dtype == np.int8:
        values = values.astype(np.int16)
    if plan.header is not None and plan.header.samples == 3:
        values = to_screen_depth(values, bits=plan.header.bits_stored)
    if plan.transfer_syntax != HTJ2K:
        return values.astype(values.dtype.newbyteorder("<")).tobytes()
    try:
        grey = np.ascontiguousarray(values)
        return bytes(imagecodecs.htj2k_encode(grey, reversible=True))
    except imagecodecs.Htj2kError as error:
        raise FrameError("a frame can not be encoded") from error
