"""Where things are: the folders and ports of one running Overread."""

import socket
from dataclasses import dataclass, fields
from pathlib import Path

from deploy.local.problem import Problem

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

VENV = ROOT / ".venv"
TEMPLATES = ROOT / "deploy" / "templates"
LOOPBACK = "127.0.0.1"
PUBLIC_PORT = 8080
DICOM_PORT = 11112


@dataclass(frozen=True)
class Ports:
    """TCP ports of one instance; all but `public` and `dicom` are loopback only."""

    public: int
    dicom: int
    wsgi: int
    asgi: int
    postgres: int
    redis: int
    orthanc: int

    @classmethod
    def from_base(cls, base: int, *, dicom: int | None = None) -> "Ports":
        """The usual arrangement: the inner ports follow the public one."""
        inner = base if base >= 1024 else 18000
        ports = cls(
            public=base,
            wsgi=inner + 1,
            asgi=inner + 2,
            postgres=inner + 3,
            redis=inner + 4,
            orthanc=inner + 5,
            dicom=inner + 6 if dicom is None else dicom,
        )
        ports.check_numbers()
        return ports

    def check_numbers(self) -> None:
        """Refuse numbers out of range and one number used twice."""
        numbers = [getattr(self, field.name) for field in fields(self)]
        if not all(0 < number < 65536 for number in numbers):
            raise Problem(
                f"A port is out of range: {numbers}.",
                advice="Choose --port and --dicom-port between 1 and 65000.",
            )
        if len(set(numbers)) != len(numbers):
            raise Problem(
                f"The ports {numbers} overlap.",
                advice="Keep --dicom-port away from the six ports after --port.",
            )


@dataclass(frozen=True)
class Layout:
    """One state folder and the ports that go with it."""

    state: Path
    ports: Ports

    @property
    def env_file(self) -> Path:
        """`KEY=VALUE` lines for the shell and for every child (mode 0600)."""
        return self.state / "env"

    @property
    def secrets_file(self) -> Path:
        """Generated once, never changed (mode 0600)."""
        return self.state / "secrets.json"

    @property
    def logs(self) -> Path:
        """One log a child."""
        return self.state / "log"

    @property
    def run(self) -> Path:
        """Pid records, the lock and the ready file."""
        return self.state / "run"

    @property
    def ready_file(self) -> Path:
        """Exists while everything is up; JSON with the addresses."""
        return self.run / "ready.json"

    @property
    def public_url(self) -> str:
        """The address that people use on this machine."""
        return f"http://{LOOPBACK}:{self.ports.public}"

    def make_folders(self) -> None:
        """Create the state folder, private to its owner."""
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            # Only the folder of ours is narrowed, never a parent of it. Root's
            # database runs as another user and needs to walk through (no listing).
            self.state.chmod(0o711)
            for folder in (self.logs, self.run):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise Problem(
                f"The state folder {self.state} cannot be made: {error.strerror}.",
                advice="Choose another folder with --state DIR.",
            ) from error


def port_is_free(port: int, *, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on `host`:`port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def check_ports(wanted: dict[str, int]) -> None:
    """Refuse to start over somebody else's server.

    Args:
        wanted: Part name → port. Ports below 1024 are the kernel's to refuse.
    """
    busy = {name: port for name, port in wanted.items() if not port_is_free(port)}
    if busy:
        words = ", ".join(f"{port} (for {name})" for name, port in busy.items())
        raise Problem(
            f"Port {words} is already in use by another program.",
            advice="Stop that program, or choose others with --port N --dicom-port M.",
        )
