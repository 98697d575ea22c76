"""`manage.py models add|list|show|verify|activate|withdraw|shipped|key`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Site, User
from apps.accounts.selectors import make_actor
from apps.accounts.types import SYSTEM
from apps.core.errors import DomainError
from apps.inference.library import (
    activate_model,
    add_model,
    find_model,
    renew_shipped,
    verify_models,
    withdraw_model,
)
from apps.inference.models import ModelVersion, Slot
from apps.inference.trust import allowed_models, public_key
from apps.inference.types import SlotKind
from workers.model_import import KINDS

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from apps.accounts.types import Actor


class Command(BaseCommand):
    """Keeps the portal's models. Every change is in the audit log."""

    help = "Add, list, verify, activate and withdraw model packages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        parser.add_argument(
            "--as", dest="username", default="", help="the account that does it"
        )
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="import a model from a file or folder")
        add.add_argument("source", type=Path)
        add.add_argument("--kind", choices=KINDS, default="auto")
        add.add_argument(
            "--card", type=Path, help="JSON with fields of the card (docs)"
        )
        verbs.add_parser("list", help="the models, and where they are in use")
        show = verbs.add_parser("show", help="print a model's card")
        verify = verbs.add_parser("verify", help="check files, hashes and signatures")
        verify.add_argument("hash", nargs="?", default="")
        activate = verbs.add_parser("activate", help="let a site use a model")
        activate.add_argument("--site", required=True, help="code of the site")
        activate.add_argument(
            "--kind", choices=[kind.value for kind in SlotKind], default="live"
        )
        withdraw = verbs.add_parser("withdraw", help="stop a model everywhere")
        withdraw.add_argument("--reason", required=True)
        for one in (show, activate, withdraw):
            one.add_argument("model", help="name, or the beginning of the hash")
            one.add_argument("version", nargs="?", default="")
        verbs.add_parser(
            "shipped", help="after an update: register the models that came with it"
        )
        verbs.add_parser("key", help="print the public key for OVERREAD_MODEL_KEY")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Do one verb; what is refused is said in plain words."""
        verb = getattr(self, f"_{options['verb']}")
        try:
            verb(_actor(options["username"]), options)
        except DomainError as error:
            raise CommandError(error.detail) from None

    def _add(self, actor: Actor, options: dict[str, Any]) -> None:
        begun = time.monotonic()

        def tell(words: str) -> None:
            self.stderr.write(f"  {time.monotonic() - begun:6.1f} s  {words}")

        model = add_model(
            actor=actor,
            source=options["source"],
            kind=options["kind"],
            card=_card(options["card"]),
            progress=tell,
        )
        self.stdout.write(f"{model} is added: {model.package_hash}")
        for figures in model.card.get("provenance", {}).get("compared", []):
            self.stdout.write(f"  before and after: {_words(figures)}")
        self.stdout.write(
            f"No site uses it yet: manage.py models activate “{model.name}”"
            f" “{model.version}” --site CODE --kind shadow"
        )

    def _list(self, _actor: Actor, _options: dict[str, Any]) -> None:
        allowed = allowed_models().hashes
        for model in ModelVersion.objects.order_by("name", "created_at"):
            slots = Slot.objects.select_related("site").filter(
                model_version=model, active=True
            )
            uses = ", ".join(f"{slot.site.code} ({slot.kind})" for slot in slots)
            state = "" if model.package_hash in allowed else "  NOT ON THE SIGNED LIST"
            self.stdout.write(
                f"{model.package_hash[:12]}  {model.name} {model.version}"
                f"  {model.intended_use}  {uses or 'not in use'}{state}"
            )

    def _show(self, actor: Actor, options: dict[str, Any]) -> None:
        model = find_model(
            actor=actor, named=options["model"], version=options["version"]
        )
        self.stdout.write(json.dumps(model.card, indent=2, ensure_ascii=False))

    def _verify(self, actor: Actor, options: dict[str, Any]) -> None:
        found = verify_models(actor=actor, package_hash=options["hash"])
        if not found:
            raise CommandError("There is no such model.")
        for one in found:
            self.stdout.write(
                f"{one.model.package_hash[:12]}  {one.model}  {one.problem or 'good'}"
            )
        bad = sum(1 for one in found if one.problem)
        if bad:
            raise CommandError(f"{bad} of {len(found)} can not be used.")

    def _activate(self, actor: Actor, options: dict[str, Any]) -> None:
        site = Site.objects.filter(code=options["site"]).first()
        if site is None:
            known = ", ".join(Site.objects.values_list("code", flat=True)) or "none"
            raise CommandError(f"There is no site “{options['site']}”. Known: {known}.")
        model = find_model(
            actor=actor, named=options["model"], version=options["version"]
        )
        slot = activate_model(
            actor=actor, model=model, site=site, kind=SlotKind(options["kind"])
        )
        self.stdout.write(f"{model} is {slot.kind} at {site.name}.")

    def _withdraw(self, actor: Actor, options: dict[str, Any]) -> None:
        model = find_model(
            actor=actor, named=options["model"], version=options["version"]
        )
        withdraw_model(actor=actor, model=model, reason=options["reason"])
        self.stdout.write(f"{model} is withdrawn: workers stop using it within 20 s.")

    def _shipped(self, actor: Actor, _options: dict[str, Any]) -> None:
        filled = renew_shipped(actor=actor, folder=settings.SHIPPED_MODELS_DIR)
        for slot in filled:
            self.stdout.write(
                f"{slot.model_version} is {slot.kind} at {slot.site.name}: the files of"
                " the one before are gone."
            )

    def _key(self, _actor: Actor, _options: dict[str, Any]) -> None:
        self.stdout.write(public_key())


def _actor(username: str) -> Actor:
    if not username:
        return SYSTEM
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError("There is no such account, or it is not active.")
    return make_actor(user=user)


def _card(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        said = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path.name}: {error}") from error
    if not isinstance(said, dict):
        raise CommandError(f"{path.name} is no JSON object.")
    return said


def _words(figures: dict[str, Any]) -> str:
    what = figures.get("what", "")
    if "largest_difference" in figures:
        return (
            f"{what} differ by at most {figures['largest_difference']:.2g}"
            f" of {figures.get('largest_output', 0):.3g}"
        )
    if "n_differing" in figures:
        return f"{what}: {figures['n_differing']} of {figures['n']} voxels differ"
    return str(what)
