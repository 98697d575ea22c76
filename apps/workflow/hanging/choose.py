"""Choosing how a study is hung, and what goes into which viewport. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from apps.workflow.hanging.types import (
    GreyWindow,
    Hanging,
    HungPane,
    PaneRule,
    Pick,
    Protocol,
    Scope,
    Shot,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_RANK: Final = {Scope.USER: 0, Scope.SITE: 1, Scope.BUILT_IN: 2}


def list_shots(series: Iterable[Mapping[str, Any]]) -> tuple[Shot, ...]:
    """Return what a revision's viewports can hold, in display order.

    Args:
        series: Headers as `StudyRevision.series` keeps them.
    """
    return tuple(shot for one in series for shot in _shots_of(one))


def _shots_of(one: Mapping[str, Any]) -> Iterable[Shot]:
    views: list[Mapping[str, str]] = list(one.get("views") or ())
    common: dict[str, Any] = {
        "series_uid": one["uid"],
        "modality": one.get("modality", ""),
        "body_part": one.get("body_part", ""),
        "description": one.get("description", ""),
        "plane": one.get("plane", ""),
        "is_localizer": bool(one.get("is_localizer")),
        "n_images": int(one.get("n_instances", 1)),
        "frame_of_reference_uid": one.get("frame_of_reference_uid", ""),
    }
    if len(views) <= 1:
        stated = (*one.get("view_positions", ()), "")[0]
        first = views[0] if views else {"view": stated}
        yield Shot(
            **common,
            view=str(first.get("view", "")).upper(),
            laterality=first.get("laterality") or one.get("laterality", ""),
        )
        return
    for view in views:
        yield Shot(
            **common,
            sop_uid=view["sop_uid"],
            view=view["view"].upper(),
            laterality=view["laterality"],
        )


def fits_pick(*, pick: Pick, shot: Shot) -> bool:
    """Say whether a viewport may take a shot."""
    words = shot.description.lower()
    return (
        not shot.is_localizer
        and (not pick.modality or shot.modality in pick.modality)
        and (not pick.view or shot.view in pick.view)
        and (not pick.laterality or shot.laterality == pick.laterality)
        and (not pick.plane or shot.plane == pick.plane)
        and (not pick.words or any(word in words for word in pick.words))
        and not any(word in words for word in pick.without)
        and shot.n_images >= pick.min_images
    )


def hang_study(*, protocol: Protocol, shots: Sequence[Shot]) -> Hanging:
    """Put a study's series into the viewports of a protocol, each shot once.

    A viewport whose rule says `reuse` may show what another one shows already.
    """
    used: set[Shot] = set()
    panes = []
    for rule in protocol.panes:
        shot = _take(rule=rule, shots=shots, used=used)
        if shot is not None:
            used.add(shot)
        panes.append(
            HungPane(
                shot=shot,
                window=rule.window if shot else None,
                lean=rule.lean,
                over_uid=_over(rule=rule, shot=shot, shots=shots),
            )
        )
    return Hanging(protocol=protocol, panes=tuple(panes))


def _take(*, rule: PaneRule, shots: Sequence[Shot], used: set[Shot]) -> Shot | None:
    for pick in rule.picks:
        fitting = [shot for shot in shots if fits_pick(pick=pick, shot=shot)]
        fresh = [shot for shot in fitting if rule.reuse or shot not in used]
        if fresh:
            # Of stacks the one with the most images: the thin main series.
            return max(fresh, key=lambda s: s.n_images) if rule.reuse else fresh[0]
    return None


def _over(*, rule: PaneRule, shot: Shot | None, shots: Sequence[Shot]) -> str:
    if rule.over is None or shot is None:
        return ""
    fitting = (
        other.series_uid
        for other in shots
        if fits_pick(pick=rule.over, shot=other)
        and other.series_uid != shot.series_uid
        and other.frame_of_reference_uid == shot.frame_of_reference_uid
    )
    return next(fitting, "")


def fits_study(
    *, protocol: Protocol, modalities: frozenset[str], region: str, hanging: Hanging
) -> bool:
    """Say whether a protocol is meant for a study and finds enough in it."""
    return (
        modalities.issuperset(protocol.modalities)
        and protocol.region in {"", region}
        and hanging.n_filled >= protocol.least
    )


def choose_hanging(
    *, protocols: Iterable[Protocol], shots: Sequence[Shot], region: str
) -> tuple[Hanging | None, tuple[Hanging, ...]]:
    """Choose how a study is hung.

    Args:
        protocols: All that the reader may use, the preferred of equals first.
        shots: What the study has.
        region: As `region_of` names it.

    Returns:
        What is chosen by itself (a person's own before the site's before the
        built-in; the more particular first), and all that fit, in that order.
    """
    modalities = frozenset(shot.modality for shot in shots)
    hangings = (hang_study(protocol=one, shots=shots) for one in protocols)
    fitting = sorted(
        (
            one
            for one in hangings
            if fits_study(
                protocol=one.protocol,
                modalities=modalities,
                region=region,
                hanging=one,
            )
        ),
        key=_order,
    )
    chosen = next((one for one in fitting if one.protocol.is_default), None)
    return chosen, tuple(fitting)


def _order(hanging: Hanging) -> tuple[int, int]:
    protocol = hanging.protocol
    if protocol.scope is Scope.BUILT_IN:
        return _RANK[protocol.scope], 0
    return _RANK[protocol.scope], -2 * bool(protocol.region) - bool(protocol.modalities)


def rule_for(*, shot: Shot, window: GreyWindow | None, lean: str) -> PaneRule:
    """Return a rule that finds the like of a shot in another study.

    What tells it apart comes first: view and side of a projection, the description
    of a stack; then anything of its modality and plane.
    """
    alike = Pick(
        modality=(shot.modality,),
        view=(shot.view,) if shot.view else (),
        laterality=shot.laterality,
        plane=shot.plane,
    )
    exact = replace(alike, words=(shot.description.lower(),))
    picks = (exact, alike) if shot.description else (alike,)
    return PaneRule(
        picks=(*picks, Pick(modality=(shot.modality,))),
        window=window,
        lean=lean,
        reuse=True,
    )
