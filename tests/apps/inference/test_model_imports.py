"""A model imported from a page: upload, card, run, and all that may cut it short."""

from __future__ import annotations

import hashlib
import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.core.errors import Conflict, DomainError, Forbidden, Invalid
from apps.core.queue import messages_kept
from apps.inference import library
from apps.inference import model_imports as imports
from apps.inference import model_imports_run as running
from apps.inference.card_gaps import card_gaps
from apps.inference.library import verify_model
from apps.inference.models import ModelImport, ModelVersion
from apps.inference.trust import allowed_models
from apps.inference.types import ImportState
from tests.factories.domain import actor_for
from tests.workers.importing.makers import (
    FILM_CARD,
    LABELS,
    NETWORK,
    VOLUME_CARD,
    SmallNet,
    make_bundle,
    make_onnx,
)
from workers import model_import
from workers.model_card import check_told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path):
    settings.STATE_DIR = tmp_path / "state"
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODEL_KEY_FILE = tmp_path / "keys" / "models.key"


@pytest.fixture
def account(department):
    return department.person(Role.ADMIN)


@pytest.fixture
def admin(account):
    return actor_for(account)


@pytest.fixture(scope="module")
def onnx(tmp_path_factory):
    return make_onnx(tmp_path_factory.mktemp("source") / "m.onnx").read_bytes()


@pytest.fixture
def quickly(monkeypatch, imported):
    """What an import gives was made once; a card is checked as the real one does."""

    def import_model(source, *, card, progress, **_):
        progress("checking its operators")
        assert source.is_file()
        unsaid = check_told(card)
        if unsaid:
            raise model_import.ImportRefusedError(
                "the card does not say what a person must be able to read: "
                + "; ".join(unsaid)
                + ". Give it with --card"
            )
        return imported

    monkeypatch.setattr(library, "import_model", import_model)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    return model_import.import_model(make_onnx(folder / "m.onnx"), card=FILM_CARD)


def upload(actor, files, *, piece=1 << 20):
    """Send files as the page does; return the import."""
    row = imports.begin_import(actor=actor)
    named = [
        imports.NamedFile(key=str(n), name=name, size=len(content))
        for n, (name, content) in enumerate(files.items())
    ]
    lines = imports.name_files(actor=actor, import_id=row.id, files=named)
    for line, content in zip(lines, files.values(), strict=True):
        for begin in range(0, len(content), piece):
            imports.receive_piece(
                actor=actor,
                import_id=row.id,
                file_id=line.id,
                offset=begin,
                chunk=content[begin : begin + piece],
            )
    return row


def describe(actor, row, card, *, kind="auto", expected=""):
    return imports.describe_import(
        actor=actor, import_id=row.id, kind=kind, card=card, expected_sha256=expected
    )


def run(actor, row):
    """Start an import and let the worker do it; return the row as it is then."""
    with messages_kept():
        imports.start_import(actor=actor, import_id=row.id)
    running.run_import(import_id=row.id)
    return ModelImport.objects.get(id=row.id)


def events():
    return list(AuditRecord.objects.order_by("id").values_list("event", flat=True))


def lies_there(row):
    return imports.upload_folder(import_id=row.id).exists()


def test_a_model_is_uploaded_described_and_added(admin, onnx):
    row = upload(admin, {"m.onnx": onnx}, piece=1000)
    describe(admin, row, FILM_CARD, expected=hashlib.sha256(onnx).hexdigest().upper())
    done = run(admin, row)
    assert (done.state, done.reason) == (ImportState.ADDED, "")
    assert done.model.package_hash in allowed_models().hashes
    assert done.sha256 == done.model.card["provenance"]["source_sha256"]
    words = [step["words"] for step in done.steps]
    assert words[:2] == ["putting its files in place", "hashing what was uploaded"]
    assert {"checking its operators", "keeping the package"} < set(words)
    seconds = [step["seconds"] for step in done.steps]
    assert seconds == sorted(seconds)
    assert [t["outcome"] for t in done.tries] == ["added"]
    assert not done.files_kept
    assert not lies_there(done)
    assert events()[-4:] == [
        "model_import:begin",
        "model_import:start",
        "model:register",
        "model:admit",
    ]
    assert verify_model(actor=admin, model_id=done.model_id).problem == ""
    assert events()[-1] == "model:verify"


