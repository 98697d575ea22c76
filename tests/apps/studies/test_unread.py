"""What came by C-STORE and is in no study is seen by who manages the quarantine."""

from __future__ import annotations

import importlib.util
import json
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from apps.accounts.models import Role
from apps.core import clock
from apps.studies import unread
from apps.studies.conflicts import take_held_arrivals
from tests.factories.domain import client_for

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[3]


@pytest.fixture
def held(settings, tmp_path):
    settings.STATE_DIR = tmp_path
    return tmp_path / "held"


@pytest.fixture
def admin(department):
    return client_for(department.person(Role.ADMIN))


def shown(client):
    answer = client.get("/api/arrival-failures")
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def plugin(held, monkeypatch):
    """Load the archive's plugin as Orthanc does, with Orthanc's side of it faked."""
    config = json.dumps({"Overread": {"KeepIn": str(held / "arrivals")}})
    codes = SimpleNamespace(UNKNOWN_RESOURCE=1, INEXISTENT_ITEM=2)
    orthanc = SimpleNamespace(
        ErrorCode=codes,
        GetConfiguration=lambda: config,
        RegisterIncomingCStoreInstanceFilter=lambda _: None,
        LogWarning=lambda _: None,
        LogError=lambda _: None,
    )
    monkeypatch.setitem(sys.modules, "orthanc", orthanc)
    monkeypatch.syspath_prepend(ROOT / "workers" / "packs")
    path = ROOT / "deploy" / "templates" / "orthanc-keep.py"
    spec = importlib.util.spec_from_file_location("orthanc_keep", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def deep(sender="CT1", levels=3000):
    """Return an instance that nests too deep, as the plugin is given it."""
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    nest = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff" + item
    meta = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
    head = bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00"
    content = head + len(meta).to_bytes(4, "little") + meta + nest * levels
    return SimpleNamespace(
        GetInstanceData=lambda: content, GetInstanceRemoteAet=lambda: sender
    )


def test_nothing_is_nothing(held, admin):
    assert shown(admin) == {"items": [], "unread": [], "refused": []}


def test_a_kept_file_that_nobody_can_read_is_shown_with_its_reason(
    held, archive, broker, admin
):
    folder = held / "arrivals"
    folder.mkdir(parents=True)
    (folder / "aa.dcm").write_bytes(b"no DICOM at all")
    (folder / "bb.unreadable").write_bytes(b"from before reasons were kept")
    take_held_arrivals()
    rows = {row["name"]: row for row in shown(admin)["unread"]}
    assert rows["aa.unreadable"]["reason"] == "This is a text file, not a DICOM file."
    assert rows["aa.unreadable"]["size"] == 15
    assert rows["bb.unreadable"]["reason"] == "It cannot be read as DICOM."
    assert stat.S_IMODE((folder / "aa.reason.txt").stat().st_mode) == 0o600


def test_what_the_archive_refuses_is_counted_by_sender_and_reason(held, admin, plugin):
    for sender in ("CT1", "CT1", "MR2"):
        assert plugin.receive(deep(sender)) == plugin.CANNOT_UNDERSTAND
    rows = {row["sender"]: row for row in shown(admin)["refused"]}
    assert {sender: row["n"] for sender, row in rows.items()} == {"CT1": 2, "MR2": 1}
    assert rows["CT1"]["reason"].startswith("It was refused: its sequences are nested")
    assert rows["CT1"]["first_at"] < rows["CT1"]["last_at"]


def test_senders_without_end_fill_no_disk(held, plugin, monkeypatch):
    monkeypatch.setattr(plugin, "MAX_NOTES", 3)
    for n in range(6):
        plugin.note_refusal(deep(f"AE{n}"), "It was refused.")
    plugin.note_refusal(deep("AE0"), "It was refused.")
    notes = [json.loads(p.read_text()) for p in (held / "refused").iterdir()]
    assert len(notes) == 3
    assert sorted(note["n"] for note in notes) == [1, 1, 2]


def test_old_refusals_and_broken_notes_are_left_out(held, admin, plugin, monkeypatch):
    plugin.note_refusal(deep(), "It was refused.")
    (held / "refused" / f"{'a' * 64}.json").write_text("[1, 2")
    (held / "refused" / "notes.txt").write_text("mine")
    assert len(shown(admin)["refused"]) == 1
    later = clock.now() + unread.SHOWN_FOR
    monkeypatch.setattr(unread.clock, "now", lambda: later)
    assert shown(admin)["refused"] == []


def test_only_who_manages_a_quarantine_is_told(held, department):
    answer = client_for(department.reader).get("/api/arrival-failures")
    assert answer.status_code == 403
