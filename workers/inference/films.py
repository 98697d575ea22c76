"""Films: fetch, judge the input, predict, explain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from workers.contracts import ArtefactRef, BoxResult, FindingResult
from workers.inference.engine import Coming, TooLargeError
from workers.inference.forward import Outputs
from workers.inference.occlusion import occlusion_maps
from workers.inference.pictures import load_pictures
from workers.inference.predict import (
    Explanation,
    Prediction,
    Score,
    conclude,
    explain,
    prepare_images,
    to_npy,
)
from workers.inference.saliency import SaliencyMap, lay_over_source
from workers.inference.workplace import (
    Ask,
    Clock,
    RejectedError,
    Said,
    Workplace,
    check_synthetic,
)
from workers.model_card import InputRules
from workers.models.package import ModelPackage
from workers.models.preprocess import Prepared, PreprocessError
from workers.packs.isolation import IsolatedDecoder
from workers.packs.layout import belongs_in_pack
from workers.packs.rendering import PlainFile
from workers.pixels.image import (
    DisplayImage,
    ImageError,
    ImageHeader,
    read_image,
)
from workers.pixels.selection import select_images
from workers.portal_client import PortalClient
from workers.quality.declared import DECLARED
from workers.quality.gate import Quality, assess, check_space
from workers.quality.verdict import Check, failed, verdict_of, words_of
from workers.saliency_card import METHOD, Occlusion

MAX_IMAGES = 16
MAX_REASONS: Final = 5
"""Labels for which it is drawn why, besides those that are said to be there."""
FEW: Final = 2
"""Covered films that a processor is given at a time: what is STAT waits for these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Film:
    """A file that the model may judge.

    Attributes:
        header: What it says of its image.
        content: It, as stored; empty where it is plain, so as not to keep it twice.
        plain: It, parsed, where its pixels need no decoder.
    """

    header: ImageHeader
    content: bytes
    plain: PlainFile | None


def judge_films(
    package: ModelPackage,
    *,
    portal: PortalClient,
    workplace: Workplace,
    clock: Clock,
    ask: Ask,
) -> Said:
    """Judge the films of a study; artefacts are stored on the way.

    Raises:
        RejectedError: The study is not one that the model may judge.
        PortalError: The portal refused.
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    seen = _see(package, portal=portal, workplace=workplace, clock=clock, ask=ask)
    with clock.part("explain_s"), workplace.gate.turn(ask.priority):
        seen.keep_accepted(package)
        judged, pictures, prepared = seen.judged, seen.pictures, seen.prepared
        outputs = seen.outputs
        prediction = conclude(package, outputs)
        reasoned = _reasoned(prediction.scores)
        explanations = [
            None
            if label not in reasoned
            else explain(
                package,
                prepared[score.image],
                pictures[score.image].header,
                label=label,
                is_positive=score.is_positive,
                device=workplace.device,
                outputs=outputs.part(score.image, score.image + 1),
            )
            for label, score in enumerate(prediction.scores)
        ]
        maps = [None if e is None else e.saliency.to_png() for e in explanations]
    quality = _record(judged)
    with clock.part("store_s"):
        findings = tuple(
            _finding(score, found, drawn, shown=pictures[score.image], portal=portal)
            for score, found, drawn in zip(
                prediction.scores, explanations, maps, strict=True
            )
        )
        embedding = _store_embedding(prediction, portal)
    return Said(quality=quality, findings=findings, embedding=embedding)


def explain_films(
    package: ModelPackage,
    *,
    portal: PortalClient,
    workplace: Workplace,
    clock: Clock,
    ask: Ask,
) -> Said:
    """Say by occlusion where labels come from that a study was found to have.

    The study is judged as it was, so that each label is explained on the film that
    speaks for it most. Each few films are work of their own for the engine: what is
    more urgent waits for no more than those.

    Raises:
        RejectedError: It is no longer judged by the model, or took too long.
        PortalError: The portal refused.
        PortalUnavailableError: The portal gives no answer; ask again later.
    """
    how = package.parsed.saliency
    if how is None:
        raise RejectedError("the model's card does not ask for occlusion")
    seen = _see(package, portal=portal, workplace=workplace, clock=clock, ask=ask)
    seen.keep_accepted(package)
    wanted = [
        (label, score)
        for label, score in enumerate(conclude(package, seen.outputs).scores)
        if score.label_code in ask.explain
    ]
    until = time.monotonic() + workplace.explain_s
    maps: dict[int, NDArray[np.float32]] = {}
    with clock.part("explain_s"):
        for image in {score.image for _, score in wanted}:
            tensor = seen.prepared[image].tensor
            maps[image] = occlude(
                package, tensor, how=how, workplace=workplace, ask=ask, until=until
            )
        drawn = [
            (score, _lay(maps[score.image][label], seen, image=score.image))
            for label, score in wanted
        ]
    with clock.part("store_s"):
        findings = tuple(
            _finding(
                score,
                None if laid is None else Explanation(saliency=laid, box=None),
                None if laid is None else laid.to_png(),
                shown=seen.pictures[score.image],
                portal=portal,
                method=METHOD,
            )
            for score, laid in drawn
        )
    return Said(quality=_record(seen.judged), findings=findings)


def occlude(
    package: ModelPackage,
    image: Tensor,
    *,
    how: Occlusion,
    workplace: Workplace,
    ask: Ask,
    until: float,
) -> NDArray[np.float32]:
    """Return the fall of each label's log odds, [n_labels, H, W], by the engine.

    Args:
        package: The model.
        image: One prepared film, [channels, H, W].
        how: Patch, stride and filling.
        workplace: Where it runs.
        ask: How urgent it is.
        until: When it gives up, by the monotonic clock.

    Raises:
        RejectedError: It took too long.
    """

    def odds(images: Tensor) -> Tensor:
        if time.monotonic() > until:
            raise RejectedError("the models had no time for it: others come first")
        return _run(package, list(images), workplace=workplace, ask=ask).members.mean(0)

    at_once = workplace.engine.batch if workplace.device.type == "cuda" else FEW
    return occlusion_maps(odds, image, how=how, at_once=at_once)


LEAST_FALL: Final = 0.01
"""Log odds: where no place makes the answer fall by more, nothing speaks for it."""


def _lay(cam: NDArray[np.float32], seen: _Seen, *, image: int) -> SaliencyMap | None:
    """Lay a map of the network's grid over its film; what speaks against counts 0."""
    if float(cam.max()) < LEAST_FALL:
        return None
    prepared, header = seen.prepared[image], seen.pictures[image].header
    rows, columns = prepared.tensor.shape[-2:]
    return lay_over_source(
        cam.clip(0),
        grid_shape=(int(rows), int(columns)),
        grid_to_source=prepared.grid_to_source,
        source_shape=(header.rows, header.columns),
    )


