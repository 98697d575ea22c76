"""What to make: the order for a study, its patient and its machine.

Each kind of study has a maker, `def …(order: Order) -> Study`, which stands in
`workers.phantoms.studies.MAKERS`; makers share what is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workers.phantoms.records import Patient
from workers.phantoms.settings import Scanner, Settings, Site
from workers.phantoms.shapes import rng_for


@dataclass(frozen=True)
class Order:
    """What to make.

    Attributes:
        seed: of the study.
        person: seed of the patient: the same for all studies of one.
        strengths: chest findings by label; None draws them.
        size: rows and columns; 0 is the kind's usual size.
        bleed: of head CT, seed of where the haemorrhages are, so that one may grow from
            study to study; None is `seed`.
        slices: of CT; 0 is the usual number.
        overlay: add a presentation state to a film: `note` as a radiographer leaves
            one, `truth` with the findings' boxes, empty for none.
    """

    kind: str
    seed: int
    person: int
    site: Site
    when: datetime
    settings: Settings
    strengths: Mapping[str, float] | None = None
    size: int = 0
    slices: int = 0
    overlay: str = ""
    bleed: int | None = None


def patient_for(
    order: Order, *, age: float, female: bool, build: float = 1.0
) -> Patient:
    """Makes the patient of an order; the same person always has the same.

    Args:
        order: whose `person` it is.
        age: years; the anatomy goes with it.
        female: sex of the anatomy.
        build: body size factor around 1.
    """
    rng = rng_for(order.person, "patient")
    # A fixed day: priors must agree on the date of birth.
    birth = date(2026, 6, 1) - timedelta(days=int(age * 365.25 + rng.integers(0, 365)))
    height = (1.64 if female else 1.77) + float(rng.normal(0, 0.06))
    weight = 24.5 * build**2 * height**2 + float(rng.normal(0, 4))
    return Patient(
        number=order.person % 1_000_000,
        sex="F" if female else "M",
        birth=birth,
        height_m=round(height, 2),
        weight_kg=round(max(weight, 42.0), 1),
    )


def scanner_for(order: Order, *modalities: str) -> tuple[str, Scanner]:
    """Picks one of the site's machines and says its modality."""
    rng = rng_for(order.seed, "scanner")
    choice = [
        (modality, scanner)
        for modality in modalities
        for scanner in order.site.scanners.get(modality, ())
    ]
    return choice[int(rng.integers(len(choice)))]
