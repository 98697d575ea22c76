"""Uploads: pieces, going on after every trouble, zips, the end, the watched folder."""

from __future__ import annotations

import errno
import io
import json
import os
import time
import zipfile
from datetime import timedelta
from types import SimpleNamespace

import pytest

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.studies.models import Study
from apps.workflow.intake import door, upload, watch
from apps.workflow.models import Intake, IntakeFile, WatchedFolder
from tests.factories.domain import client_for, make_department, make_film

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_state(settings, tmp_path, monkeypatch):
    settings.STATE_DIR = tmp_path / "state"
    settings.WATCH_DIR = tmp_path / "state" / "watch"
    monkeypatch.setattr(door, "PAUSES_S", (0.0,))


class Browser:
    """The browser's side of the contract."""

    def __init__(self, department, person=None):
        self.http = client_for(person or department.reader)
        self.site = str(department.site.id)
        self.intake = ""

    def call(self, method, path, body=None, status=None, **more):
        given = {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(self.http, method)(
            f"/api/intakes{path}", **(given if body is not None else {}), **more
        )
        if status is not None:
            assert answer.status_code == status, answer.content
        return answer.json()

    def begin(self):
        self.intake = self.call("post", "", {"site": self.site}, 201)["id"]
        return self

    def name(self, **files):
        named = [
            {"key": key, "name": f"CD/{key}", "size": size}
            for key, size in files.items()
        ]
        body = self.call("post", f"/{self.intake}/files", {"files": named}, 201)
        return body["items"]

    def put(self, line, offset, chunk, status=200):
        answer = self.http.put(
            f"/api/intakes/{self.intake}/files/{line['id']}",
            data=chunk,
            content_type="application/octet-stream",
            headers={"Upload-Offset": str(offset)},
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    def send(self, key, content):
        [line] = self.name(**{key: len(content)})
        return self.put(line, 0, content)

    def finish(self, status=200, **body):
        return self.call("post", f"/{self.intake}/finish", body, status)

    def report(self, query=""):
        return self.call("get", f"/{self.intake}{query}", status=200)


@pytest.fixture
def browser(department, archive, broker):
    return Browser(department).begin()


def test_a_film_in_pieces(browser, archive):
    film = make_film()
    [line] = browser.name(a=len(film))
    assert (line["state"], line["status"], line["received"]) == ("waiting", None, 0)
    half = len(film) // 2
    line = browser.put(line, 0, film[:half])
    assert (line["state"], line["received"]) == ("waiting", half)
    assert not archive.files
    assert browser.report()["counts"]["waiting"] == 1
    wrong = browser.put(line, 0, film[:half], status=409)
    assert (wrong["code"], wrong["received"]) == ("offset_mismatch", half)
    line = browser.put(line, half, film[half:])
    assert (line["state"], line["status"], line["reason"]) == ("taken", "stored", "")
    assert line["study_uid"]
    assert [f.content for f in archive.files.values()] == [film]
    # The answer was lost and the browser asks again: the same answer.
    assert browser.put(line, len(film), b"") == line
    assert browser.name(a=len(film)) == [line]
    end = browser.finish()
    assert (end["state"], end["counts"]["stored"], end["counts"]["files"]) == (
        "done",
        1,
        1,
    )
    assert Study.objects.count() == 1
    assert browser.finish() == end
    assert not [p for p in upload.spool_folder(intake_id="").rglob("*") if p.is_file()]
    assert browser.put(line, len(film), b"", status=409)["code"] == "closed"


def test_reasons_and_pages(browser):
    film = make_film()
    assert browser.send("a", film)["status"] == "stored"
    assert browser.send("b", film)["status"] == "already"
    assert browser.send("c", b"hello")["status"] == "refused"
    assert browser.send("d", b"")["status"] == "refused"
    assert browser.send(".DS_Store", b"\x00\x01Bud1")["status"] == "skipped"
    browser.finish()
    report = browser.report()
    counts = report["counts"]
    assert (
        counts["files"]
        == 5
        == sum(counts[way] for way in ("stored", "already", "refused", "skipped"))
    )
    refused = browser.report("?status=refused&limit=1")["files"]
    assert refused["items"][0]["reason"]
    assert refused["next_cursor"] == "1"
    second = browser.report("?status=refused&limit=1&cursor=1")["files"]
    assert [f["key"] for f in refused["items"] + second["items"]] == ["c", "d"]
    assert second["next_cursor"] is None
    [listed] = browser.call("get", "?mine=1", status=200)["items"]
    assert (listed["id"], listed["mine"]) == (browser.intake, True)
    read = AuditRecord.objects.filter(event="intake:read")
    assert read.count() == 3
    told = str(list(AuditRecord.objects.values_list("detail", flat=True)))
    assert "CD/" not in told


def test_a_zip_is_opened_over_several_requests(browser, monkeypatch):
    monkeypatch.setattr(upload, "ZIP_STEP_S", 0.0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as disc:
        for number in range(3):
            disc.writestr(f"IM{number}", make_film())
    line = browser.send("disc.zip", buffer.getvalue())
    seen = [line["members"]]
    while line["state"] != "taken":
        line = browser.put(line, line["size"], b"")
        seen.append(line["members"])
    assert [m["done"] for m in seen] == [1, 2, 3, 3][: len(seen)]
    assert (line["status"], line["members"]) == ("opened", {"done": 3, "total": 3})
    counts = browser.finish()["counts"]
    assert (counts["files"], counts["stored"], counts["zips"]) == (3, 3, 1)


def test_an_archive_that_is_away_loses_nothing(browser, archive):
    film = make_film()
    [line] = browser.name(a=len(film))
    archive.down = True
    assert browser.put(line, 0, film, status=503)["code"] == "archive_unavailable"
    line = browser.call("get", f"/{browser.intake}/files/{line['id']}", status=200)
    assert (line["state"], line["received"]) == ("received", len(film))
    archive.down = False
    assert browser.put(line, len(film), b"")["status"] == "stored"


def test_a_full_disk_keeps_nothing_of_the_piece(browser, monkeypatch):
    film = make_film()
    [line] = browser.name(a=len(film))
    browser.put(line, 0, film[:100])

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert browser.put(line, 100, film[100:], status=507)["code"] == "disk_full"
    monkeypatch.undo()
    assert browser.put(line, 100, film[100:])["received"] == len(film)


def test_two_requests_for_one_file(browser):
    film = make_film()
    [line] = browser.name(a=len(film))
    IntakeFile.objects.filter(id=line["id"]).update(taking_since=clock.now())
    assert browser.put(line, 0, film, status=409)["code"] == "busy"
    dead = clock.now() - upload.TAKING_STALE
    IntakeFile.objects.filter(id=line["id"]).update(taking_since=dead)
    assert browser.put(line, 0, film)["status"] == "stored"


def test_what_is_not_finished_is_not_forgotten(browser):
    browser.name(a=10, b=20)
    refused = browser.finish(409)
    assert (refused["code"], refused["unfinished"]) == ("unfinished", 2)
    counts = browser.finish(give_up=True)["counts"]
    assert (counts["files"], counts["refused"], counts["waiting"]) == (2, 2, 0)
    [first, _] = browser.report()["files"]["items"]
    assert first["reason"] == "Not received in full: 0 of 10 bytes."


def test_an_upload_that_nobody_touches_ends(browser):
    browser.send("a", make_film())
    browser.name(b=10)
    assert upload.abandon_uploads() == 0
    Intake.objects.update(touched_at=clock.now() - timedelta(days=2))
    assert upload.abandon_uploads() == 1
    report = browser.report()
    assert report["state"] == "abandoned"
    assert (report["counts"]["stored"], report["counts"]["refused"]) == (1, 1)
    assert Study.objects.count() == 1


def test_odd_requests(browser, department):
    [line] = browser.name(a=10)
    assert browser.put(line, 0, b"x" * 11, status=400)["code"] == "invalid"
    large = b"x" * (upload.MAX_CHUNK + 1)
    assert browser.put(line, 0, large, status=413)["code"] == "too_large"
    browser.call("post", f"/{browser.intake}/files", {"files": []}, 400)
    huge = {"files": [{"key": "k", "name": "n", "size": upload.MAX_FILE + 1}]}
    assert browser.call("post", f"/{browser.intake}/files", huge, 413)
    browser.call("get", f"/{browser.intake}?cursor=x", status=400)
    browser.call("get", "?cursor=nonsense", status=400)
    other = Browser(department, department.person(Role.ADMIN, "other"))
    other.intake = browser.intake
    assert other.put(line, 0, b"x", status=403)["code"] == "forbidden"


# --- the watched folder


@pytest.fixture
def later(monkeypatch):
    """Let the watch look a minute later than files are written."""
    clock = SimpleNamespace(time=lambda: time.time() + 60)
    monkeypatch.setattr(watch, "time", clock)
    return clock


def put_aside(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_the_watched_folder(department, archive, broker, later):
    watch.watch_folders()
    folder = watch.watch_folder(site=department.site)
    film = make_film()
    put_aside(folder / "CD" / "IM1", film)
    put_aside(folder / "CD" / "note.txt", b"hello")
    (folder / "arriving.dcm").write_bytes(film[:100])
    os.utime(folder / "arriving.dcm", (later.time(), later.time()))
    assert watch.watch_folders() == 2
    assert (folder / "done" / "CD" / "IM1").read_bytes() == film
    assert (folder / "refused" / "CD" / "note.txt").read_bytes() == b"hello"
    reason = (folder / "refused" / "CD" / "note.txt.reason.txt").read_text()
    assert "note.txt: " in reason
    assert (folder / "arriving.dcm").exists()
    assert Study.objects.get().site == department.site
    row = WatchedFolder.objects.get()
    assert (row.waiting, row.trouble) == (1, "")
    # A crash after storing: the file is there again and nothing happens twice.
    put_aside(folder / "CD" / "IM1", film)
    assert watch.watch_folders() == 1
    assert (folder / "done" / "CD" / "IM1.2").exists()
    assert len(archive.files) == 1


def test_a_watched_folder_waits_for_the_archive(department, archive, broker, later):
    folder = watch.watch_folder(site=department.site)
    put_aside(folder / "IM1", make_film())
    archive.down = True
    watch.watch_folders()
    assert (folder / "IM1").exists()
    assert "archive" in WatchedFolder.objects.get().trouble
    archive.down = False
    watch.watch_folders()
    assert (folder / "done" / "IM1").exists()
    assert WatchedFolder.objects.get().trouble == ""


def test_each_site_has_its_own_folder(department, archive, broker, later):
    south = make_department("south")
    put_aside(watch.watch_folder(site=south.site) / "IM1", make_film())
    watch.watch_folders()
    assert Study.objects.get().site == south.site


def test_a_copy_with_an_old_time_is_not_taken_while_it_grows(
    department, archive, broker
):
    path = watch.watch_folder(site=department.site) / "IM1"
    put_aside(path, make_film()[:100])
    os.utime(path, (0, 0))
    assert watch.watch_folders() == 0
    assert path.exists()