def _see(
    package: ModelPackage,
    *,
    portal: PortalClient,
    workplace: Workplace,
    clock: Clock,
    ask: Ask,
) -> _Seen:
    """Fetch, judge and prepare the films of a study, and run the network on them."""
    with ExitStack() as held:
        held.enter_context(workplace.films.turn(ask.priority))
        with clock.part("fetch_s"):
            films = _fetch(portal, package)
            portal.let_go()
        ask.begin()
        workplace.engine.let_pass(ask.priority)
        with workplace.engine.coming() as coming:
            with clock.part("prepare_s"), workplace.gate.turn(ask.priority):
                judged = _judge(films, workplace.decoder, rules=package.parsed.input)
                pictures = [one for one in judged if one.image is not None]
                images = [one.image for one in pictures if one.image]
                prepared = _prepare(package, images)
                # Many studies wait for the network: what is large of them goes.
                films.clear()
                images.clear()
                for one in pictures:
                    one.image = None
            held.close()
            with clock.part("infer_s"):
                tensors = [one.tensor for one in prepared]
                outputs = _run(
                    package, tensors, workplace=workplace, ask=ask, coming=coming
                )
    return _Seen(judged=judged, pictures=pictures, prepared=prepared, outputs=outputs)


def _fetch(portal: PortalClient, package: ModelPackage) -> list[_Film]:
    """Return the images that the model may judge, with their files."""
    rules = package.card.get("input", {})
    refs = [r for r in portal.list_instances() if belongs_in_pack(r.sop_class_uid)]
    if not refs:
        raise RejectedError("the study has no images")
    found: dict[str, _Film] = {}
    unreadable = 0
    for _, content in portal.read_instances(refs):
        try:
            header, plain = read_image(content)
        except ImageError:
            unreadable += 1
            continue
        if select_images([header], rules=rules):
            check_synthetic(header, rules=rules)
            kept = content if plain is None else b""
            found[header.sop_uid] = _Film(header=header, content=kept, plain=plain)
        if len(found) >= MAX_IMAGES:
            break
    chosen = select_images((film.header for film in found.values()), rules=rules)
    if not chosen:
        raise RejectedError(
            "no image of the study can be read"
            if unreadable == len(refs)
            else "the study has no image of a kind and view that the model judges"
        )
    return [found[header.sop_uid] for header in chosen]


@dataclass(slots=True, kw_only=True)
class _Judged:
    """A picture with what the gate says of it.

    Attributes:
        header: Its header.
        frame: 1-based.
        image: Its pixels until they are prepared; None when they can not be given to a
            network.
        quality: What was measured; None when it could not be decoded.
        further: Checks that came later.
    """

    header: ImageHeader
    frame: int = 1
    image: DisplayImage | None = None
    quality: Quality | None = None
    further: list[Check] = field(default_factory=list)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check."""
        first = () if self.quality is None else self.quality.checks
        return (*first, *self.further)

    @property
    def is_accepted(self) -> bool:
        """Whether the model may judge it."""
        return not any(check.is_failed for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return it for the result's `quality`."""
        measured = {} if self.quality is None else self.quality.as_json()
        return measured | {
            "sop_uid": self.header.sop_uid,
            "is_accepted": self.is_accepted,
            "reasons": list(words_of(self.checks)),
            "checks": [check.as_json() for check in self.checks],
        }