def test_a_refused_import_keeps_form_and_upload_and_is_tried_again(
    admin, onnx, quickly
):
    row = upload(admin, {"m.onnx": onnx})
    card = {**FILM_CARD, "purpose": ""}
    describe(admin, row, card)
    refused = run(admin, row)
    assert refused.state == ImportState.REFUSED
    assert "“purpose” is not said" in refused.reason
    assert "in the form" in refused.reason
    assert "--card" not in refused.reason
    assert refused.files_kept
    assert lies_there(refused)
    assert refused.card["labels"] == LABELS
    assert "model:refuse" in events()
    describe(admin, row, FILM_CARD)
    done = run(admin, row)
    assert done.state == ImportState.ADDED
    assert [t["outcome"] for t in done.tries] == ["refused", "added"]


def test_a_pickled_model_is_refused_with_its_reason(admin, tmp_path):
    torch.save(SmallNet(), tmp_path / "model.pt")
    row = upload(admin, {"model.pt": (tmp_path / "model.pt").read_bytes()})
    describe(admin, row, FILM_CARD)
    refused = run(admin, row)
    assert refused.state == ImportState.REFUSED
    assert "would run code" in refused.reason
    assert "SmallNet" in refused.reason
    assert not ModelVersion.objects.exists()


def test_a_folder_is_put_together_again(admin, tmp_path):
    bundle = make_bundle(tmp_path / "spleen")
    files = {
        str(path.relative_to(tmp_path)): path.read_bytes()
        for path in bundle.rglob("*")
        if path.is_file()
    }
    row = upload(admin, files)
    describe(admin, row, VOLUME_CARD, kind="monai")
    done = run(admin, row)
    assert (done.state, done.reason) == (ImportState.ADDED, "")
    assert done.model.card["name"] == "Small spleen segmentation"
    assert done.sha256 == done.model.card["provenance"]["source_sha256"]


def test_another_file_than_its_publisher_means_is_refused(admin, onnx):
    row = upload(admin, {"m.onnx": onnx})
    describe(admin, row, FILM_CARD, expected="0" * 64)
    refused = run(admin, row)
    assert "expected" in refused.reason
    assert hashlib.sha256(onnx).hexdigest() in refused.reason
    assert events()[-1] == "model:refuse"


def test_cancelling_kills_the_importer_and_removes_the_upload(
    admin, tmp_path, monkeypatch
):
    bundle = make_bundle(
        tmp_path / "bundle",
        network_def={**NETWORK, "channels": "$__import__('time').sleep(600)"},
    )
    files = {
        str(path.relative_to(tmp_path)): path.read_bytes()
        for path in bundle.rglob("*")
        if path.is_file()
    }
    row = upload(admin, files)
    describe(admin, row, VOLUME_CARD)
    begun = {}
    tell = running._Run.tell

    def told(self, words):
        tell(self, words)
        if "evaluating" in words:  # it sleeps from now on
            begun.update(_importers())
            imports.cancel_import(actor=admin, import_id=row.id)

    monkeypatch.setattr(running._Run, "tell", told)
    done = run(admin, row)
    assert done.state == ImportState.CANCELLED
    assert not done.files_kept
    assert not lies_there(done)
    assert any("workers.importing.child" in args for args in begun.values())
    assert _alive(begun) == []
    assert "model_import:cancel" in events()


def _importers():
    """Return the live processes that this test began, beneath each other."""
    said = subprocess.run(
        ["ps", "-eo", "pid,ppid,stat,args"], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(maxsplit=3) for line in said.splitlines()[1:]]
    ours, found = {str(os.getpid())}, {}
    for pid, parent, state, args in sorted(lines, key=lambda one: int(one[0])):
        if parent in ours and not state.startswith("Z"):
            ours.add(pid)
            found[pid] = args
    return found


def _alive(pids):
    said = subprocess.run(
        ["ps", "-o", "stat=", "-p", ",".join(pids)], capture_output=True, text=True
    )
    return [state for state in said.stdout.split() if not state.startswith("Z")]


def _running(admin, onnx, *, beat):
    row = upload(admin, {"m.onnx": onnx})
    ModelImport.objects.filter(id=row.id).update(
        state=ImportState.RUNNING, started_at=beat, beat_at=beat
    )
    return row


