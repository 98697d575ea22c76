"""A challenger beside the live model, against figures computed by other means."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from math import comb, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from scipy.special import expit

from apps.accounts.models import Role
from apps.accounts.services import grant_membership
from apps.accounts.types import SYSTEM
from apps.annotations.models import Reading
from apps.annotations.types import ReadingState
from apps.audit.models import AuditRecord
from apps.core import clock
from apps.inference.models import Finding, InferenceRun, Slot
from apps.inference.slots import fill_slot
from apps.inference.types import SlotKind
from apps.workflow import flow
from tests.factories.domain import (
    client_for,
    make_model,
    make_person,
    make_protocol,
    make_revision,
)

pytestmark = pytest.mark.django_db
CODE = "233604007"
LABEL = {"scheme": "SCT", "code": CODE, "display": "Pneumonia"}
_numbers = count(1)


@pytest.fixture(autouse=True)
def _broker(monkeypatch):
    monkeypatch.setattr("apps.core.queue._send", lambda *args: None)


@pytest.fixture
def pair(department):
    """The live version and a challenger of another name in its slot."""
    live = make_model(department.site)
    other = make_model(name="another-pneumonia")
    fill_slot(
        actor=SYSTEM,
        site=department.site,
        model=other,
        kind=SlotKind.CHALLENGER,
        task=live.name,
    )
    slots = Slot.objects.filter(active=True)
    return slots.get(kind="live"), slots.get(kind="challenger")


@pytest.fixture
def none(department):
    return make_protocol(department, "none", labels=[LABEL])


@pytest.fixture
def admin(department):
    return client_for(make_person(site=department.site, role=Role.ADMIN, name="adm"))


def score(department, slots, raws, *, days=1.0, patient=""):
    n = next(_numbers)
    revision = make_revision(
        department, study_uid=f"1.6.{n}", patient_id=patient or f"C{n}"
    )
    for slot, raw in zip(slots, raws, strict=True):
        if raw is None:
            continue
        run = InferenceRun.objects.create(
            revision=revision,
            model_version=slot.model_version,
            slot=slot,
            state="done",
            finished_at=clock.now() - timedelta(days=days),
        )
        Finding.objects.create(
            run=run,
            label_scheme="SCT",
            label_code=CODE,
            label_display="Pneumonia",
            raw_score=raw,
            probability=float(expit(raw)),
            tracking_uid=f"2.25.{next(_numbers)}",
        )
    return revision


def read(revision, reader, protocol, *, present):
    marks = [{"label": LABEL}] if present else []
    return Reading.objects.create(
        revision=revision,
        protocol=protocol,
        reader=reader,
        state=ReadingState.SIGNED,
        content={"verdicts": {}, "annotations": marks, "impression": ""},
        saved_at=clock.now(),
        signed_at=clock.now(),
    )


def compare(client, slot, **asked):
    asked = {"code": CODE, **asked}
    return client.get(f"/api/slots/{slot.id}/comparison", asked)


def area(truth, scores):
    """AUROC and DeLong's placements by the definition, pair by pair."""
    up, down = scores[truth], scores[~truth]
    wins = (up[:, None] > down) + 0.5 * (up[:, None] == down)
    return wins.mean(), wins.mean(axis=1), wins.mean(axis=0)


def delong(truth, first, second):
    a, up_a, down_a = area(truth, first)
    b, up_b, down_b = area(truth, second)
    up, down = up_a - up_b, down_a - down_b
    variance = up.var(ddof=1) / up.size + down.var(ddof=1) / down.size
    z = (a - b) / sqrt(variance)
    return a - b, z, 2 * NormalDist().cdf(-abs(z)), 1.959964 * sqrt(variance)


