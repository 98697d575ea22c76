"""Parametric maps of others, made by highdicom, on a grid of their own."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def make_map(
    sources: Sequence[Dataset],
    pixels: NDArray[np.generic],
    *,
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
    orientation: tuple[float, ...] = AXIAL,
    spacing: tuple[float, float, float] = (5.0, 2.5, 2.0),
    slope: float = 1.0,
    intercept: float = 0.0,
    span: tuple[float, float] | None = None,
    window: tuple[float, float] = (0.0, 1e12),
    frame_of_reference: str | None = None,
    title: str = "ADC map",
) -> Dataset:
    """Return a map of apparent diffusion coefficients.

    Args:
        sources: Images of the study that it belongs to.
        pixels: As they are stored, [frame, row, column]: unsigned 16 bit integers,
            floats or doubles.
        origin: Centre of the first pixel of the first frame, mm.
        orientation: Cosines of rows and of columns.
        spacing: Between frames, rows and columns, mm.
        slope: Of the real world value mapping; the same for `intercept`.
        intercept: See `slope`.
        span: Stored values that the mapping holds for; None: all there are.
        window: Centre and width, as stored; what is far wider than the values is
            none of theirs.
        frame_of_reference: Another than the images'; None: theirs.
        title: Series description.
    """
    frames = len(pixels)
    normal = np.cross(orientation[:3], orientation[3:])
    positions = [
        hd.PlanePositionSequence(
            coordinate_system="PATIENT",
            image_position=np.array(origin) + normal * spacing[0] * number,
        )
        for number in range(frames)
    ]
    if span is None:
        known = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
        ends = (known.min(), known.max()) if known.size else (0, 1)
        whole = int if pixels.dtype.kind == "u" else float
        span = (whole(ends[0]), whole(ends[1]))
    mapping = hd.pm.RealWorldValueMapping(
        lut_label="ADC",
        lut_explanation="Apparent diffusion",
        unit=codes.UCUM.SquareMicrometerPerSecond,
        value_range=span,
        slope=slope,
        intercept=intercept,
        quantity_definition=codes.DCM.ApparentDiffusionCoefficient,
    )
    document = hd.pm.ParametricMap(
        source_images=list(sources),
        pixel_array=pixels,
        series_instance_uid=generate_uid(),
        series_number=70,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="Other",
        manufacturer_model_name="Mapper",
        software_versions="1",
        device_serial_number="1",
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[
            hd.VOILUTTransformation(window_center=window[0], window_width=window[1])
        ],
        pixel_measures=hd.PixelMeasuresSequence(
            pixel_spacing=spacing[1:],
            slice_thickness=spacing[0],
            spacing_between_slices=spacing[0],
        ),
        plane_orientation=hd.PlaneOrientationSequence(
            coordinate_system="PATIENT", image_orientation=orientation
        ),
        plane_positions=positions,
    )
    document.SeriesDescription = title
    if frame_of_reference is not None:
        document.FrameOfReferenceUID = frame_of_reference
    return document
