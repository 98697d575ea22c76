"""No patient is on two sides of the split."""

from pathlib import Path

import pytest

from workers.training.dataset import (
    BACTERIAL,
    NORMAL,
    PARTS,
    SHARES,
    VIRAL,
    DatasetError,
    Film,
    list_images,
    parse_film,
    split_patients,
)
from workers.training.paediatric_cxr import SPLIT_SEED

DATA = Path(__file__).parents[4] / "shared/data/cxr_paediatric_train.zip"


@pytest.mark.parametrize(
    ("name", "patient", "kind"),
    [
        ("PNEUMONIA/person123_bacteria_45.jpeg", "pneumonia-123", BACTERIAL),
        ("PNEUMONIA/person123_virus_1.jpeg", "pneumonia-123", VIRAL),
        ("NORMAL/IM-0115-0001.jpeg", "normal-115", NORMAL),
        ("NORMAL/NORMAL2-IM-0115-0001-0002.jpeg", "normal-115", NORMAL),
    ],
)
def test_the_patient_is_in_the_name(name, patient, kind):
    assert parse_film(name) == Film(name=name, patient=patient, kind=kind)


def test_a_name_without_a_patient_is_refused():
    with pytest.raises(DatasetError, match="names no patient"):
        parse_film("NORMAL/scan.jpeg")


@pytest.mark.real_data
def test_the_real_films_are_split_by_patient_and_stratified():
    if not DATA.exists():
        pytest.skip("the paediatric films are not here (shared/data)")
    films = [parse_film(name) for name in list_images(DATA)]
    assert len(films) == 5216
    parts = split_patients(films=films, seed=SPLIT_SEED)
    assert parts == split_patients(films=films[::-1], seed=SPLIT_SEED)
    assert parts != split_patients(films=films, seed=SPLIT_SEED + 1)
    sides = {
        part: {film.patient for film in films if parts[film.patient] == part}
        for part in PARTS
    }
    assert sum(len(side) for side in sides.values()) == len(parts)
    for part in PARTS:
        share = len(sides[part]) / len(parts)
        assert share == pytest.approx(SHARES[part], abs=0.005)
        chosen = [film for film in films if parts[film.patient] == part]
        positive = sum(film.positive for film in chosen) / len(chosen)
        assert positive == pytest.approx(0.743, abs=0.03)
    numbers = {
        part: {
            film.name.split("IM-")[1][:4]
            for film in films
            if not film.positive and parts[film.patient] == part
        }
        for part in PARTS
    }
    assert not numbers["train"] & numbers["held_out"]
    assert not numbers["train"] & numbers["validation"]