@dataclass(slots=True, kw_only=True)
class _Seen:
    """The films of a study after the network ran on them.

    Attributes:
        judged: All of them.
        pictures: Those that the network was given.
        prepared: The same, as it was given them.
        outputs: What it said of them.
    """

    judged: list[_Judged]
    pictures: list[_Judged]
    prepared: list[Prepared]
    outputs: Outputs

    def keep_accepted(self, package: ModelPackage) -> None:
        """Leave out what lies too far from the model's training inputs, or else.

        Raises:
            RejectedError: Nothing is left.
        """
        _place_in_space(self.pictures, self.outputs, package=package)
        kept = [index for index, one in enumerate(self.pictures) if one.is_accepted]
        if not kept:
            raise _rejected(self.judged)
        if len(kept) < len(self.pictures):
            self.prepared = [self.prepared[index] for index in kept]
            self.pictures = [self.pictures[index] for index in kept]
            self.outputs = self.outputs.rows(kept)


def _judge(
    films: list[_Film],
    decoder: IsolatedDecoder,
    *,
    rules: InputRules,
) -> list[_Judged]:
    """Return what the gate says of each picture.

    One that is only outside the declared population keeps its pixels, so that its place
    among the model's own inputs can be said; one of which nothing can be made does not.

    Raises:
        RejectedError: No picture can be given to a network.
    """
    judged: list[_Judged] = []
    for film in films:
        header = film.header
        try:
            pictures = load_pictures(
                film.content, header=header, decoder=decoder, plain=film.plain
            )
        except ImageError as error:
            words = f"the image can not be read: {error}"
            unreadable = failed("readable", words)
            judged.append(_Judged(header=header, further=[unreadable]))
            continue
        for image in pictures:
            found = assess(image, rules)
            usable = not any(
                check.is_failed and check.name not in DECLARED for check in found.checks
            )
            judged.append(
                _Judged(
                    header=header,
                    frame=image.frame,
                    image=image if usable else None,
                    quality=found,
                )
            )
    if not any(one.image is not None for one in judged):
        raise _rejected(judged)
    return judged


def _place_in_space(
    pictures: list[_Judged], outputs: Outputs, *, package: ModelPackage
) -> None:
    """Add to each picture how far it is from the model's training inputs."""
    if package.input_space is None or outputs.distances is None:
        return
    for one, distance in zip(pictures, outputs.distances.tolist(), strict=True):
        one.further.append(check_space(package.input_space, distance))


def _rejected(judged: list[_Judged]) -> RejectedError:
    words = words_of(check for one in judged for check in one.checks)
    return RejectedError("; ".join(words), quality=_record(judged))


def _record(judged: list[_Judged]) -> dict[str, Any]:
    """Return what goes on record; one accepted picture makes an accepted study."""
    accepted = [one for one in judged if one.is_accepted]
    chosen = accepted or judged
    return {
        "verdict": verdict_of(check for one in chosen for check in one.checks),
        "images": [one.as_json() for one in judged],
    }


def _prepare(package: ModelPackage, images: list[DisplayImage]) -> list[Prepared]:
    try:
        return prepare_images(package, images)
    except PreprocessError as error:
        raise RejectedError(str(error)) from error


def _run(
    package: ModelPackage,
    tensors: list[Tensor],
    *,
    workplace: Workplace,
    ask: Ask,
    coming: Coming | None = None,
) -> Outputs:
    try:
        return workplace.engine.judge(
            package, tensors, priority=ask.priority, coming=coming
        )
    except (PreprocessError, TooLargeError) as error:
        raise RejectedError(str(error)) from error


def _reasoned(scores: Sequence[Score]) -> set[int]:
    """Return the labels for which it is drawn why.

    Those that are said to be there, and the most probable of the others: a network of
    many labels gives a map of each as readily, and nobody looks at what shows why
    something is not there, which has to be drawn, stored and kept all the same.
    """
    order = sorted(range(len(scores)), key=lambda label: -scores[label].probability)
    likely = set(order[:MAX_REASONS])
    return likely | {label for label in order if scores[label].is_positive}


def _finding(
    score: Score,
    found: Explanation | None,
    drawn: bytes | None,
    *,
    shown: _Judged,
    portal: PortalClient,
    method: str = "",
) -> FindingResult:
    """Store the map of a label, made by a method if not by gradients."""
    sop_uid = shown.header.sop_uid
    box: BoxResult | None = None
    saliency: ArtefactRef | None = None
    if found is not None and drawn is not None:
        saliency = portal.store_artefact(
            drawn,
            media_type="image/png",
            sop_uid=sop_uid,
            frame=shown.frame,
            meta={
                "cut_off": found.saliency.cut_off,
                "columns": found.saliency.columns,
                "rows": found.saliency.rows,
            }
            | ({"method": method} if method else {}),
        )
    if found is not None and found.box is not None:
        box = BoxResult(sop_uid=sop_uid, frame=shown.frame, points=found.box)
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
