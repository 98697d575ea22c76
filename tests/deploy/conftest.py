"""Fixtures of the supervisor's tests: a state folder and ports of its own."""

import socket
from pathlib import Path

import pytest

from deploy.local.layout import Layout, Ports


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    public, dicom, wsgi, asgi, postgres, redis, orthanc = free_ports(7)
    ports = Ports(
        public=public,
        dicom=dicom,
        wsgi=wsgi,
        asgi=asgi,
        postgres=postgres,
        redis=redis,
        orthanc=orthanc,
    )
    layout = Layout(state=tmp_path / "state", ports=ports)
    layout.make_folders()
    return layout
