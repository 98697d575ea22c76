"""A disc from elsewhere: what is sound on it, what is not, and what is here already."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pydicom import dcmread

from apps.accounts.models import Site, User
from apps.accounts.selectors import make_actor
from apps.core import clock
from apps.workflow.intake.batch import take_paths
from apps.workflow.models import Intake
from apps.workflow.types import Via

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from apps.workflow.department.manifest import PhantomStudy

AUTORUN = "[autorun]\nlabel=Images\n"
_CORNER = 8


def bring_disc(
    *, studies: Iterable[PhantomStudy], site_code: str, username: str, at: datetime
) -> Intake | None:
    """Let a person import a disc with one study that is here, and with bad files.

    It holds the study's images as they are (already here), its first image with other
    pixels under the same SOP Instance UID (kept apart, for somebody to decide), the
    first half of a file, a file without identifiers, and what starts a disc's own viewer.

    Args:
        studies: Of the department; the first single image of the site is taken.
        site_code: Where the disc is brought.
        username: Who imports it.
        at: When, aware.

    Returns:
        Its report; None where one was brought before, or where no study fits.
    """
    site = Site.objects.get(code=site_code)
    if Intake.objects.filter(site=site).exists():
        return None
    image = next((found for s in studies if (found := _image(s, site_code))), None)
    if image is None:
        return None
    user = User.objects.get(username=username)
    actor = make_actor(user=user, session_key="")
    with TemporaryDirectory() as place, clock.standing_at(at):
        folder = Path(place) / "disc"
        _burn(image, folder)
        return take_paths(actor=actor, site=site, paths=[folder], via=Via.COMMAND)


def _image(study: PhantomStudy, site_code: str) -> Path | None:
    files = sorted(study.folder.glob("*.dcm"))
    return files[0] if study.site == site_code and len(files) == 1 else None


def _burn(image: Path, folder: Path) -> None:
    """Write the disc."""
    folder.mkdir()
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
