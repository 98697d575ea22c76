"""The portal's signed list: made once, changed under its key only."""

import json
import stat
from pathlib import Path

import pytest

from apps.core.errors import Unavailable
from apps.inference import trust
from apps.inference.packages import read_package
from workers.model_trust import make_key, read_list, sign_list


@pytest.fixture(autouse=True)
def _folders(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    settings.MODEL_KEY_FILE = tmp_path / "keys" / "models.key"


def shipped(settings):
    folder = next(settings.SHIPPED_MODELS_DIR.glob("*/card.json")).parent
    return read_package(path=folder)


def test_a_new_portal_lists_what_came_with_its_code(settings):
    found = read_list(trust.signed_list(), public_key=trust.public_key())
    assert shipped(settings).package_hash in found.hashes
    assert len(found.hashes) == len(list(settings.SHIPPED_MODELS_DIR.glob("*/")))
    key = Path(settings.MODEL_KEY_FILE)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    left = settings.MODELS_DIR / trust.PUBLIC_KEY_NAME
    assert left.read_text().strip() == trust.public_key()


def test_each_change_has_a_higher_number(settings):
    package = shipped(settings)
    first = trust.allowed_models()
    assert trust.admit_package(package=package) == first
    without = trust.withdraw_package(package_hash=package.package_hash)
    assert (without.number, package.package_hash in without.hashes) == (
        first.number + 1,
        False,
    )
    assert trust.admit_package(package=package).number == first.number + 2


def test_a_list_that_somebody_else_signed_stops_everything(settings):
    trust.signed_list()
    path = settings.MODELS_DIR / trust.LIST_NAME
    path.write_bytes(sign_list([], number=9, issued_at="", private_key=make_key()))
    with pytest.raises(Unavailable, match="not signed by this portal"):
        trust.signed_list()
    with pytest.raises(Unavailable):
        trust.admit_package(package=shipped(settings))


def test_a_lost_key_is_not_replaced_in_silence(settings):
    trust.signed_list()
    Path(settings.MODEL_KEY_FILE).unlink()
    with pytest.raises(Unavailable, match="restore it"):
        trust.signed_list()


def test_the_list_is_plain_json(settings):
    said = json.loads(json.loads(trust.signed_list())["body"])
    assert {"hash", "name", "version", "admitted_at"} == set(said["packages"][0])
