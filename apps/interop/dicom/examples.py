"""pydicom's own example studies, as installed with it: what a new portal shows."""

from __future__ import annotations

from pathlib import Path

import pydicom.data

FIRST_SITE = (
    "CT_small.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_ybr_color.dcm",
    "examples_jpeg2k.dcm",
    "693_J2KI.dcm",
)
SECOND_SITE = ("MR_small.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm")


def example_paths() -> tuple[list[Path], list[Path]]:
    """Return the paths of the examples for the first and for the second site."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    first = [folder / name for name in FIRST_SITE]
    second = [folder / name for name in SECOND_SITE]
    return [p for p in first if p.exists()], [p for p in second if p.exists()]
