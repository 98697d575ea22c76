"""What is written into the servers' configurations."""

import json
import stat

import pytest

from deploy.local import nginx, orthanc, postgres, redis
from deploy.local.environment import make_environment
from deploy.local.layout import TEMPLATES, Layout
from deploy.local.problem import Problem


def test_nothing_is_left_unfilled_in_nginx(layout: Layout):
    env = make_environment(layout, kind="local", outer={})
    text = nginx.config_text(layout, env, bind="127.0.0.1")
    assert f"listen 127.0.0.1:{layout.ports.public};" in text
    assert f"server 127.0.0.1:{layout.ports.wsgi};" in text
    assert "transfer-syntax=1.2.840.10008.1.2.4.201" in text
    assert not any(secret in text for secret in env.secrets.values())


def test_a_forgotten_name_in_a_template_is_an_error():
    with pytest.raises(Problem, match="@PORT@"):
        nginx.render("listen @PORT@;", {"STATE": "/x"})


def test_a_folder_that_would_break_out_of_the_configuration_is_refused():
    with pytest.raises(Problem, match="configuration"):
        nginx.render("root @STATE@;", {"STATE": "/x;}\nserver {"})


def test_orthanc_is_private_by_its_configuration(layout: Layout):
    values = orthanc.config(layout, "secret", stable_age_s=3)
    assert values["RemoteAccessAllowed"] is False
    assert values["AuthenticationEnabled"] is True
    assert values["ExecuteLuaEnabled"] is False
    assert values["RegisteredUsers"] == {"portal": "secret"}
    assert values["DicomModalities"] == {}
    assert values["DicomAet"] == "OVERREAD"
    assert values["DicomCheckCalledAet"] is False
    assert values["StableAge"] == 3
    assert values["DicomPort"] == layout.ports.dicom
    assert values["StorageCompression"] is False


def test_orthancs_configuration_is_readable_by_its_owner_only(layout: Layout):
    env = make_environment(layout, kind="local", outer={})
    part = orthanc.make_part(layout, env, stable_age_s=1)
    path = layout.state / "orthanc" / "orthanc.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["StableAge"] == 1
    assert part.env["TCP_NODELAY"] == "1"
    assert not any(env.secrets["orthanc"] in word for word in part.argv)
    assert "@USER@" not in (layout.state / "orthanc" / "filter.lua").read_text()


def test_redis_is_on_loopback_with_a_password_and_on_disk(layout: Layout):
    text = redis.config_text(layout, "secret")
    assert "bind 127.0.0.1\n" in text
    assert "requirepass secret\n" in text
    assert "appendonly yes\n" in text
    assert "maxmemory-policy noeviction\n" in text


def test_passwords_reach_psql_by_its_input(layout: Layout):
    env = make_environment(layout, kind="local", outer={})
    text = postgres.bootstrap_sql(env.secrets, may_create_databases=False)
    assert f"\\set app_password '{env.secrets['postgres_app']}'" in text
    assert "\\set owner_rights 'NOCREATEDB'" in text
    template = (TEMPLATES / "postgres-roles.sql").read_text()
    assert "CREATE EXTENSION IF NOT EXISTS vector" in template