def test_a_worker_that_died_leaves_an_import_that_can_be_started_again(
    admin, onnx, quickly
):
    now = clock.now()
    row = _running(admin, onnx, beat=now - timedelta(seconds=61))
    with pytest.raises(Conflict, match="running"):
        describe(admin, row, FILM_CARD)
    left = imports.upload_folder(import_id=row.id) / "work"
    (left / "model-import-x").mkdir(parents=True)
    with messages_kept():
        assert running.sweep_imports()["interrupted"] == 1
    row.refresh_from_db()
    assert row.state == ImportState.INTERRUPTED
    assert "Nothing was added" in row.reason
    assert events()[-1] == "model_import:interrupt"
    describe(admin, row, FILM_CARD)
    done = run(admin, row)
    assert done.state == ImportState.ADDED
    assert [t["outcome"] for t in done.tries] == ["interrupted", "added"]


def test_one_that_lives_is_left_alone_and_a_redelivered_message_does_nothing(
    admin, onnx
):
    row = _running(admin, onnx, beat=clock.now() - timedelta(seconds=20))
    assert running.sweep_imports()["interrupted"] == 0
    running.run_import(import_id=row.id)
    row.refresh_from_db()
    assert (row.state, row.steps) == (ImportState.RUNNING, [])


def test_a_run_that_lost_its_claim_has_no_word_any_more(admin, onnx):
    row = _running(admin, onnx, beat=clock.now())
    stale = running._Run(row=row, claim=row.id)
    assert stale.stopped()
    stale.end(ImportState.ADDED)
    row.refresh_from_db()
    assert row.state == ImportState.RUNNING


def test_one_import_at_a_time_and_then_the_next(
    admin, onnx, monkeypatch, django_capture_on_commit_callbacks
):
    first = _running(admin, onnx, beat=clock.now())
    second = upload(admin, {"m.onnx": onnx})
    describe(admin, second, FILM_CARD)
    with messages_kept():
        imports.start_import(actor=admin, import_id=second.id)
    running.run_import(import_id=second.id)
    second.refresh_from_db()
    assert second.state == ImportState.WAITING
    assert imports.waiting_before(second) == 1
    ModelImport.objects.filter(id=first.id).update(state=ImportState.REFUSED)
    with messages_kept() as sent, django_capture_on_commit_callbacks(execute=True):
        running.go_on()
    assert [(m.queue, m.kwargs) for m in sent] == [
        ("imports", {"import_id": str(second.id)})
    ]


def test_a_machine_without_torch_says_so(admin, onnx, monkeypatch):
    row = upload(admin, {"m.onnx": onnx})
    describe(admin, row, FILM_CARD)
    monkeypatch.setattr(model_import.importlib.util, "find_spec", lambda _: None)
    refused = run(admin, row)
    assert refused.state == ImportState.REFUSED
    assert "PyTorch is not installed" in refused.reason
    assert lies_there(refused)


