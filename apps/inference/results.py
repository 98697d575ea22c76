"""What workers answered, on record: many answers in one go, each of them once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from apps.audit.events import Event
from apps.audit.services import record_each
from apps.core import clock
from apps.core.errors import Invalid, NotFound
from apps.core.rows import update_each
from apps.inference.artefacts import artefact_path, check_mask
from apps.inference.audited import about_run
from apps.inference.models import Artefact, Finding, InferenceRun
from apps.inference.services import GIVEN_UP, stable_uid
from apps.inference.slots import adopt_run, holding_by_model
from apps.inference.types import FINAL_STATES, RunState
from apps.studies.models import RevisionInstance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apps.accounts.types import Actor
    from workers.contracts import ArtefactRef, FindingResult, InferResult

_TIMES = ("arrived_at", "created_at", "updated_at")
_ANSWERED = (
    *("state", "reason", "finished_at", "quality", "timings", "device"),
    *("embedding", "updated_at"),
)
"""What of a run its answer writes."""


def record_result(*, actor: Actor, result: InferResult) -> InferenceRun | None:
    """Write one answer, see `record_results`; None when the run had one already."""
    return next(iter(record_results(actor=actor, results=[result])), None)


@transaction.atomic
def record_results(
    *, actor: Actor, results: Sequence[InferResult]
) -> list[InferenceRun]:
    """Write what workers answered, all of it or, when one cannot be true, nothing.

    An answer that comes after the run was given up is still the answer. Of two
    answers of one run the first counts.

    Args:
        actor: The portal.
        results: The answers; one of a run that has its own already changes nothing.

    Returns:
        The runs that have their answer by this, with their study and findings.

    Raises:
        NotFound: An answer is of no run.
        Invalid: An answer is of another model, or names an artefact that was
            never stored or an image of another study.
    """
    by_run: dict[UUID, InferResult] = {}
    for result in results:
        by_run.setdefault(UUID(str(result.run_id)), result)
    runs = [run for run in _lock_runs(by_run) if _is_open(run)]
    if not runs:
        return []
    answers = [(run, by_run[run.id]) for run in runs]
    for run, result in answers:
        if result.package_hash != run.model_version.package_hash:
            raise Invalid("wrong_model", "The result is of another model package.")
    _adopt(runs)
    found = [
        (run, finding)
        for run, result in answers
        if result.state == RunState.DONE
        for finding in result.findings
    ]
    _require_images(found)
    artefacts = artefacts_of(_references(answers))
    Finding.objects.bulk_create(
        _finding(run=run, finding=finding, artefacts=artefacts)
        for run, finding in found
    )
    now = clock.now()
    for run, result in answers:
        run.quality = dict(result.quality)
        run.timings = dict(result.timings)
        run.device = result.device[:80]
        run.embedding = _of(artefacts, result.embedding)
        run.state = RunState(result.state)
        run.reason = result.reason[:400]
        run.finished_at = now
    _save(runs)
    record_each(
        actor=actor,
        event=Event.INFERENCE_RESULT,
        about=[about_run(run, state=run.state) for run in runs],
    )
    return runs


def _lock_runs(wanted: Iterable[UUID]) -> list[InferenceRun]:
    """Lock runs, in the order of their ids so that nobody waits in a circle."""
    ids = set(wanted)
    runs = list(
        InferenceRun.objects.select_for_update(of=("self",))
        .select_related("revision__study")
        .prefetch_related("model_version", "slot")
        .defer(
            *("revision__series", "revision__withheld", "revision__pack_requested_at"),
            *(f"revision__{name}" for name in _TIMES),
            *(f"revision__study__{name}" for name in (*_TIMES, "deleted_at")),
        )
        .filter(id__in=ids)
        .order_by("id")
    )
    if len(runs) < len(ids):
        raise NotFound("not_found", "There is no such inference run.")
    return runs


def _is_open(run: InferenceRun) -> bool:
    given_up = run.state == RunState.FAILED and run.reason.startswith(GIVEN_UP)
    return run.state not in FINAL_STATES or given_up


def _adopt(runs: Sequence[InferenceRun]) -> None:
    """Let the runs be read with what holds now at their sites."""
    sites = {run.revision.study.site_id for run in runs}
    holding = {site_id: holding_by_model(site_id=site_id) for site_id in sites}
    for run in runs:
        adopt_run(run=run, holding=holding[run.revision.study.site_id])


def _save(runs: Sequence[InferenceRun]) -> None:
    """Write the answers into the runs' rows, which are locked, in one statement."""
    update_each(runs, fields=_ANSWERED)


