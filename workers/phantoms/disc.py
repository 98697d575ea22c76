"""A disc from elsewhere: what is sound on it, what is not, and what is here already."""

import shutil
from io import BytesIO
from pathlib import Path

from pydicom import dcmread

AUTORUN = "[autorun]\nlabel=Images\n"
_CORNER = 8


def write_disc(folder: Path, *, image: Path) -> None:
    """Writes a disc with an image of the department, and with bad files.

    It holds the image as it is, another one with other pixels under the same SOP
    Instance UID, the first half of a file, an image without a Study Instance UID, and
    what starts a disc's own viewer.

    Args:
        folder: made, with the files.
        image: an uncompressed image of the department.
    """
    folder.mkdir(parents=True)
    shutil.copy(image, folder / "IM000001")
    sound = image.read_bytes()
    other = dcmread(BytesIO(sound))
    pixels = other.pixel_array.copy()
    pixels[:_CORNER, :_CORNER] = pixels.max()
    other.PixelData = pixels.tobytes()
    other.save_as(folder / "IM000002")
    (folder / "IM000003").write_bytes(sound[: len(sound) // 2])
    nameless = dcmread(BytesIO(sound))
    del nameless.StudyInstanceUID
    nameless.save_as(folder / "IM000004")
    (folder / "AUTORUN.INF").write_text(AUTORUN, encoding="ascii")
