"""Production refuses what is unsafe, in words; URLs of services are read right."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.settings.environment import database, redis_database
from portal.settings.safety import refuse_unsafe

NOBODY = "http://127.0.0.1:9"


def good(**changes):
    given = {
        "secret_key": secrets.token_urlsafe(48),
        "debug": False,
        "allowed_hosts": ["overread.example.org"],
        "public_url": "https://overread.example.org",
        "orthanc_url": NOBODY,
        "orthanc_user": "portal",
        "orthanc_password": "x" * 20,
    }
    return {**given, **changes}


def test_good_settings_start():
    refuse_unsafe(**good())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret_key": ""}, "OVERREAD_SECRET_KEY is not set"),
        ({"secret_key": "abcDEF123"}, "too easy to guess"),
        ({"secret_key": "ab" * 40}, "too easy to guess"),
        (
            {"secret_key": "local-secret-that-production-refuses" + "x1Y2z3" * 5},
            "development default",
        ),
        ({"secret_key": "django-insecure-" + "a1B2c3D4e5" * 5}, "development default"),
        ({"debug": True}, "OVERREAD_DEBUG is on"),
        ({"allowed_hosts": []}, "OVERREAD_ALLOWED_HOSTS is empty"),
        ({"allowed_hosts": ["*"]}, "must name hosts"),
        ({"public_url": "http://overread"}, "must begin with https"),
        ({"orthanc_user": ""}, "ORTHANC_USER and ORTHANC_PASSWORD"),
        ({"orthanc_password": ""}, "ORTHANC_USER and ORTHANC_PASSWORD"),
    ],
)
def test_each_unsafe_setting_is_refused_in_words(changes, words):
    with pytest.raises(ImproperlyConfigured, match=words):
        refuse_unsafe(**good(**changes))


@pytest.fixture
def archive():
    """A server in the archive's place that asks for a password, or does not."""
    answers = {"status": 200}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answers["status"])
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_archive_that_answers_strangers_is_refused(archive):
    url, answers = archive
    with pytest.raises(ImproperlyConfigured, match="without a password"):
        refuse_unsafe(**good(orthanc_url=url))
    answers["status"] = 401
    refuse_unsafe(**good(orthanc_url=url))


def test_all_faults_are_named_at_once():
    with pytest.raises(ImproperlyConfigured) as refused:
        refuse_unsafe(**good(secret_key="", debug=True, allowed_hosts=[]))
    assert str(refused.value).count("\n- ") == 3


def run_check(**environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=Path(__file__).parents[3],
        env={**kept, "OVERREAD_ENV": "production", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_real_settings_refuse_an_empty_environment():
    ended = run_check()
    assert ended.returncode != 0
    assert "Overread does not start in production" in ended.stderr
    assert "OVERREAD_SECRET_KEY is not set" in ended.stderr
    assert "OVERREAD_ALLOWED_HOSTS is empty" in ended.stderr


def test_the_real_settings_start_when_they_are_safe():
    ended = run_check(
        OVERREAD_SECRET_KEY=secrets.token_urlsafe(48),
        OVERREAD_ALLOWED_HOSTS="overread.example.org",
        OVERREAD_PUBLIC_URL="https://overread.example.org",
        ORTHANC_URL=NOBODY,
        ORTHANC_USER="portal",
        ORTHANC_PASSWORD="x" * 20,
    )
    assert ended.returncode == 0, ended.stderr


def test_database_urls():
    tcp = database("postgresql://me:p%40ss@db.example:5433/over?sslmode=require")
    assert (tcp["USER"], tcp["PASSWORD"]) == ("me", "p@ss")
    assert (tcp["HOST"], tcp["PORT"], tcp["NAME"]) == ("db.example", "5433", "over")
    assert tcp["OPTIONS"] == {"sslmode": "require"}
    socket_url = database("postgresql://me@/over?host=/run/pg&port=18403")
    assert (socket_url["HOST"], socket_url["PORT"]) == ("/run/pg", "18403")
    with pytest.raises(ImproperlyConfigured, match="postgresql://"):
        database("sqlite:///x")


def test_redis_urls():
    assert redis_database("redis://:pw@h:1/0", 2) == "redis://:pw@h:1/2"
    assert redis_database("redis://h:1", 1) == "redis://h:1/1"
    assert redis_database("unix:///run/r.sock?db=0", 1) == "unix:///run/r.sock?db=1"
