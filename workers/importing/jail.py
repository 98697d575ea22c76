"""Shut this process in, then become the importer. Standard library only.

Run as a script by `workers.model_import`, before any code of a model is near:

* a network namespace of its own, without any interface that is up;
* a file system of its own: the interpreter, the system's libraries and our workers'
  code to read, the model's files to read, one folder to write, and nothing else;
* its own processes, users and message queues; no new privileges;
* limits on memory, processor time, file size and open files.

What the machine does not allow stops the import: nothing is skipped in silence.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path

_NEW_NS, _NEW_UTS, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_USER, _NEW_PID, _NEW_NET = 0x10000000, 0x20000000, 0x40000000
_BIND, _REC, _REMOUNT, _PRIVATE = 0x1000, 0x4000, 0x20, 0x40000
_RDONLY, _NOSUID, _NODEV = 0x1, 0x2, 0x4
_KEPT_FLAGS = {2: 0x2, 4: 0x4, 8: 0x8, 1024: 0x400, 2048: 0x800, 4096: 0x200000}
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_INSIDE_ID = 1000
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
EXIT_NO_JAIL = 71
"""The exit status that says: this machine can not shut a process in."""

_libc = ctypes.CDLL(None, use_errno=True)


class NoJailError(OSError):
    """Part of the jail could not be built."""


def _check(result: int, doing: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise NoJailError(code, f"{doing}: {os.strerror(code)}")


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    result = _libc.mount(
        source.encode(),
        target.encode(),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        data.encode() or None,
    )
    _check(result, f"mounting {target}")


def _locked_flags(path: str) -> int:
    """Flags of a mount that a copy of it in another namespace must keep."""
    there = os.statvfs(path).f_flag
    return sum(mount for stat, mount in _KEPT_FLAGS.items() if there & stat)


def _bind(source: str, root: str, *, target: str, writable: bool = False) -> None:
    place = root + target
    if Path(source).is_dir():
        Path(place).mkdir(parents=True, exist_ok=True)
    else:
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).touch()
    _mount(source, place, "", _BIND | _REC)
    if not writable:
        kept = _locked_flags(place)
        _mount("none", place, "", _BIND | _REMOUNT | _RDONLY | kept)


def _new_namespaces() -> None:
    outside_user, outside_group = os.getuid(), os.getgid()
    flags = _NEW_USER | _NEW_NET | _NEW_NS | _NEW_PID | _NEW_IPC | _NEW_UTS
    _check(_libc.unshare(flags), "a network and file system of its own")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_INSIDE_ID} {outside_user} 1")
    Path("/proc/self/gid_map").write_text(f"{_INSIDE_ID} {outside_group} 1")


def _build_root(wanted: dict) -> str:  # type: ignore[type-arg]
    root: str = wanted["root"]
    _mount("none", "/", "", _REC | _PRIVATE)
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "size=2g,mode=755")
    for path in _SYSTEM:
        if Path(path).is_symlink():
            Path(root + path).symlink_to(os.readlink(path))
        elif Path(path).is_dir():
            _bind(path, root, target=path)
    for path in wanted["read"]:
        _bind(path, root, target=path)
    for path in _DEVICES:
        _bind(path, root, target=path, writable=True)
    _bind(wanted["source"], root, target=wanted["source_inside"])
    _bind(wanted["out"], root, target="/out", writable=True)
    for name in ("/tmp", "/proc"):  # noqa: S108  inside its own file system
        Path(root + name).mkdir(exist_ok=True)
    return root


def _move_into(root: str) -> None:
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise NoJailError(errno.ENOSYS, f"unknown processor {os.uname().machine}")
    os.chdir(root)
    here = ctypes.c_char_p(b".")
    _check(_libc.syscall(ctypes.c_long(number), here, here), "changing the root")
    _check(_libc.umount2(here, _DETACH), "leaving the old root")
    os.chdir("/")


def _limit(wanted: dict) -> None:  # type: ignore[type-arg]
    memory, seconds = int(wanted["memory_bytes"]), int(wanted["cpu_s"])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (wanted["file_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with_parent() -> None:
    _check(
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
        "ending with the parent",
    )


def _check_silence() -> None:
    """Raise unless the network is out of reach."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return
    raise NoJailError(errno.EPERM, "the network is still in reach")


def _become_importer(wanted: dict) -> None:  # type: ignore[type-arg]
    root = _build_root(wanted)
    with contextlib.suppress(NoJailError):  # containers forbid it; nothing needs it
        _mount("proc", root + "/proc", "proc", _NOSUID | _NODEV)
    _move_into(root)
    _check_silence()
    _limit(wanted)
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    command = [wanted["python"], "-m", "workers.importing.child"]
    os.execve(command[0], command, wanted["environment"])  # noqa: S606


def _first_line() -> bytes:
    """Return the first line of standard input; the next ones are the importer's."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def main() -> int:
    """Shut in and import what standard input asks for; return the exit status."""
    wanted = json.loads(_first_line())
    _die_with_parent()
    try:
        _new_namespaces()
    except OSError as error:
        sys.stderr.write(f"{error.strerror or error}\n")
        return EXIT_NO_JAIL
    child = os.fork()
    if child == 0:
        try:
            _die_with_parent()
            _become_importer(wanted)
        except OSError as error:
            sys.stderr.write(f"{error.strerror or error}\n")
        os._exit(EXIT_NO_JAIL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