def test_the_figures_are_those_of_another_computation(department, pair, none, admin):
    _live, other = pair
    source = np.random.default_rng(11)
    truth = source.random(120) < 0.4
    first = truth * 1.2 + source.normal(0, 1.2, 120)
    second = truth * 2.4 + source.normal(0, 1.2, 120)
    for there, one, two in zip(truth, first, second, strict=True):
        revision = score(department, pair, (float(one), float(two)), days=7)
        read(revision, department.reader, none, present=bool(there))
    score(department, pair, (3.0, None))  # the challenger never saw it
    score(department, pair, (3.0, 3.0))  # nobody has read it
    answer = compare(admin, other)
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert (said["n_both"], said["truths"][0]["n"]) == (121, 120)

    limit = float(np.log(0.7 / 0.3))  # both cards say 0.70
    flags = first >= limit, second >= limit
    for side, flagged in zip(("live", "other"), flags, strict=True):
        told = said[side]
        assert told["threshold"] == 0.7
        assert told["sensitivity"]["value"] == pytest.approx(flagged[truth].mean())
        assert told["specificity"]["value"] == pytest.approx((~flagged)[~truth].mean())
        assert told["sensitivity"]["low"] < told["sensitivity"]["value"]
        assert told["alerts"] == flagged.sum() + 1
        per_day = (flagged.sum() + 1) / said["days"]
        assert told["alerts_per_day"]["value"] == pytest.approx(per_day)
    assert said["live"]["auroc"]["value"] == pytest.approx(area(truth, first)[0])
    assert said["other"]["auroc"]["value"] == pytest.approx(area(truth, second)[0])

    difference, z, p, half = delong(truth, second, first)
    paired = said["paired"]
    assert paired["difference"]["value"] == pytest.approx(difference)
    assert paired["difference"]["low"] == pytest.approx(difference - half, abs=1e-6)
    assert (paired["z"], paired["p"]) == (pytest.approx(z), pytest.approx(p))
    for name, which in (("sensitivity", truth), ("specificity", ~truth)):
        right = [f[which] == truth[which] for f in flags]
        b = int((right[0] & ~right[1]).sum())
        c = int((right[1] & ~right[0]).sum())
        tail = sum(comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
        told = paired[name]
        assert (told["only_first"], told["only_second"]) == (b, c)
        assert told["p"] == pytest.approx(min(1.0, 2 * tail))

    assert said["n_discordant"] == (flags[0] != flags[1]).sum()
    listed = said["discordant"]
    assert len(listed) == min(50, said["n_discordant"])
    for one in listed:
        assert (one["live"] >= 0.7) != (one["other"] >= 0.7)
    row = AuditRecord.objects.filter(event="study:list").last()
    assert {str(s) for s in row.studies} == {one["study_id"] for one in listed}


def test_a_patient_counts_once_in_the_paired_tests(department, pair, none, admin):
    for n in range(24):
        for days in (3, 1):
            revision = score(
                department, pair, (float(n), float(-n)), days=days, patient=f"P{n}"
            )
            read(revision, department.reader, none, present=n % 2 == 0)
    said = compare(admin, pair[1]).json()
    assert said["truths"][0]["n"] == 48
    assert (said["paired"]["n"], said["paired"]["n_present"]) == (24, 12)
    assert said["live"]["auroc"]["n"] == 24


def test_too_few_readings_are_said_and_no_figure_told(department, pair, none, admin):
    for n in range(12):
        revision = score(department, pair, (1.0, 2.0))
        read(revision, department.reader, none, present=n < 9)
    said = compare(admin, pair[1]).json()
    assert said["paired"]["difference"] is None
    assert said["paired"]["sensitivity"] is None
    assert "There are 9 with it and 3 without" in said["paired"]["refused"]
    assert said["live"]["auroc"]["value"] is None
    assert said["live"]["sensitivity"] == {
        "value": None,
        "low": None,
        "high": None,
        "n": 9,
    }


def test_aided_readings_are_not_the_unaided_truth(department, pair, admin):
    revision = score(department, pair, (1.0, 2.0))
    asks = make_protocol(department, "concurrent", labels=[LABEL])
    read(revision, department.reader, asks, present=True)
    assert compare(admin, pair[1]).json()["truths"][0]["n"] == 0
    assert compare(admin, pair[1], truth="final").json()["truths"][1]["n"] == 1


def test_what_has_nothing_to_be_compared_with_says_so(department, pair, admin):
    live, other = pair
    assert compare(admin, live).json()["code"] == "is_live"
    assert compare(admin, other, code="1").status_code == 400
    Slot.objects.filter(id=live.id).update(active=False)
    refused = compare(admin, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_live")


def test_who_may_read_a_study_unaided_is_not_shown_it(department, pair, none, admin):
    person = make_person(site=department.site, role=Role.CLINICAL_LEAD, name="both")
    grant_membership(
        actor=SYSTEM,
        user_id=person.pk,
        site_id=department.site.pk,
        role=Role.RADIOLOGIST,
    )
    revision = score(department, pair, (-2.0, 2.0))
    read(revision, department.reader, none, present=True)
    assert len(compare(client_for(person), pair[1]).json()["discordant"]) == 1
    flow.place_item(actor=SYSTEM, revision=revision, protocol=none)
    assert compare(client_for(person), pair[1]).json()["discordant"] == []
    assert len(compare(admin, pair[1]).json()["discordant"]) == 1


def test_the_simulator_says_whose_scores_count(department, pair, admin):
    live, _other = pair
    score(department, pair, (1.0, 2.0))
    score(department, pair, (None, 2.0))
    asked = {"code": CODE, "threshold": 0.5}
    said = admin.get(f"/api/slots/{live.id}/threshold", asked).json()
    assert said["scored"] == 1
    assert said["package_hash"] == live.model_version.package_hash
    assert said["others"] == [{"model": "another-pneumonia 1.0.0", "n": 2}]
