"""Published answers replayed as a model: figures and list are what they must be.

85 films go through a worker, its answers through the portal's own steps; the list is
compared with the ranking rule, computed here from the published table.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from apps.accounts.types import SYSTEM
from apps.inference.models import Finding, InferenceRun
from apps.inference.services import register_model
from apps.inference.slots import fill_slot
from apps.workflow import flow
from tests.factories.domain import client_for, make_department, make_item
from tests.fakes.border import archive as archive
from tests.fakes.border import broker as broker
from tests.fakes.portal import PUBLIC_KEY, FakePortal
from workers.contracts import InferRequest, InferResult
from workers.inference.answering import answer, make_workplace
from workers.measures.auroc import auroc
from workers.models.package import load_package, write_package_zip
from workers.settings import read_settings
from workers.training.chest14 import LABELS, read_pixels, read_table, wrap
from workers.training.replay import any_finding, make_package

DATA = Path(__file__).parents[4] / "shared/data/nih_cxr85"
WEIGHT = {"critical": 1.0, "urgent": 0.7, "routine": 0.3}
STAT_S, PRIORITY_S, ROUTINE_S = 1800.0, 7200.0, 28800.0
DEADLINE_S = {1.0: STAT_S, 0.7: PRIORITY_S, 0.3: ROUTINE_S}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def workplace(tmp_path):
    found = make_workplace(
        read_settings(
            {
                "OVERREAD_STATE_DIR": str(tmp_path / "worker"),
                "OVERREAD_SHIPPED_MODELS": str(tmp_path / "none"),
                "OVERREAD_TORCH_THREADS": "1",
                "OVERREAD_MODEL_KEY": PUBLIC_KEY,
            }
        )
    )
    yield found
    found.decoder.close()


def run_in_worker(run, film, content, workplace, package):
    """Let a worker do a run; return its answer as it comes off the queue."""
    name = run.model_version.package_hash
    portal = FakePortal(
        revision_id=str(run.revision_id),
        token="scoped-token",
        instances={"1.2.3": content},
        models={name: package},
    )
    with portal:
        result = answer(
            InferRequest(
                run_id=str(run.id),
                revision_id=portal.revision_id,
                package_hash=name,
                token=portal.token,
                portal_url=portal.url,
            ),
            workplace=workplace,
        )
    assert result.state == "done", result.reason
    message = json.loads(json.dumps(result.to_message()))
    return InferResult.from_message(message | {"embedding": None})


def demanded_place(film, card, arrived_at):
    """Return class and due time by STATISTICS' rule, from the published table alone."""
    rows = [
        (WEIGHT[label["acuity"]], p, p >= label["threshold"])
        for label, p in zip(card["labels"], film.probability, strict=True)
    ]
    positive = [row for row in rows if row[2]]
    if positive:
        weight, share, _ = max(positive)
        deadline = DEADLINE_S[weight]
    else:
        weight, share, _ = max(rows, key=lambda row: row[0] * row[1])
        deadline = ROUTINE_S
    if deadline == STAT_S:
        return 1, arrived_at + timedelta(seconds=STAT_S)
    smooth = ROUTINE_S - (ROUTINE_S - PRIORITY_S) * weight * share
    return 2, arrived_at + timedelta(seconds=min(smooth, deadline))


def test_the_list_is_in_the_order_that_the_rule_demands(
    tmp_path, archive, broker, workplace
):
    make_package(data=DATA, out=tmp_path / "package")
    package = load_package(tmp_path / "package")
    content = write_package_zip(tmp_path / "package")
    place = make_department()
    model = register_model(
        actor=SYSTEM,
        package_hash=package.package_hash,
        card=package.card,
        package_path=str(tmp_path / "package"),
    )
    fill_slot(actor=SYSTEM, site=place.site, model=model)
    films = read_table(DATA)
    demanded = []
    for number, film in enumerate(films):
        item = make_item(place, age=float(film.age_years), age_s=60.0 * number)
        revision = item.case.revision
        flow.request_inference(revision_id=revision.id)
        (run,) = InferenceRun.objects.filter(revision=revision)
        wrapped = wrap(
            read_pixels(DATA, film), film=film, uids=("1.2.1", "1.2.2", "1.2.3")
        )
        result = run_in_worker(run, film, wrapped, workplace, content)
        flow.accept_result(result=result)
        item.refresh_from_db()
        place_in_list, due_at = demanded_place(film, package.card, item.arrived_at)
        assert item.rank_class == place_in_list
        assert abs(item.sort_at - due_at) < timedelta(milliseconds=1)
        demanded.append((place_in_list, due_at, str(item.id)))

    page = client_for(place.reader).get("/api/worklist?limit=200").json()
    assert [row["id"] for row in page["items"]] == [row[-1] for row in sorted(demanded)]
    assert len({row[0] for row in demanded}) > 1, "some are STAT by AI, some are not"

    truth, _ = any_finding(films)
    highest = {}
    for run_id, p in Finding.objects.values_list("run__revision_id", "probability"):
        highest[run_id] = max(p, highest.get(run_id, 0.0))
    order = [
        highest[revision]
        for revision in InferenceRun.objects.order_by("created_at").values_list(
            "revision_id", flat=True
        )
    ]
    assert Finding.objects.count() == len(films) * len(LABELS)
    assert round(auroc(truth=truth, scores=order).value, 3) == 0.811
