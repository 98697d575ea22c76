"""The portal's library of model packages: add, list, verify, activate, withdraw."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.inference.models import ModelVersion, Slot
from apps.inference.packages import PackageFolder, read_package
from apps.inference.services import register_model
from apps.inference.slots import end_uses, fill_slot
from apps.inference.trust import admit_package, allowed_models, withdraw_package
from apps.inference.types import SlotKind
from apps.inference.verifying import problem_of, require_trusted
from workers.model_files import hash_files, read_files
from workers.model_import import ImportRefusedError, import_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apps.accounts.models import Site
    from apps.accounts.types import Actor
    from workers.model_import import Imported


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What became of checking one model.

    Attributes:
        model: Which.
        problem: What is wrong, in plain words; '' when nothing is.
    """

    model: ModelVersion
    problem: str


def add_model(
    *,
    actor: Actor,
    source: Path,
    kind: str = "auto",
    card: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    scratch: Path | None = None,
) -> ModelVersion:
    """Import a model from a file of this machine, keep it, and put it on the list.

    No site uses it yet: see `activate_model`. `stop` and `scratch` are those of
    `import_model`; what is stopped raises its `ImportStoppedError`.

    Raises:
        Invalid: It is not imported; the reason is in the audit log as well.
        Conflict: Another package has this name and version.
    """
    _require(actor)
    try:
        imported = import_model(
            source,
            kind=kind,
            card=card,
            progress=progress,
            stop=stop,
            scratch=scratch,
        )
    except ImportRefusedError as error:
        with transaction.atomic():
            record(
                actor=actor,
                event=Event.MODEL_REFUSE,
                object_kind="model_source",
                detail={"file": source.name[:80], "reason": str(error)[:400]},
            )
        raise Invalid("import_refused", f"{source.name}: {error}.") from error
    progress("keeping the package")
    return _keep(actor=actor, imported=imported)


@transaction.atomic
def _keep(*, actor: Actor, imported: Imported) -> ModelVersion:
    name, version = str(imported.card["name"]), str(imported.card["version"])
    package_hash = hash_files(imported.files)
    taken = ModelVersion.objects.filter(name=name, version=version).exclude(
        package_hash=package_hash
    )
    if taken.exists():
        raise Conflict(
            "version_taken",
            f"There is another package of {name} {version}: a version never changes."
            " Give the card another version.",
        )
    folder = _store(package_hash, imported.files)
    package = read_package(path=folder)
    model = register_model(
        actor=actor,
        package_hash=package.package_hash,
        card=package.card,
        package_path=str(folder),
    )
    record(
        actor=actor,
        event=Event.MODEL_ADMIT,
        object_kind="model_version",
        object_id=model.id,
        detail={
            "model": str(model),
            "package": package.package_hash,
            "format": str(imported.report.get("format", "package"))[:40],
            "source": str(imported.report.get("source_sha256", ""))[:64],
        },
    )
    admit_package(package=package)
    return model


def _store(package_hash: str, files: Mapping[str, bytes]) -> Path:
    """Put a package's files on disk under their hash, all or none."""
    home = Path(settings.MODELS_DIR) / "packages"
    home.mkdir(parents=True, exist_ok=True)
    place = home / package_hash
    if place.is_dir() and read_package(path=place).package_hash == package_hash:
        return place
    made = Path(tempfile.mkdtemp(dir=home, prefix=".new."))
    for name, content in files.items():
        (made / name).write_bytes(content)
    made.chmod(0o750)
    if place.exists():
        shutil.rmtree(place)
    made.replace(place)
    return place


def verify_models(*, actor: Actor, package_hash: str = "") -> list[Verified]:
    """Check the packages that are registered: on disk as named, and on the list.

    Args:
        actor: Who asks.
        package_hash: The beginning of one hash; all by default.
    """
    _require(actor)
    allowed = allowed_models().hashes
    models = ModelVersion.objects.filter(package_hash__startswith=package_hash)
    return [
        Verified(model=model, problem=problem_of(model=model, allowed=allowed))
        for model in models
    ]


@transaction.atomic
def verify_model(*, actor: Actor, model_id: UUID) -> Verified:
    """Check one model because a person asked; what was found is on record."""
    model = model_of_id(actor=actor, model_id=model_id)
    problem = problem_of(model=model, allowed=allowed_models().hashes)
    record(
        actor=actor,
        event=Event.MODEL_VERIFY,
        object_kind="model_version",
        object_id=model.id,
        detail={"model": str(model), "problem": problem[:400]},
    )
    return Verified(model=model, problem=problem)


def list_models(*, actor: Actor) -> list[dict[str, Any]]:
    """Return all models as the models page shows them, checked as they lie on disk.

    Of the sites that use one, those are named whose models the actor manages.
    """
    rows = []
    for one in verify_models(actor=actor):
        model = one.model
        slots = Slot.objects.select_related("site").filter(
            model_version=model, active=True
        )
        rows.append(
            {
                "id": model.id,
                "name": model.name,
                "version": model.version,
                "package_hash": model.package_hash,
                "intended_use": model.intended_use,
                "added_at": model.created_at,
                "problem": one.problem,
                "card": model.card,
                "uses": [
                    {
                        "site": {"id": str(slot.site_id), "name": slot.site.name},
                        "kind": slot.kind,
                        "number": slot.number,
                    }
                    for slot in slots
                    if actor.can(Permission.MODEL_MANAGE, slot.site_id)
                ],
            }
        )
    return rows


