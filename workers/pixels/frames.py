"""The frames of an image with frames, each with its own place and contrast."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydicom.dataset import Dataset

from workers.packs.dataset import (
    PARSE_ERRORS,
    UnreadableInstanceError,
    read_dataset,
)
from workers.packs.metadata import numbers_of, text_of
from workers.pixels.image import Acquisition, ImageError, ImageHeader, header_of

_MOST_FRAMES = 20_000


def read_frames(content: bytes) -> tuple[ImageHeader, ...]:
    """Read what a file says of each of its frames, in the order of the frames.

    An enhanced image says it in functional groups, its own before the shared ones
    (PS3.3 C.7.6.16); an image without frames is its one frame. A loop without places
    has the same header for each frame, but for `frame`.

    Raises:
        ImageError: It is no readable DICOM image, or has too many frames.
    """
    try:
        dataset = read_dataset(content)
        whole = header_of(dataset)
        if whole.n_frames > _MOST_FRAMES:
            raise ImageError(f"it has {whole.n_frames} frames")
        if whole.n_frames == 1 and not dataset.get("PerFrameFunctionalGroupsSequence"):
            return (whole,)
        return tuple(
            _header_of(dataset, whole, number)
            for number in range(1, whole.n_frames + 1)
        )
    except UnreadableInstanceError as error:
        raise ImageError(str(error)) from error
    except PARSE_ERRORS as error:
        raise ImageError("its header is damaged") from error


def _header_of(dataset: Dataset, whole: ImageHeader, number: int) -> ImageHeader:
    layers = list(_layers(dataset, number))
    spacing = _first(layers, "PixelSpacing", 2) or whole.pixel_spacing
    thickness = _first(layers, "SliceThickness", 1)
    return replace(
        whole,
        frame=number,
        position=_first(layers, "ImagePositionPatient", 3) or whole.position,
        orientation=_first(layers, "ImageOrientationPatient", 6) or whole.orientation,
        pixel_spacing=(spacing[0], spacing[1]) if spacing else None,
        slice_thickness_mm=thickness[0] if thickness else whole.slice_thickness_mm,
        image_type=_frame_type(layers) or whole.image_type,
        acquisition=_acquisition(layers, whole.acquisition),
    )


def _layers(dataset: Dataset, number: int) -> Iterator[Dataset]:
    """Yield the items of a frame's groups, its own before the shared ones."""
    own = (dataset.get("PerFrameFunctionalGroupsSequence") or [])[number - 1 : number]
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
    for group in (*own, *shared):
        for element in group:
            if element.VR == "SQ" and element.value and not element.tag.is_private:
                yield from _nested(element.value[0])


def _nested(item: Dataset) -> Iterator[Dataset]:
    yield item
    for element in item:
        if element.VR == "SQ" and element.value and not element.tag.is_private:
            yield element.value[0]


def _first(layers: list[Dataset], keyword: str, count: int) -> tuple[float, ...] | None:
    found = (numbers_of(layer, keyword, count) for layer in layers if keyword in layer)
    return next((one for one in found if one is not None), None)


def _text(layers: list[Dataset], keyword: str) -> str:
    found = (text_of(layer, keyword) for layer in layers if keyword in layer)
    return next((one.upper() for one in found if one), "")


def _frame_type(layers: list[Dataset]) -> tuple[str, ...]:
    for layer in layers:
        if "FrameType" in layer:
            return tuple(str(part).upper() for part in layer.FrameType)
    return ()


def _acquisition(layers: list[Dataset], whole: Acquisition) -> Acquisition:
    def number(keyword: str) -> float | None:
        found = _first(layers, keyword, 1)
        return found[0] if found else None

    b_value = number("DiffusionBValue")
    echo_ms, inversion_ms = number("EffectiveEchoTime"), number("InversionTimes")
    repetition_ms = number("RepetitionTime")
    return replace(
        whole,
        contrast=_text(layers, "AcquisitionContrast") or whole.contrast,
        echo_ms=whole.echo_ms if echo_ms is None else echo_ms,
        repetition_ms=whole.repetition_ms if repetition_ms is None else repetition_ms,
        inversion_ms=whole.inversion_ms if inversion_ms is None else inversion_ms,
        b_value=whole.b_value if b_value is None else b_value,
        time_point=_text(layers, "TemporalPositionIndex") or whole.time_point,
    )
