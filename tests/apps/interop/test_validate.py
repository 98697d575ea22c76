"""The checks before an object leaves: a planted error is caught."""

import io
import stat

import pydicom
import pytest

from apps.interop.dicom import validate
from apps.interop.dicom.validate import (
    ValidatorUnavailable,
    validate_against_images,
    validate_object,
)
from tests.fakes.dicom_files import make_dx, write_part10


def changed(content: bytes, **attributes: object) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(content))
    for keyword, value in attributes.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    return write_part10(dataset)


def test_a_good_film_passes():
    report = validate_object(make_dx())
    assert report.errors == ()


def test_a_planted_error_is_caught_and_worded():
    report = validate_object(changed(make_dx(), PhotometricInterpretation=None))

    assert not report.is_valid
    assert "PhotometricInterpretation" in report.words


def test_a_warning_that_is_on_no_list_stops_the_object():
    report = validate_object(changed(make_dx(), BodyPartExamined="KNEECAP"))

    assert report.errors == ()
    assert not report.is_valid
    assert "KNEECAP" in report.words


def test_an_allowed_warning_does_not_stop_it_and_shows_no_name():
    report = validate_object(changed(make_dx(), PatientName="Anonymous"))

    assert report.is_valid
    (line,) = report.allowed
    assert "Retired Person Name form" in line
    assert "Anonymous" not in line


def test_what_is_no_dicom_at_all():
    assert not validate_object(b"hello").is_valid


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("PatientSex", "M"),
        ("PatientName", "Other^Person"),
        ("StudyDate", "20260106"),
        ("PatientID", "P-2"),
    ],
)
def test_another_patient_or_study_is_caught_without_naming_them(attribute, value):
    film = make_dx()
    other = changed(film, **{attribute: value, "SOPInstanceUID": "1.2.3"})

    report = validate_against_images(other, images=[film])

    assert not report.is_valid
    assert attribute in report.words
    assert "Müller" not in report.words
    assert "Other" not in report.words
    assert "P-2" not in report.words


def test_the_same_patient_and_study_pass():
    film = make_dx()
    other = changed(film, SOPInstanceUID="1.2.3", SeriesInstanceUID="1.2.4")

    assert validate_against_images(other, images=[film]).is_valid


def test_a_missing_tool_is_said():
    with pytest.raises(ValidatorUnavailable, match="dicom3tools"):
        validate_object(make_dx(), dciodvfy="/nowhere/dciodvfy")
    with pytest.raises(ValidatorUnavailable, match="dicom3tools"):
        validate_against_images(make_dx(), images=[], dcentvfy="/nowhere/dcentvfy")


def script(tmp_path, body: str) -> str:
    path = tmp_path / "dciodvfy"
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_tool_that_hangs_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(validate, "TIMEOUT_S", 0.3)
    with pytest.raises(ValidatorUnavailable, match="did not finish"):
        validate_object(b"x", dciodvfy=script(tmp_path, "exec sleep 20\n"))


def test_a_tool_that_crashes_without_words_is_an_error(tmp_path):
    report = validate_object(b"x", dciodvfy=script(tmp_path, "exit 139\n"))

    assert report.errors
    assert not report.is_valid
