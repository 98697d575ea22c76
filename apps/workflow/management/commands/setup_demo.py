"""`manage.py setup_demo`: two sites, people, AE titles, models, example studies."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.accounts.models import Role, Site, User
from apps.accounts.services import create_site, create_user, grant_membership
from apps.accounts.types import SYSTEM
from apps.inference.library import admit_shipped
from apps.inference.packages import read_package
from apps.inference.slots import fill_slot, was_used
from apps.interop.dicom.examples import example_paths
from apps.studies.models import AETitle
from apps.studies.services import create_ae_title
from apps.workflow.intake import Via, take_paths

if TYPE_CHECKING:
    from argparse import ArgumentParser

PASSWORD = "overread-demo"  # noqa: S105  printed at every start of the demo
NORTH, SOUTH = ("northfield", "Northfield General"), ("southgate", "Southgate Clinic")
PEOPLE = (
    ("radiologist", "Dr. Rosa Lindqvist", ((NORTH[0], Role.RADIOLOGIST),)),
    ("radiologist2", "Dr. Ben Okafor", ((NORTH[0], Role.RADIOLOGIST),)),
    ("resident", "Dr. Noor Haddad", ((NORTH[0], Role.RESIDENT),)),
    ("specialist", "Dr. Ida Strand", ((NORTH[0], Role.SPECIALIST),)),
    ("southgate", "Dr. Mei Tanaka", ((SOUTH[0], Role.RADIOLOGIST),)),
    ("annotator", "Ana Duarte", ((NORTH[0], Role.ANNOTATOR),)),
    ("lead", "Prof. Lars Weber", ((NORTH[0], Role.CLINICAL_LEAD),)),
    ("admin", "Sam Adeyemi", ((NORTH[0], Role.ADMIN), (SOUTH[0], Role.ADMIN))),
)
# OVERREAD is the archive's own title and ANY-SCP what `storescu` calls by default.
AE_TITLES = (
    ("OVERREAD", NORTH[0]),
    ("ANY-SCP", NORTH[0]),
    ("NORTHFIELD", NORTH[0]),
    ("SOUTHGATE", SOUTH[0]),
)


def _own_password() -> str:
    """Return the first administrator's password, made once for this state folder.

    It stands in `<state>/admin-password`, readable by its owner only.
    """
    path: Path = settings.STATE_DIR / "admin-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(12))
    return path.read_text().strip()


class Command(BaseCommand):
    """Fills a new portal; run again, it adds only what is missing."""

    help = "Set up demo sites, people, AE titles, models and example studies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the switch for a portal without demo."""
        parser.add_argument(
            "--empty",
            action="store_true",
            help="only one site, an admin and the shipped models; no studies",
        )
        parser.add_argument(
            "--no-examples",
            action="store_true",
            help="no example images: `setup_department` brings a department",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Set up what is missing."""
        names = (NORTH,) if options["empty"] else (NORTH, SOUTH)
        sites = {code: self._site(code, name) for code, name in names}
        people = PEOPLE[-1:] if options["empty"] else PEOPLE
        password = _own_password() if options["empty"] else PASSWORD
        for username, display, roles in people:
            self._person(username, display, roles, sites, password)
        self._models(list(sites.values()))
        if options["empty"]:
            return
        for called, code in AE_TITLES:
            if not AETitle.objects.filter(called_aet=called, calling_aet="").exists():
                create_ae_title(
                    actor=SYSTEM,
                    called_aet=called,
                    calling_aet="",
                    site_id=sites[code].id,
                )
        if not options["no_examples"]:
            self._examples(sites)

    def _site(self, code: str, name: str) -> Site:
        existing = Site.objects.filter(code=code).first()
        return existing or create_site(actor=SYSTEM, name=name, code=code)

    def _person(
        self,
        username: str,
        display: str,
        roles: tuple[tuple[str, Role], ...],
        sites: dict[str, Site],
        password: str,
    ) -> None:
        if User.objects.filter(username=username).exists():
            return
        user = create_user(
            actor=SYSTEM, username=username, password=password, display_name=display
        )
        for code, role in roles:
            if code in sites:
                grant_membership(
                    actor=SYSTEM, user_id=user.id, site_id=sites[code].id, role=role
                )

    def _models(self, sites: list[Site]) -> None:
        folder = settings.SHIPPED_MODELS_DIR
        for path in sorted(p for p in folder.glob("*") if p.is_dir()):
            model = admit_shipped(actor=SYSTEM, package=read_package(path=path))
            for site in sites:
                if not was_used(site=site, model=model):
                    fill_slot(actor=SYSTEM, site=site, model=model)

    def _examples(self, sites: dict[str, Site]) -> None:
        first, second = example_paths()
        for code, paths in ((NORTH[0], first), (SOUTH[0], second)):
            intake = take_paths(
                actor=SYSTEM, site=sites[code], paths=paths, via=Via.COMMAND
            )
            counts = intake.counts
            self.stdout.write(
                f"{sites[code].name}: {counts['stored']} example images stored, "
                f"{counts['already']} there before, {counts['refused']} refused"
            )
