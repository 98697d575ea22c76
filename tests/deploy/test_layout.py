"""Ports and folders: what is refused, and in which words."""

import socket
import stat
from pathlib import Path

import pytest

from deploy.local import bootstrap
from deploy.local.layout import Layout, Ports, check_ports
from deploy.local.problem import Problem


def test_a_busy_port_is_named_with_what_to_do():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Problem) as caught:
            check_ports({"people": port})
    assert f"Port {port} (for people) is already in use" in str(caught.value)
    assert "--port" in caught.value.advice


def test_free_ports_pass():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
    check_ports({"people": port})


def test_inner_ports_follow_the_public_one():
    ports = Ports.from_base(9000, dicom=4242)
    assert (ports.public, ports.wsgi, ports.orthanc) == (9000, 9001, 9005)
    assert ports.dicom == 4242


@pytest.mark.parametrize(("base", "dicom"), [(9000, 9003), (65535, None), (9000, 0)])
def test_overlapping_and_impossible_ports_are_refused(base: int, dicom: int | None):
    with pytest.raises(Problem):
        Ports.from_base(base, dicom=dicom)


def test_only_our_own_folder_changes_its_mode(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    layout = Layout(state=home / "var", ports=Ports.from_base(9000))
    layout.make_folders()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(layout.run.stat().st_mode) == 0o700


def test_a_full_disk_is_said_before_anything_is_written(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bootstrap, "RUN_BYTES", 10**18)
    with pytest.raises(Problem, match="GB are free at"):
        bootstrap.check_disk(layout.state)
