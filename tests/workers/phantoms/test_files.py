"""Phantom files: valid, marked, reproducible, and described by their truth."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import numpy as np
import pydicom
import pytest

from workers.measures.recalibration import LEAST, Method
from workers.phantoms.department import FULL, Plan, plan_orders, write_department
from workers.phantoms.dicom import write_study
from workers.phantoms.iods import activity_per_suv
from workers.phantoms.orders import Order
from workers.phantoms.records import uid
from workers.phantoms.settings import NORTH, SITES, SOUTH, UNSEEN
from workers.phantoms.sheet import real_volumes, study_tiles
from workers.phantoms.studies import make_study

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
# The validator's tables are older than the element (added to the standard in 2023).
YOUNGER_THAN_VALIDATOR = "(0008,001c)"


def order(kind, seed=5, **more):
    base = {"person": seed, "site": NORTH, "when": NOW, "settings": UNSEEN}
    return Order(kind=kind, seed=seed, **{**base, **more})


ORDERS = {
    "film": order("chest-film", size=160, strengths={"nodule": 0.9}, overlay="truth"),
    "other film": order("chest-film", seed=8, size=160, site=SOUTH, overlay="note"),
    "ct": order("chest-ct", size=96, slices=16, strengths={"nodule": 0.9}),
    "pet": order("pet-ct", size=96, slices=32, strengths={"nodule": 0.9}),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    return {
        name: (folder / name, write_study(folder / name, make_study(o)))
        for name, o in ORDERS.items()
    }


def errors_of(path):
    run = subprocess.run(
        ["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False
    )
    lines = (run.stdout + run.stderr).splitlines()
    return [
        line
        for line in lines
        if line.startswith("Error") and YOUNGER_THAN_VALIDATOR not in line
    ]


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dicom3tools not installed")
@pytest.mark.parametrize("name", sorted(ORDERS))
def test_the_validator_finds_no_error(written, name):
    _, files = written[name]
    by_series = {path.name[:2]: path for path in files}
    for path in {files[0], *by_series.values()}:
        assert errors_of(path) == []


def test_every_file_says_that_it_is_synthetic(written):
    for _, files in written.values():
        for path in files:
            ds = pydicom.dcmread(path)
            assert ds[0x0008, 0x001C].value == "YES"
            assert ds.PatientID.startswith("PHANTOM-")
            assert str(ds.PatientName).startswith("PHANTOM^")
            if "PixelData" in ds:
                assert ds.BurnedInAnnotation == "YES"


def test_uids_follow_from_the_seed(written, tmp_path):
    _, files = written["film"]
    again = write_study(tmp_path, make_study(ORDERS["film"]))
    first = [path.read_bytes() for path in files]
    assert first == [path.read_bytes() for path in again]
    assert uid("a", 1) != uid("a", 2)
    assert len(uid("a", 1)) <= 64


def test_the_truth_names_images_that_exist(written):
    for folder, files in written.values():
        truth = json.loads((folder / "truth.json").read_text())
        assert truth["synthetic"] is True
        uids = {
            str(pydicom.dcmread(p, stop_before_pixels=True).SOPInstanceUID)
            for p in files
        }
        assert {image["sop_uid"] for image in truth["images"]} == uids
        assert all(box["sop_uid"] in uids for box in truth["boxes"])
        there = {label for label, yes in truth["labels"].items() if yes}
        assert {box["label"] for box in truth["boxes"]} == there


def test_an_inverted_film_shows_the_same_picture():
    """Stored the other way round, a dense spine is dark in the file."""
    found = {}
    for seed in range(60, 90):
        film = make_study(order("chest-film", seed=seed, size=64)).series[0].content[0]
        found[film.inverted] = film
        if len(found) == 2:
            break
    assert found[True].pixels[-20:, 24:40].mean() < 1500
    assert found[False].pixels[-20:, 24:40].mean() > 2600


def test_slices_rise_and_hold_hounsfield_units(written):
    _, files = written["ct"]
    slices = [pydicom.dcmread(path) for path in files]
    heights = [float(s.ImagePositionPatient[2]) for s in slices]
    assert np.all(np.diff(heights) > 0)
    assert len({s.FrameOfReferenceUID for s in slices}) == 1
    hu = slices[8].pixel_array * slices[8].RescaleSlope + slices[8].RescaleIntercept
    assert hu.min() < -900
    assert 500 < hu.max() < 3072


def test_suv_can_be_computed_from_the_pet_headers(written):
    folder, files = written["pet"]
    truth = json.loads((folder / "truth.json").read_text())
    pet = [pydicom.dcmread(p) for p in files]
    pet = [ds for ds in pet if ds.Modality == "PT"]
    dose = pet[0].RadiopharmaceuticalInformationSequence[0]
    minutes = 60.0
    left = float(dose.RadionuclideTotalDose) * 0.5 ** (
        minutes * 60 / float(dose.RadionuclideHalfLife)
    )
    per_suv = left / (float(pet[0].PatientWeight) * 1000)
    assert per_suv == pytest.approx(
        activity_per_suv(float(pet[0].PatientWeight)), rel=1e-3
    )
    x0, y0, z0, x1, y1, z1 = truth["lesions"][0]["box"]
    values = [
        (ds.pixel_array * float(ds.RescaleSlope))[y0:y1, x0:x1].max()
        for ds in pet[z0:z1]
    ]
    assert max(values) / per_suv == pytest.approx(
        truth["lesions"][0]["suv_max"], rel=0.02
    )


def test_the_note_tells_nothing_of_the_truth(written):
    _, files = written["other film"]
    state = pydicom.dcmread(files[-1])
    assert state.Modality == "PR"
    words = [
        text.UnformattedTextValue
        for note in state.GraphicAnnotationSequence
        for text in note.TextObjectSequence
    ]
    assert words == ["erect, PA, full breath"]
    assert not any(
        "GraphicObjectSequence" in n for n in state.GraphicAnnotationSequence
    )


def test_sites_have_machines_of_their_own():
    stations = [
        {s.station for machines in site.scanners.values() for s in machines}
        for site in SITES.values()
    ]
    assert stations[0].isdisjoint(stations[1])


def test_a_department_is_planned_in_the_past_and_follows_patients():
    orders = plan_orders(3, days=21, now=NOW, plan=Plan())
    assert orders == plan_orders(3, days=21, now=NOW, plan=Plan())
    assert 60 <= sum(o.kind == "chest-film" for o in orders) <= 90
    assert all((NOW - o.when).days <= 21 for o in orders)
    assert all(o.when <= NOW for o in orders)
    assert {o.site.code for o in orders} == {"northfield", "southgate"}
    persons = [o.person for o in orders]
    assert len(persons) - len(set(persons)) >= 8
    sites = {}
    for o in orders:
        assert sites.setdefault(o.person, o.site) == o.site
    assert len({(o.kind, o.seed) for o in orders}) == len(orders)


@pytest.mark.parametrize("hour", [0, 9, 23])
def test_a_department_has_films_enough_to_calibrate_a_model(hour):
    """Sixty, of one site and of days that are over (`recalibration.LEAST`)."""
    now = NOW.replace(hour=hour)
    orders = plan_orders(2026, days=21, now=now, plan=FULL)
    over = now - timedelta(days=1)
    films = [o for o in orders if (o.kind, o.site) == ("chest-film", NORTH)]
    assert sum(film.when < over for film in films) >= LEAST[Method.TEMPERATURE][0]


def test_a_department_is_written_with_its_manifest(tmp_path):
    plan = Plan(films=2, followed=1, kinds=(), film_size=96)
    path = write_department(tmp_path, seed=4, days=5, now=NOW, plan=plan)
    manifest = json.loads(path.read_text())
    assert len(manifest["studies"]) >= 4
    for entry in manifest["studies"]:
        files = sorted((tmp_path / entry["path"]).glob("*.dcm"))
        assert len(files) == entry["files"]
        ds = pydicom.dcmread(files[0])
        assert ds.StudyInstanceUID == entry["study_uid"]
        assert ds.PatientID == entry["patient_id"]
        assert datetime.fromisoformat(entry["acquired_at"]) <= NOW
        assert set(entry["boxes"]) == {k for k, v in entry["labels"].items() if v}
        for boxes in entry["boxes"].values():
            assert all(len(box["corners"]) == 4 for box in boxes)


def test_a_department_has_a_disc_from_elsewhere(tmp_path):
    plan = Plan(films=8, followed=0, kinds=(), film_size=96)
    write_department(tmp_path, seed=4, days=5, now=NOW, plan=plan)
    disc = tmp_path / "disc"
    names = ["AUTORUN.INF", "IM000001", "IM000002", "IM000003", "IM000004"]
    assert sorted(path.name for path in disc.iterdir()) == names
    here, other = (pydicom.dcmread(disc / name) for name in names[1:3])
    assert here.SOPInstanceUID == other.SOPInstanceUID
    assert (here.pixel_array != other.pixel_array).any()
    assert "StudyInstanceUID" not in pydicom.dcmread(disc / "IM000004")


def test_a_volume_on_disk_is_shown_as_its_phantom_is(written):
    folder, _ = written["ct"]
    shown = real_volumes(folder, (40, 400))
    made = study_tiles(make_study(ORDERS["ct"]))
    assert len(shown) == len(made) == 4
    for ours, theirs in zip(shown, made, strict=True):
        assert np.array_equal(ours, theirs)
