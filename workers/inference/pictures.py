"""The pictures of one file for a model of films: a film, or a loop's frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from workers.packs.isolation import IsolatedDecoder
from workers.packs.rendering import PlainFile
from workers.pixels.image import DisplayImage, ImageHeader, load_image
from workers.pixels.ultrasound import clean_frames, read_regions

MOST_FRAMES: Final = 16


def load_pictures(
    content: bytes,
    *,
    header: ImageHeader,
    decoder: IsolatedDecoder,
    plain: PlainFile | None = None,
) -> list[DisplayImage]:
    """Decode what a model of films is given of a file.

    A film is its one frame. Of ultrasound at most `MOST_FRAMES` frames are taken,
    evenly over the loop, with everything but the scan black.

    Args:
        content: The DICOM file as stored.
        header: What was read of it.
        decoder: The process that decodes.
        plain: The parsed file, see `load_image`.

    Raises:
        ImageError: It can not be decoded, or shows no scan.
    """
    if header.modality != "US":
        return [load_image(content, header=header, decoder=decoder, plain=plain)]
    chosen = np.unique(
        np.linspace(1, header.n_frames, min(header.n_frames, MOST_FRAMES)).astype(int)
    )
    frames = [
        load_image(content, header=header, decoder=decoder, frame=int(number))
        for number in chosen
    ]
    cleaned = clean_frames(
        np.stack([frame.values for frame in frames]), regions=read_regions(content)
    )
    return [
        replace(frame, values=values)
        for frame, values in zip(frames, cleaned.values, strict=True)
    ]
