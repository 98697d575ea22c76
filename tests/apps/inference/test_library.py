"""Models added, checked, used and withdrawn from the command line, all on record."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command

from apps.accounts.models import Role
from apps.accounts.types import SYSTEM
from apps.audit.models import AuditRecord
from apps.core.errors import Conflict, Forbidden
from apps.inference import library
from apps.inference.models import ModelVersion, Slot
from apps.inference.packages import package_zip
from apps.inference.trust import allowed_models
from apps.inference.types import SlotKind
from tests.factories.domain import actor_for, client_for, make_model
from tests.workers.importing.makers import FILM_CARD, SmallNet, make_onnx
from workers.model_import import import_model
from workers.models.package import load_package

SHIPPED = Path("workers/models/shipped")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODEL_KEY_FILE = tmp_path / "keys" / "models.key"


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    return import_model(make_onnx(folder / "m.onnx"), card=FILM_CARD)


@pytest.fixture
def model(imported, monkeypatch):
    """A model that was added; what its import gives was made once."""
    monkeypatch.setattr(library, "import_model", lambda *_, **__: imported)
    return library.add_model(actor=SYSTEM, source=Path("m.onnx"))


def run(*words):
    out = StringIO()
    call_command("models", *words, stdout=out, stderr=out)
    return out.getvalue()


def events():
    return list(AuditRecord.objects.order_by("id").values_list("event", flat=True))


def test_a_model_is_added_from_the_command_line(tmp_path):
    source = make_onnx(tmp_path / "m.onnx")
    card = tmp_path / "card.json"
    card.write_text(json.dumps(FILM_CARD))
    said = run("add", str(source), "--card", str(card))
    model = ModelVersion.objects.get()
    assert "checking its operators" in said
    assert "the labels' logits differ by at most" in said
    assert model.package_hash in said
    assert model.package_hash in allowed_models().hashes
    folder = tmp_path / "models" / "packages" / model.package_hash
    assert {path.name for path in folder.iterdir()} == {"card.json", "model.onnx"}
    loaded = load_package(package_zip(model=model), expected=model.package_hash)
    assert loaded.card == model.card
    assert events() == ["model:register", "model:admit"]
    assert "test-films 1  detection  not in use" in run("list")
    assert "good" in run("verify")


def test_a_refusal_is_told_and_on_record(tmp_path):
    torch.save(SmallNet(), tmp_path / "model.pt")
    with pytest.raises(CommandError, match="would run code"):
        run("add", str(tmp_path / "model.pt"))
    row = AuditRecord.objects.get()
    assert row.event == "model:refuse"
    assert "SmallNet" in row.detail["reason"]
    assert not ModelVersion.objects.exists()


def test_a_version_never_changes(model, imported, monkeypatch):
    changed = {**imported.card, "limits": ["Other words."]}
    other = type(imported)(
        files={**imported.files, "card.json": json.dumps(changed).encode()},
        card=changed,
    )
    monkeypatch.setattr(library, "import_model", lambda *_, **__: other)
    with pytest.raises(Conflict, match="another version"):
        library.add_model(actor=SYSTEM, source=Path("m.onnx"))
    monkeypatch.setattr(library, "import_model", lambda *_, **__: imported)
    assert library.add_model(actor=SYSTEM, source=Path("m.onnx")) == model


def test_a_site_uses_a_model_once_it_is_activated(model, department):
    code = department.site.code
    assert "shadow" in run("activate", "test-films", "--site", code, "--kind", "shadow")
    shadow = Slot.objects.get(active=True)
    assert shadow.kind == SlotKind.SHADOW
    assert shadow.thresholds == {"36118008": 0.4, "233604007": 0.5}
    run("activate", model.package_hash[:10], "--site", code)
    live = Slot.objects.get(active=True)
    assert (live.kind, live.number) == (SlotKind.LIVE, shadow.number + 1)
    assert f"{code} (live)" in run("list")


def test_only_who_manages_a_site_s_models_may(model, department):
    reader = actor_for(department.reader)
    with pytest.raises(Forbidden):
        library.activate_model(actor=reader, model=model, site=department.site)
    with pytest.raises(Forbidden):
        library.add_model(actor=reader, source=Path("m.onnx"))
    admin = actor_for(department.person(Role.ADMIN))
    slot = library.activate_model(actor=admin, model=model, site=department.site)
    assert slot.active


def test_changed_files_are_found_and_not_activated(model, department):
    path = Path(model.package_path) / "model.onnx"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CommandError, match="1 of 1 can not be used"):
        run("verify")
    with pytest.raises(Conflict, match="changed on disk"):
        library.activate_model(actor=SYSTEM, model=model, site=department.site)


def test_a_withdrawn_model_is_in_no_slot_and_on_no_list(model, department):
    library.activate_model(actor=SYSTEM, model=model, site=department.site)
    run("withdraw", "test-films", "--reason", "too many false alarms")
    assert not Slot.objects.filter(active=True).exists()
    assert model.package_hash not in allowed_models().hashes
    with pytest.raises(CommandError, match="not on the signed list"):
        run("activate", "test-films", "--site", department.site.code)
    assert events()[-1] == "model:withdraw"


def test_the_public_key_is_printed():
    assert len(run("key").strip()) == 44


def ship(folder, version):
    """A package that comes with the code, in a version."""
    package = folder / "paediatric-pneumonia"
    shutil.copytree(SHIPPED / "paediatric-pneumonia", package, dirs_exist_ok=True)
    card = json.loads((package / "card.json").read_text())
    (package / "card.json").write_text(json.dumps(card | {"version": version}))
    return package


def test_an_update_leaves_the_model_that_is_in_use(department, tmp_path, settings):
    settings.SHIPPED_MODELS_DIR = tmp_path / "shipped"
    ship(settings.SHIPPED_MODELS_DIR, "7")
    assert run("shipped") == "", "no slot is filled by itself"
    slot = library.activate_model(
        actor=SYSTEM, model=ModelVersion.objects.get(), site=department.site
    )
    ship(settings.SHIPPED_MODELS_DIR, "8")
    assert run("shipped") == ""
    assert set(ModelVersion.objects.values_list("version", flat=True)) == {"7", "8"}
    assert Slot.objects.get(active=True) == slot
    assert {found.problem for found in library.verify_models(actor=SYSTEM)} == {""}
    assert run("shipped") == "", "and again"


def test_an_update_mends_a_slot_whose_files_it_changed(department, tmp_path, settings):
    settings.SHIPPED_MODELS_DIR = tmp_path / "shipped"
    package = ship(settings.SHIPPED_MODELS_DIR, "7")
    run("shipped")
    model = ModelVersion.objects.get()
    slot = library.activate_model(
        actor=SYSTEM, model=model, site=department.site, kind=SlotKind.SHADOW
    )
    model.package_path = str(package)
    model.save()
    ship(settings.SHIPPED_MODELS_DIR, "8")
    assert "paediatric-pneumonia 8 is shadow at" in run("shipped")
    new = Slot.objects.get(active=True)
    assert (new.model_version.version, new.kind, new.task) == ("8", "shadow", slot.task)
    assert new.reason == "an update of Overread changed the files of its model"


def test_a_model_of_another_name_is_put_in_a_slot_over_the_page(model, department):
    make_model(department.site, name="another", labels=model.card["labels"])
    admin = client_for(department.person(Role.ADMIN))
    body = {
        "site": str(department.site.id),
        "kind": "challenger",
        "task": "another",
        "reason": "to see",
    }
    address = f"/api/models/{model.id}/uses"
    answer = admin.post(address, body, content_type="application/json")
    assert answer.status_code == 204, answer.content
    slot = Slot.objects.get(active=True, model_version=model)
    assert (slot.task, slot.kind, slot.reason) == ("another", "challenger", "to see")
    assert Slot.objects.filter(active=True, task="another").count() == 2
