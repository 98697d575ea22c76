"""Films: fetch, judge the input, predict, explain."""

from __future__ import annotations

from typing import Any

import torch

from workers.contracts import ArtefactRef, BoxResult, FindingResult
from workers.inference.predict import (
    Prediction,
    Score,
    explain,
    predict,
    prepare_images,
    to_npy,
)
from workers.inference.workplace import (
    Clock,
    RejectedError,
    Said,
    Workplace,
    check_synthetic,
)
from workers.models.package import ModelPackage
from workers.models.preprocess import Prepared, PreprocessError
from workers.packs.isolation import IsolatedDecoder
from workers.packs.layout import belongs_in_pack
from workers.pixels.image import (
    DisplayImage,
    ImageError,
    ImageHeader,
    load_image,
    read_header,
)
from workers.pixels.selection import select_images
from workers.portal_client import PortalClient
from workers.quality.gate import assess

MAX_IMAGES = 16
_FRAME = 1


def judge_films(
    package: ModelPackage, *, portal: PortalClient, workplace: Workplace, clock: Clock
) -> Said:
    """Judge the films of a study; artefacts are stored on the way.

    Raises:
        RejectedError: The study is not one that the model may judge.
        PortalError: The portal refused.
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    with clock.part("fetch_s"):
        films = _fetch(portal, package)
    with clock.part("prepare_s"):
        images, quality = _judge(films, workplace.decoder)
        prepared = _prepare(package, images)
    with clock.part("infer_s"):
        prediction = predict(package, prepared, device=workplace.device)
    with clock.part("explain_s"):
        findings = tuple(
            _finding(
                score,
                label=label,
                package=package,
                prepared=prepared[score.image],
                image=images[score.image],
                portal=portal,
                device=workplace.device,
            )
            for label, score in enumerate(prediction.scores)
        )
        embedding = _store_embedding(prediction, portal)
    return Said(quality=quality, findings=findings, embedding=embedding)


def _fetch(
    portal: PortalClient, package: ModelPackage
) -> list[tuple[ImageHeader, bytes]]:
    """Return the images that the model may judge, with their files."""
    rules = package.card.get("input", {})
    refs = [r for r in portal.list_instances() if belongs_in_pack(r.sop_class_uid)]
    if not refs:
        raise RejectedError("the study has no images")
    found: dict[str, tuple[ImageHeader, bytes]] = {}
    unreadable = 0
    for _, content in portal.read_instances(refs):
        try:
            header = read_header(content)
        except ImageError:
            unreadable += 1
            continue
        if select_images([header], rules=rules):
            check_synthetic(header, rules=rules)
            found[header.sop_uid] = (header, content)
        if len(found) >= MAX_IMAGES:
            break
    chosen = select_images((header for header, _ in found.values()), rules=rules)
    if not chosen:
        raise RejectedError(
            "no image of the study can be read"
            if unreadable == len(refs)
            else "the study has no image of a kind and view that the model judges"
        )
    return [found[header.sop_uid] for header in chosen]


def _judge(
    films: list[tuple[ImageHeader, bytes]], decoder: IsolatedDecoder
) -> tuple[list[DisplayImage], dict[str, Any]]:
    """Return the films that pass the gate, and what it found of each."""
    accepted: list[DisplayImage] = []
    measured: list[dict[str, Any]] = []
    reasons: list[str] = []
    for header, content in films:
        try:
            image = load_image(content, header=header, decoder=decoder, frame=_FRAME)
        except ImageError as error:
            reasons.append(f"the image can not be read: {error}")
            measured.append({"sop_uid": header.sop_uid, "reasons": [str(error)]})
            continue
        found = assess(image)
        measured.append(found.as_json())
        reasons.extend(found.reasons)
        if found.is_accepted:
            accepted.append(image)
    quality = {"images": measured}
    if not accepted:
        raise RejectedError("; ".join(dict.fromkeys(reasons)), quality=quality)
    return accepted, quality


def _prepare(package: ModelPackage, images: list[DisplayImage]) -> list[Prepared]:
    try:
        return prepare_images(package, images)
    except PreprocessError as error:
        raise RejectedError(str(error)) from error


def _finding(
    score: Score,
    *,
    label: int,
    package: ModelPackage,
    prepared: Prepared,
    image: DisplayImage,
    portal: PortalClient,
    device: torch.device,
) -> FindingResult:
    sop_uid = image.header.sop_uid
    box: BoxResult | None = None
    saliency: ArtefactRef | None = None
    found = explain(
        package,
        prepared,
        image,
        label=label,
        is_positive=score.is_positive,
        device=device,
    )
    if found is not None:
        saliency = portal.store_artefact(
            found.saliency.to_png(),
            media_type="image/png",
            sop_uid=sop_uid,
            frame=_FRAME,
            meta={
                "cut_off": found.saliency.cut_off,
                "columns": found.saliency.columns,
                "rows": found.saliency.rows,
            },
        )
    if found is not None and found.box is not None:
        box = BoxResult(sop_uid=sop_uid, frame=_FRAME, points=found.box)
    return FindingResult(
        label_code=score.label_code,
        raw_score=score.raw_score,
        probability=score.probability,
        uncertainty=score.uncertainty,
        box=box,
        saliency=saliency,
    )


def _store_embedding(
    prediction: Prediction, portal: PortalClient
) -> ArtefactRef | None:
    if prediction.embedding is None:
        return None
    return portal.store_artefact(
        to_npy(prediction.embedding),
        media_type="application/octet-stream",
        meta={"dtype": "float32", "length": int(prediction.embedding.size)},
    )
