"""`manage.py setup_department`: phantoms of some weeks, read by simulated readers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core import clock
from apps.workflow.department.disc import bring_disc
from apps.workflow.department.inference import Inference
from apps.workflow.department.live import Department, Unaided
from apps.workflow.department.manifest import read_manifest
from apps.workflow.department.readers import READERS

if TYPE_CHECKING:
    from argparse import ArgumentParser

SEED = 2026
UNREAD = 18
DISC_SITE, DISC_BROUGHT_BY = "northfield", "radiologist"
DISC_AGO = timedelta(hours=3)
UNAIDED_SITE, UNAIDED_LEADER = "northfield", "lead"
UNAIDED_UNTIL = timedelta(days=1)
"""Until then films of that site are read before the AI is seen."""


class Command(BaseCommand):
    """Lives through the department once; run again, it adds only what is missing."""

    help = "Fill the demo sites with phantoms and with readings of simulated readers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take size and seed."""
        parser.add_argument(
            "--small", action="store_true", help="some 25 studies instead of 100"
        )
        parser.add_argument("--days", type=int, default=21, help="how long a past")
        parser.add_argument("--seed", type=int, default=SEED)
        parser.add_argument(
            "--unread",
            type=int,
            default=UNREAD,
            help="how many of the newest studies wait on the list",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Generate the phantoms, unless they are there, and live through them."""
        folder: Path = settings.STATE_DIR / "department"
        manifest = folder / "manifest.json"
        if not manifest.exists():
            self._generate(folder, options)
        studies = read_manifest(manifest)
        with Inference(os.environ) as inference:
            Department(
                studies=studies,
                infer=inference.infer,
                seed=options["seed"],
                tell=self._tell,
                unaided=Unaided(
                    site=UNAIDED_SITE,
                    kind="chest-film",
                    modalities=("CR", "DX"),
                    until=clock.now() - UNAIDED_UNTIL,
                    by=UNAIDED_LEADER,
                ),
            ).live(readers=READERS, unread=options["unread"])
        bring_disc(
            disc=folder / "disc",
            site_code=DISC_SITE,
            username=DISC_BROUGHT_BY,
            at=clock.now() - DISC_AGO,
        )
        for study in studies:  # the archive has them; the truth stays
            shutil.rmtree(study.folder, ignore_errors=True)

    def _generate(self, folder: Path, options: dict[str, Any]) -> None:
        """Run the generator in a process of its own, into a folder all or nothing."""
        fresh = folder.with_name("department.new")
        shutil.rmtree(fresh, ignore_errors=True)
        command = [sys.executable, "-m", "workers.phantoms", "department"]
        command += ["--out", str(fresh), "--seed", str(options["seed"])]
        command += ["--days", str(options["days"])]
        command += ["--small"] if options["small"] else []
        self._tell("generating phantoms")
        done = subprocess.run(  # noqa: S603  our own module
            command, check=False, cwd=settings.BASE_DIR
        )
        if done.returncode != 0:
            raise CommandError("The phantoms could not be generated; see above.")
        fresh.replace(folder)

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
