"""What counts as unrest: each of it is seen, and a system at rest has none."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.inference.models import InferenceRun
from apps.inference.slots import note_settled, unsettled_ids
from apps.reports.models import ExportedObject, ExportKind, ExportState
from apps.studies.models import Attachment
from apps.workflow import flow
from tests.benchmarks.inferring.department import UNREST
from tests.factories.domain import answer, make_department, make_item, make_model

pytestmark = pytest.mark.django_db


def seen():
    """Return what goes on, by the benchmark's own queries."""
    found = set()
    for name, query in UNREST.items():
        with connection.cursor() as cursor:
            cursor.execute(query)
            if cursor.fetchone()[0]:
                found.add(name)
    return found


def test_each_stage_of_a_result_on_its_way_into_the_archive_is_unrest():
    department = make_department()
    site = department.site
    assert seen() == set()
    make_model(site)
    assert seen() == {"slots"}
    note_settled(site_id=site.id, slot_ids=unsettled_ids(site_id=site.id))
    revision = make_item(department).case.revision
    flow.request_pack(revision_id=revision.id)
    assert seen() == {"packs"}
    revision.refresh_from_db()
    revision.pack_state = "ready"
    revision.save()
    flow.request_inference(revision_id=revision.id)
    run = InferenceRun.objects.get()
    assert seen() == set(), "what models have in hand is what is measured"
    flow.accept_result(result=answer(run))
    assert seen() == {"exports to come"}
    row = ExportedObject.objects.create(
        run=run,
        study=revision.study,
        kind=ExportKind.AI_RESULT,
        sop_uid="1.2.3",
        series_uid="1.2",
    )
    assert seen() == {"exports begun"}
    row.state = ExportState.STORED
    row.save()
    assert seen() == {"exports not read back"}
    Attachment.objects.create(study=revision.study, series_uid="1.2")
    assert seen() == set()