def test_a_trouble_of_the_portal_s_own_is_an_interruption(admin, onnx, monkeypatch):
    row = upload(admin, {"m.onnx": onnx})
    describe(admin, row, FILM_CARD)

    def broken(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(running, "add_model", broken)
    done = run(admin, row)
    assert done.state == ImportState.INTERRUPTED
    assert "OSError" in done.reason
    assert lies_there(done)


def test_only_who_began_it_and_still_may_does_anything(admin, department, onnx):
    row = upload(admin, {"m.onnx": onnx})
    describe(admin, row, FILM_CARD)
    other = actor_for(department.person(Role.ADMIN, "other"))
    assert imports.access_import(actor=other, import_id=row.id) == row
    for change in (
        lambda: describe(other, row, {}),
        lambda: imports.start_import(actor=other, import_id=row.id),
        lambda: imports.cancel_import(actor=other, import_id=row.id),
    ):
        with pytest.raises(Forbidden):
            change()
    with pytest.raises(Forbidden):
        imports.begin_import(actor=actor_for(department.reader))
    with messages_kept():
        imports.start_import(actor=admin, import_id=row.id)
    row.by.memberships.all().delete()
    running.run_import(import_id=row.id)
    row.refresh_from_db()
    assert row.state == ImportState.REFUSED
    assert "manage models" in row.reason


def test_an_incomplete_upload_does_not_start_and_goes_on_where_it_was(admin, onnx):
    row = imports.begin_import(actor=admin)
    named = imports.NamedFile(key="k", name="m.onnx", size=len(onnx))
    (line,) = imports.name_files(actor=admin, import_id=row.id, files=[named])
    send = {"actor": admin, "import_id": row.id, "file_id": line.id}
    imports.receive_piece(**send, offset=0, chunk=onnx[:10])
    with pytest.raises(Conflict, match="not here in full"):
        imports.start_import(actor=admin, import_id=row.id)
    with pytest.raises(Conflict) as caught:
        imports.receive_piece(**send, offset=0, chunk=onnx)
    assert caught.value.extra == {"received": 10}
    (again,) = imports.name_files(actor=admin, import_id=row.id, files=[named])
    assert (again.id, again.received) == (line.id, 10)
    imports.receive_piece(**send, offset=10, chunk=onnx[10:])
    path = imports.upload_folder(import_id=row.id) / str(line.id)
    assert path.read_bytes() == onnx


@pytest.mark.parametrize(
    "name", ["../m.onnx", "/m.onnx", "a//b", "a/../b", "a\\b", "a\nb", "x" * 201]
)
def test_a_name_that_leads_elsewhere_is_refused(admin, name):
    row = imports.begin_import(actor=admin)
    file = imports.NamedFile(key="k", name=name, size=1)
    with pytest.raises(Invalid, match="name of a file"):
        imports.name_files(actor=admin, import_id=row.id, files=[file])


@pytest.mark.parametrize(
    "names", [["a.onnx", "b.onnx"], ["one/a", "two/b"], ["m/a", "m/a/b"], ["a", "b/c"]]
)
def test_a_model_is_one_file_or_one_folder(names):
    with pytest.raises(Invalid, match="one file, or one folder"):
        imports.source_name(names)


def test_an_upload_has_a_limit(admin):
    row = imports.begin_import(actor=admin)
    file = imports.NamedFile(key="k", name="m", size=imports.MOST_BYTES + 1)
    with pytest.raises(DomainError) as caught:
        imports.name_files(actor=admin, import_id=row.id, files=[file])
    assert (caught.value.code, caught.value.status) == ("too_large", 413)
    for _ in range(imports.MOST_KEPT - 1):
        imports.begin_import(actor=admin)
    with pytest.raises(Conflict, match="Remove one"):
        imports.begin_import(actor=admin)


def test_an_upload_that_nobody_wants_is_forgotten(admin, onnx):
    row = upload(admin, {"m.onnx": onnx})
    stray = imports.imports_folder() / "stray"
    stray.mkdir()
    assert running.sweep_imports() == {
        "interrupted": 0,
        "sent": 0,
        "forgotten": 0,
        "removed": 1,
    }
    assert lies_there(row)
    ModelImport.objects.update(updated_at=clock.now() - timedelta(days=8))
    running.sweep_imports()
    row.refresh_from_db()
    assert (row.state, row.files_kept) == (ImportState.CANCELLED, False)
    assert not lies_there(row)
    assert events()[-1] == "model_import:forget"


def test_what_a_card_lacks_is_told_field_by_field():
    fields = {gap.field for gap in card_gaps({}, kind="onnx")}
    assert {"name", "version", "intended_use", "purpose", "limits"} < fields
    assert {"labels", "input", "preprocessing", "input.modalities"} < fields
    assert card_gaps(FILM_CARD, kind="onnx") == []
    bare = {"scheme": "SCT", "code": "36118008", "display": "Pneumothorax"}
    card = {**FILM_CARD, "labels": [bare, {"scheme": "?"}]}
    fields = {gap.field for gap in card_gaps(card, kind="onnx")}
    assert {"labels.0.threshold", "labels.0.acuity"} < fields
    assert {"labels.1.scheme", "labels.1.code"} < fields
    bundle = {gap.field for gap in card_gaps({}, kind="monai")}
    assert "preprocessing" not in bundle
    assert "purpose" in bundle
    assert card_gaps({}, kind="package") == []
    assert card_gaps({"name": "x"}, kind="package") != []


def test_a_refusal_names_its_fields_over_rest(admin, account, onnx, client):
    row = upload(admin, {"m.onnx": onnx})
    describe(admin, row, {**FILM_CARD, "labels": [LABELS[0]], "purpose": ""})
    ModelImport.objects.filter(id=row.id).update(
        state=ImportState.REFUSED,
        reason="m.onnx: the card can not be used: “purpose” is not said; label 1:"
        " “scheme” must be one of RADLEX, SCT. Give what is missing in the form.",
    )
    client.force_login(account)
    said = client.get(f"/api/model-imports/{row.id}").json()
    assert {gap["field"] for gap in said["named"]} == {"purpose", "labels.0.scheme"}
    assert said["name"] == "m.onnx"
    assert (said["received"], said["size"]) == (len(onnx), len(onnx))
    assert Path(said["name"]).suffix == ".onnx"
