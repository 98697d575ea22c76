"""Secrets are made once; the environment follows ports and outer variables."""

import stat
import subprocess

import pytest

from deploy.local.environment import (
    SECRET_NAMES,
    find_external,
    load_secrets,
    make_environment,
    read_env_file,
    write_env_file,
)
from deploy.local.layout import Layout
from deploy.local.problem import Problem


def test_secrets_are_generated_once_and_private(layout: Layout):
    first = load_secrets(layout.secrets_file)
    assert set(first) == set(SECRET_NAMES)
    assert len(set(first.values())) == len(SECRET_NAMES)
    assert all(len(value) >= 40 for value in first.values())
    assert load_secrets(layout.secrets_file) == first
    assert stat.S_IMODE(layout.secrets_file.stat().st_mode) == 0o600


def test_a_new_secret_is_added_without_touching_the_others(layout: Layout):
    first = load_secrets(layout.secrets_file)
    kept = {name: value for name, value in first.items() if name != "redis"}
    layout.secrets_file.write_text(str(kept).replace("'", '"'))
    second = load_secrets(layout.secrets_file)
    assert {name: second[name] for name in kept} == kept
    assert second["redis"] != first["redis"]


def test_damaged_secrets_are_never_replaced(layout: Layout):
    layout.secrets_file.write_text("{half")
    with pytest.raises(Problem, match="cannot be read"):
        load_secrets(layout.secrets_file)
    assert layout.secrets_file.read_text() == "{half"


def test_environment_is_the_same_every_time(layout: Layout):
    first = make_environment(layout, kind="local", outer={})
    write_env_file(layout.env_file, first.values)
    again = make_environment(layout, kind="local", outer={})
    assert again == first
    assert read_env_file(layout.env_file) == first.values
    assert stat.S_IMODE(layout.env_file.stat().st_mode) == 0o600


def test_the_shell_reads_the_same_values(layout: Layout):
    env = make_environment(layout, kind="test", outer={})
    write_env_file(layout.env_file, env.values)
    script = f'set -a; . {layout.env_file}; printf %s "$REDIS_URL"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert said.stdout == env.values["REDIS_URL"]


def test_an_outer_database_replaces_the_embedded_one(layout: Layout):
    url = "postgresql://someone:x@db.example/overread"
    env = make_environment(layout, kind="local", outer={"DATABASE_URL": url})
    assert env.embedded == {"redis", "orthanc"}
    assert env.values["DATABASE_URL"] == url
    assert env.values["DATABASE_OWNER_URL"] == url


def test_a_shell_that_sourced_the_env_file_changes_nothing(layout: Layout):
    first = make_environment(layout, kind="local", outer={})
    write_env_file(layout.env_file, first.values)
    assert find_external(first.values, first.values) == set()
    assert make_environment(layout, kind="local", outer=first.values) == first


def test_workers_see_no_password_but_the_brokers(layout: Layout):
    env = make_environment(layout, kind="local", outer={})
    worker = env.for_worker()
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "ORTHANC_PASSWORD"):
        assert name not in worker
        assert env.values[name] not in worker.values()
    assert "OVERREAD_SECRET_KEY" not in worker
    assert worker["REDIS_URL"] == env.values["REDIS_URL"]


def test_the_portal_does_not_see_the_owners_password(layout: Layout):
    env = make_environment(layout, kind="local", outer={})
    portal = env.for_portal()
    assert "DATABASE_OWNER_URL" not in portal
    assert not any(env.secrets["postgres_owner"] in v for v in portal.values())
    assert env.for_owner()["DATABASE_URL"] == env.values["DATABASE_OWNER_URL"]


def test_a_value_that_would_break_out_of_the_env_file_is_refused(layout: Layout):
    with pytest.raises(Problem, match="REDIS_URL"):
        write_env_file(layout.env_file, {"REDIS_URL": "redis://a'; rm -rf b"})