def model_of_id(*, actor: Actor, model_id: UUID) -> ModelVersion:
    """Return a model.

    Raises:
        NotFound: There is none.
    """
    _require(actor)
    model = ModelVersion.objects.filter(id=model_id).first()
    if model is None:
        raise NotFound("not_found", "There is no such model.")
    return model


def find_model(*, actor: Actor, named: str, version: str = "") -> ModelVersion:
    """Return a model by the beginning of its hash, or by name and version.

    Raises:
        NotFound: There is none.
        Conflict: There are several.
    """
    _require(actor)
    by_name = ModelVersion.objects.filter(name=named)
    found = by_name.filter(version=version) if version else by_name
    if not found.exists() and len(named) >= _SHORTEST_HASH:
        found = ModelVersion.objects.filter(package_hash__startswith=named)
    if found.count() > 1:
        versions = ", ".join(model.version for model in found)
        raise Conflict("several", f"There are several: {versions}. Say which version.")
    model = found.first()
    if model is None:
        raise NotFound("not_found", f"There is no model “{named} {version}”.".strip())
    return model


_SHORTEST_HASH = 8


def activate_model(
    *,
    actor: Actor,
    model: ModelVersion,
    site: Site,
    kind: SlotKind = SlotKind.LIVE,
    task: str = "",
    reason: str = "",
) -> Slot:
    """Let a site use a model, with the thresholds that its card suggests.

    Args:
        actor: Who manages the site's models.
        model: Which.
        site: Where.
        kind: As what.
        task: The slot that it is for, when that is another model's.
        reason: Why, for the record.

    Raises:
        Forbidden: The actor does not manage the site's models.
        Conflict: The package can not be trusted or was withdrawn.
    """
    if not actor.can(Permission.MODEL_MANAGE, site.pk):
        raise Forbidden("forbidden", "You do not manage the models of this site.")
    require_trusted(model=model)
    return fill_slot(
        actor=actor, site=site, model=model, kind=kind, task=task, reason=reason
    )


@transaction.atomic
def withdraw_model(*, actor: Actor, model: ModelVersion, reason: str) -> None:
    """Take a model off the list and out of every slot; workers stop within seconds.

    Raises:
        Invalid: No reason is given.
    """
    _require(actor)
    if not reason.strip():
        raise Invalid("no_reason", "reason: say why the model is withdrawn.")
    used = Slot.objects.filter(model_version=model, active=True)
    others = [s for s in used if not actor.can(Permission.MODEL_MANAGE, s.site_id)]
    if others:
        raise Forbidden(
            "used_elsewhere",
            "A site whose models you do not manage uses it: ask who does, or the"
            " administrator of the portal (manage.py models withdraw).",
        )
    slots = end_uses(model=model)
    record(
        actor=actor,
        event=Event.MODEL_WITHDRAW,
        object_kind="model_version",
        object_id=model.id,
        detail={"model": str(model), "reason": reason[:400], "slots": slots},
    )
    withdraw_package(package_hash=model.package_hash)


def admit_shipped(*, actor: Actor, package: PackageFolder) -> ModelVersion:
    """Register a package that came with the code, and put it on the list.

    It is kept with the others: the next version of the code may ship another.
    """
    kept = _store(package.package_hash, read_files(package.path))
    admit_package(package=package)
    return register_model(
        actor=actor,
        package_hash=package.package_hash,
        card=package.card,
        package_path=str(kept),
    )


def renew_shipped(*, actor: Actor, folder: Path) -> list[Slot]:
    """Register what this version of the code ships, and mend slots that it broke.

    A slot keeps the model that it has, as long as a worker can load it. Until
    packages were kept, an update changed the files of those in use: these slots get
    the model of the same name that is shipped now.

    Args:
        actor: Who does it.
        folder: Of the shipped packages, one folder each.

    Returns:
        The slots that were filled.
    """
    _require(actor)
    filled = []
    for path in sorted(p for p in folder.glob("*") if p.is_dir()):
        model = admit_shipped(actor=actor, package=read_package(path=path))
        allowed = allowed_models().hashes
        slots = Slot.objects.select_related("site", "model_version").filter(
            model_version__name=model.name, active=True
        )
        filled += [
            fill_slot(
                actor=actor,
                site=slot.site,
                model=model,
                kind=SlotKind(slot.kind),
                task=slot.task,
                reason="an update of Overread changed the files of its model",
            )
            for slot in slots
            if problem_of(model=slot.model_version, allowed=allowed)
        ]
    return filled


def _require(actor: Actor) -> None:
    if Permission.MODEL_MANAGE not in actor.permissions():
        raise Forbidden("forbidden", "You do not manage models.")
