"""A model's own code runs shut in: no network, files or secrets; else not at all."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers.importing.makers import NETWORK, VOLUME_CARD, make_bundle
from workers.model_import import ImportRefusedError, import_model

ROOT = Path(__file__).parents[3]


def refusal_of(tmp_path, expression):
    """Return why a bundle is refused of which an expression does something bad."""
    bundle = make_bundle(
        tmp_path / "bundle", network_def={**NETWORK, "channels": f"${expression}"}
    )
    with pytest.raises(ImportRefusedError) as caught:
        import_model(bundle, card=VOLUME_CARD)
    return str(caught.value)


def test_an_expression_reaches_no_network(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        place = server.getsockname()
        words = refusal_of(
            tmp_path, f"__import__('socket').create_connection({place!r}, 2)"
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert "Network is unreachable" in words or "Connection refused" in words


def test_an_expression_sees_no_file_of_ours_and_makes_none(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("[4, 8, 16]")
    words = refusal_of(tmp_path, f"eval(open({str(secret)!r}).read())")
    assert "No such file" in words


def test_an_expression_can_not_change_its_own_source_or_our_code(tmp_path):
    code = str(ROOT.resolve() / "workers" / "mark")
    words = refusal_of(tmp_path, f"open({code!r}, 'w')")
    assert "Read-only file system" in words
    assert not Path(code).exists()


def test_an_expression_finds_no_secret_in_its_surroundings(tmp_path, monkeypatch):
    monkeypatch.setenv("OVERREAD_SECRET_KEY", "do-not-tell")
    words = refusal_of(tmp_path, "__import__('os').environ['OVERREAD_SECRET_KEY']")
    assert "KeyError" in words
    assert "do-not-tell" not in words


def test_an_expression_sees_no_process_of_ours(tmp_path):
    words = refusal_of(tmp_path, f"__import__('os').kill({os.getpid()}, 0)")
    assert "No such process" in words or "ProcessLookupError" in words


def test_an_expression_can_not_mount_or_take_rights_back(tmp_path):
    words = refusal_of(
        tmp_path,
        "(_ for _ in ()).throw(OSError(__import__('ctypes').CDLL(None,"
        " use_errno=True).mount(b'none', b'/tmp', b'tmpfs', 0, None)))",
    )
    assert "OSError: -1" in words


def test_a_hang_is_ended(tmp_path):
    bundle = make_bundle(
        tmp_path / "bundle",
        network_def={**NETWORK, "channels": "$__import__('time').sleep(600)"},
    )
    with pytest.raises(ImportRefusedError, match="more than 15 seconds"):
        import_model(bundle, card=VOLUME_CARD, timeout_s=15)


def test_where_nothing_can_be_shut_in_nothing_is_run(tmp_path):
    bundle = make_bundle(tmp_path / "bundle")
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from workers.model_import import ImportRefusedError, import_model\n"
        "try:\n"
        f"    import_model(Path({str(bundle)!r}), card=json.loads(sys.argv[1]))\n"
        "except ImportRefusedError as error:\n"
        "    print(error)\n"
    )
    # A user namespace in which no further one may be made stands for such a machine.
    limited = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    done = subprocess.run(
        [
            "unshare",
            "-r",
            "sh",
            "-c",
            limited,
            "sh",
            sys.executable,
            "-c",
            script,
            json.dumps(VOLUME_CARD),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "can not shut an import in, so nothing was run" in done.stdout, done.stderr
