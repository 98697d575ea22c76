"""Files of a folder that others write to: opened and moved without leaving it.

Whoever may write to such a folder may put a link in the place of a file or of a
folder at any moment, between our look and our use. Each step of a path is therefore
opened from the one before it, and never through a link; what was opened once stays
the file that it was.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would keep whoever opens it waiting.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOTE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOTE_SUFFIX: Final = ".reason.txt"
LINK: Final = "a link or a device stands where a file or a folder should"
OUTSIDE: Final = "the path leads outside the folder"


def open_file(*, root: Path, path: Path) -> IO[bytes]:
    """Open an ordinary file below a folder.

    Args:
        root: The folder; how it is reached is not looked at.
        path: The file, below it.

    Raises:
        OSError: It is not there, or a link, a pipe or a device is on the way.
    """
    *folders, name = _steps(root, path)
    with _folder(root, folders) as folder, _plainly():
        handle = os.open(name, _FILE, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.ELOOP, LINK)
    return os.fdopen(handle, "rb")


def path_of(file: IO[bytes]) -> Path:
    """Return a path to an open file that leads to it whatever its folder shows."""
    return Path(f"/proc/self/fd/{file.fileno()}")


def make_folder(*, root: Path, name: str) -> None:
    """Make a folder in a folder, unless it is there.

    Raises:
        OSError: It cannot be made, or is a link or a file.
    """
    with _folder(root, [name], make=True):
        pass


def move_file(*, root: Path, path: Path, into: str, note: str = "") -> None:
    """Move a file below a folder to the same place below another folder of it.

    Nothing that is there is written over: it gets a number instead.

    Args:
        root: The folder.
        path: The file, below it.
        into: Name of the folder in `root` that it is moved to.
        note: A text that is put beside it; '' for none.

    Raises:
        OSError: It cannot be moved, or a link is on the way.
    """
    *folders, name = _steps(root, path)
    with (
        _folder(root, folders) as source,
        _folder(root, [into, *folders], make=True) as target,
    ):
        free = _free_name(target, name)
        if note:
            handle = os.open(free + _NOTE_SUFFIX, _NOTE, 0o660, dir_fd=target)
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
                file.write(note)
        os.rename(name, free, src_dir_fd=source, dst_dir_fd=target)


def _steps(root: Path, path: Path) -> list[str]:
    steps = list(path.relative_to(root).parts)
    if not steps or ".." in steps:
        raise OSError(errno.EPERM, OUTSIDE)
    return steps


@contextmanager
def _plainly() -> Iterator[None]:
    """Say of a link that it is one."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ENXIO}:
            raise OSError(errno.ELOOP, LINK) from error
        raise


@contextmanager
def _folder(root: Path, steps: list[str], *, make: bool = False) -> Iterator[int]:
    """Go down from a folder step by step; yield a handle of the last one."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in steps:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(step, 0o770, dir_fd=handle)
            with _plainly():
                deeper = os.open(step, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = deeper
        yield handle
    finally:
        os.close(handle)


def _free_name(folder: int, name: str) -> str:
    number, free = 1, name
    while _is_there(folder, free) or _is_there(folder, free + _NOTE_SUFFIX):
        number += 1
        free = f"{name}.{number}"
    return free


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