def _finding(
    *, run: InferenceRun, finding: FindingResult, artefacts: Mapping[str, Artefact]
) -> Finding:
    labels = {label["code"]: label for label in run.model_version.card["labels"]}
    label = labels.get(finding.label_code)
    if label is None:
        raise Invalid(
            "unknown_label", f"label_code: {finding.label_code} is not on the card."
        )
    box, saliency, mask = finding.box, finding.saliency, finding.mask
    return Finding(
        run=run,
        label_scheme=label["scheme"],
        label_code=label["code"],
        label_display=label["display"],
        raw_score=finding.raw_score,
        probability=finding.probability,
        uncertainty=finding.uncertainty,
        tracking_uid=stable_uid("finding", str(run.id), finding.label_code),
        location=None
        if box is None
        else {
            "kind": "box",
            "space": "image",
            "sop_uid": box.sop_uid,
            "frame": box.frame,
            "frame_of_reference_uid": None,
            "points": [list(point) for point in box.points],
        },
        saliency=_of(artefacts, saliency),
        saliency_meta={}
        if saliency is None
        else {"sop_uid": saliency.sop_uid, "frame": saliency.frame, **saliency.meta},
        mask=None if mask is None else artefacts[mask.artefact.sha256],
        mask_meta={}
        if mask is None
        else {
            "series_uid": mask.series_uid,
            "sop_uids": list(mask.sop_uids),
            "rows": mask.rows,
            "columns": mask.columns,
            "volume_ml": mask.volume_ml,
        },
    )


# --- what answers name


def _require_images(found: Sequence[tuple[InferenceRun, FindingResult]]) -> None:
    """Check that every image that findings name is one of their run's study.

    Raises:
        Invalid: One is not, or a mask is not what it says.
    """
    images = {
        (run.revision_id, place.sop_uid)
        for run, finding in found
        for place in (finding.box, finding.saliency)
        if place is not None and place.sop_uid
    }
    masks = [(run, one.mask) for run, one in found if one.mask is not None]
    masked = {
        (run.revision_id, mask.series_uid, uid)
        for run, mask in masks
        for uid in mask.sop_uids
    }
    if images or masked:
        known = _known_images([*images, *masked])
        if images - {(revision_id, uid) for revision_id, _, uid in known}:
            raise Invalid("wrong_image", "The result names an image of another study.")
        if masked - known:
            raise Invalid("wrong_image", "The mask names images of another series.")
    for _, mask in masks:
        _require_stored(mask.artefact)
        check_mask(sha256=mask.artefact.sha256, n_bytes=mask.n_bytes)


def _known_images(named: Iterable[tuple[Any, ...]]) -> set[tuple[UUID, str, str]]:
    """Return those of the named images that are there.

    Args:
        named: Tuples that begin with a revision and end with an image.
    """
    revisions, uids = set(), set()
    for revision_id, *_, uid in named:
        revisions.add(revision_id)
        uids.add(uid)
    rows = RevisionInstance.objects.filter(revision_id__in=revisions, sop_uid__in=uids)
    return set(rows.values_list("revision_id", "series_uid", "sop_uid"))


def _references(
    answers: Iterable[tuple[InferenceRun, InferResult]],
) -> dict[str, ArtefactRef]:
    """Return every artefact that answers name, by its hash."""
    found: dict[str, ArtefactRef] = {}
    for _, result in answers:
        refs = [result.embedding]
        for finding in result.findings:
            mask = None if finding.mask is None else finding.mask.artefact
            refs += [finding.saliency, mask]
        found |= {ref.sha256: ref for ref in refs if ref is not None}
    return found


def artefacts_of(references: Mapping[str, ArtefactRef]) -> dict[str, Artefact]:
    """Return the rows of artefacts by hash; those that are new are made.

    Raises:
        Invalid: One was never stored.
    """
    known = _known_artefacts(references)
    new = [ref for sha256, ref in references.items() if sha256 not in known]
    made = [
        Artefact(
            sha256=ref.sha256, media_type=ref.media_type, size=_require_stored(ref)
        )
        for ref in sorted(new, key=lambda ref: ref.sha256)
    ]
    for sha256 in known:
        _require_stored(references[sha256])
    if made:
        Artefact.objects.bulk_create(made, ignore_conflicts=True)
        # Read again: another worker's answer may have made one of them just before.
        known |= _known_artefacts([one.sha256 for one in made])
    return known


def _known_artefacts(hashes: Iterable[str]) -> dict[str, Artefact]:
    rows = Artefact.objects.filter(sha256__in=list(hashes))
    return {row.sha256: row for row in rows}


def _require_stored(ref: ArtefactRef) -> int:
    """Return the size of a stored artefact.

    Raises:
        Invalid: It was never stored.
    """
    try:
        return artefact_path(sha256=ref.sha256).stat().st_size
    except FileNotFoundError as error:
        raise Invalid(
            "artefact_missing", "The result names an artefact not stored."
        ) from error


def _of(artefacts: Mapping[str, Artefact], ref: ArtefactRef | None) -> Artefact | None:
    return None if ref is None else artefacts[ref.sha256]
