"""Makes whole studies of phantoms: patient, scanner, series, truth."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from workers.phantoms.breast_study import breast_study
from workers.phantoms.ct import ChestCt, chest_ct
from workers.phantoms.film import WHITE, ChestFilm, chest_film
from workers.phantoms.head_study import head_study
from workers.phantoms.iods import activity_per_suv
from workers.phantoms.orders import Order, patient_for, scanner_for
from workers.phantoms.pet import pet_over
from workers.phantoms.records import Film, Overlay, Patient, Series, Slices, Study
from workers.phantoms.settings import Scanner
from workers.phantoms.torso import Torso

KINDS = ("chest-film", "chest-ct", "pet-ct", "head-ct", "mammogram")


def make_study(order: Order) -> Study:
    """Makes one study of any kind."""
    return MAKERS[order.kind](order)


def _torso_patient(order: Order, torso: Torso) -> Patient:
    return patient_for(order, age=torso.age, female=torso.female, build=torso.build)


def _chest_truth(
    labels: Mapping[str, bool], strengths: Mapping[str, float]
) -> dict[str, Any]:
    return {
        "labels": dict(labels),
        "strengths": {k: round(v, 3) for k, v in strengths.items()},
    }


def _film_study(order: Order) -> Study:
    made = chest_film(
        order.seed,
        order.settings,
        size=order.size or 1280,
        person=order.person,
        strengths=order.strengths,
    )
    modality, scanner = scanner_for(order, "DX", "CR")
    pixels = WHITE - made.pixels if made.inverted else made.pixels
    image = Film(
        pixels=pixels.astype(np.uint16),
        spacing_mm=round(made.spacing_mm, 4),
        view="PA",
        inverted=made.inverted,
    )
    series = [Series(1, modality, "Chest PA", "CHEST", scanner, (image,))]
    if order.overlay:
        state = _overlay(made, truth=order.overlay == "truth")
        series.append(Series(2, "PR", "Presentation", "CHEST", scanner, state))
    boxes = [
        {"label": label, "series": 1, "index": 0, "frame": 1, "box": list(box)}
        for label, found in made.boxes.items()
        for box in found
    ]
    truth = {**_chest_truth(made.labels, made.strengths), "boxes": boxes}
    return Study(
        seed=order.seed,
        kind=order.kind,
        patient=_torso_patient(order, made.torso),
        site=order.site,
        when=order.when,
        description="CHEST PA",
        series=tuple(series),
        truth=truth,
    )


def _overlay(made: ChestFilm, *, truth: bool) -> Overlay:
    """Makes a presentation state: a radiographer's note, or the truth's boxes."""
    size = len(made.pixels)
    pairs = [(label, box) for label, found in made.boxes.items() for box in found]
    if not truth:
        note = (0.66 * size, 0.965 * size, "erect, PA, full breath")
        return Overlay(1, 0, (), (note,), window=(2150, 3600))
    return Overlay(
        series=1,
        image=0,
        boxes=tuple(box for _, box in pairs),
        texts=tuple((box[0], box[1], label) for label, box in pairs),
        window=(2048, 4096),
        label="TRUTH",
    )


def _ct_boxes(made: ChestCt, series: int) -> list[dict[str, Any]]:
    """Lists each finding's box in every slice that it reaches."""
    return [
        {
            "label": label,
            "piece": piece,
            "series": series,
            "index": k,
            "frame": 1,
            "box": [x0, y0, x1, y1],
        }
        for label, found in made.boxes.items()
        for piece, (x0, y0, z0, x1, y1, z1) in enumerate(found)
        for k in range(z0, z1)
    ]


def _ct_series(made: ChestCt, scanner: Scanner) -> list[Series]:
    name = "Chest with contrast" if made.contrast else "Chest"
    volume = Slices(made.hu, made.spacing_mm, made.origin_mm, (40, 400), scanner.kernel)
    return [Series(2, "CT", f"{name} axial", "CHEST", scanner, volume)]


def _make_ct(order: Order) -> ChestCt:
    return chest_ct(
        order.seed,
        order.settings,
        slices=order.slices or 80,
        size=order.size or 256,
        person=order.person,
        strengths=order.strengths,
    )


def _ct_study(order: Order) -> Study:
    made = _make_ct(order)
    _, scanner = scanner_for(order, "CT")
    truth = _chest_truth(made.labels, made.strengths)
    return Study(
        seed=order.seed,
        kind=order.kind,
        patient=_torso_patient(order, made.torso),
        site=order.site,
        when=order.when,
        description="CT CHEST",
        series=tuple(_ct_series(made, scanner)),
        truth={**truth, "boxes": _ct_boxes(made, 2)},
    )


def _pet_study(order: Order) -> Study:
    made = _make_ct(order)
    pet = pet_over(order.seed, made)
    _, scanner = scanner_for(order, "PT")
    patient = _torso_patient(order, made.torso)
    activity = pet.suv * activity_per_suv(patient.weight_kg)
    full = 6.0 * activity_per_suv(patient.weight_kg)
    emission = Slices(
        activity, pet.spacing_mm, pet.origin_mm, (round(full / 2), round(full))
    )
    truth = _chest_truth(made.labels, made.strengths)
    lesions = [
        {"series": 3, "box": list(box), "suv_max": round(peak, 2)}
        for box, peak in pet.lesions
    ]
    return Study(
        seed=order.seed,
        kind=order.kind,
        patient=patient,
        site=order.site,
        when=order.when,
        description="PET/CT CHEST FDG",
        series=(
            *_ct_series(made, scanner),
            Series(3, "PT", "FDG attenuation corrected", "CHEST", scanner, emission),
        ),
        truth={**truth, "boxes": _ct_boxes(made, 2), "lesions": lesions},
    )


MAKERS: dict[str, Callable[[Order], Study]] = {
    "chest-film": _film_study,
    "chest-ct": _ct_study,
    "pet-ct": _pet_study,
    "head-ct": head_study,
    "mammogram": breast_study,
}
