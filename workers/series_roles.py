"""Which series of a study a model of several is given, role by role. Pure.

Standard library only: the portal chooses by what it kept of each series, and a worker
by the files themselves, with the same rules. What a file states of how it was made
decides; words, which are a person's, count where it states nothing of what is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workers.model_card import WEIGHTINGS, InputRules, Range, SeriesRole

_NOT_A_SLICE: Final = frozenset({"LOCALIZER", "SCREEN SAVE", "SCREENSHOT"})
# Acquisition Contrast of enhanced MR (PS3.3 C.8.13.3.1) in our words.
_CONTRASTS: Final = {
    "DIFFUSION": "DWI",
    "FLAIR": "FLAIR",
    "FLUID_ATTENUATED": "FLAIR",
    "PROTON_DENSITY": "PD",
    "T1": "T1",
    "T2": "T2",
    "T2_STAR": "T2*",
}
_WORDS: Final = (
    ("ADC", re.compile(r"\bE?ADC\b|APPARENT DIFF|_ADC")),
    ("DWI", re.compile(r"\bDWI\b|DIFF|TRACEW?\b")),
    ("SWI", re.compile(r"\bSWI\b|SUSCEPT|VENO_?BOLD|SWAN")),
    ("FLAIR", re.compile(r"FLAIR|DARK.?FLUID|TIRM_DA")),
    ("T2*", re.compile(r"T2.?\*|T2.?STAR|HEMO|HÄMO")),
    ("T1C", re.compile(r"T1.*(\+ ?C\b|GAD|\bGD\b|POST|\bKM\b|CE\b)")),
    ("T1", re.compile(r"T1|MPRAGE|MP2RAGE|BRAVO")),
    ("T2", re.compile(r"T2")),
    ("PD", re.compile(r"\bPD|PROTON.?DENS")),
)
# A name that says the one and times that say the other: neither is believed.
_OPPOSITES: Final = frozenset({("T1", "T2"), ("T1C", "T2"), ("T2", "T1")})
# Siemens writes the b-value into the name: *ep_b800t; that of a map has two.
_B_IN_NAME: Final = re.compile(r"EP_B(\d+)(?![\d_])")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """What is known of a series (or of one stack of it) when roles are given out.

    Attributes:
        uid: Series Instance UID.
        number: Series Number; 0 when absent.
        modality: Modality.
        body_part: Body Part Examined in capitals, '' when not stated.
        description: Series Description in capitals.
        plane: `axial`, `coronal`, `sagittal`, '' when askew or not stated.
        image_type: Image Type values in capitals.
        n_images: Images.
        frame_of_reference_uid: Frame of Reference UID, '' when not stated.
        contrast: Acquisition Contrast in capitals (enhanced MR), '' when absent.
        scanning: Scanning Sequence values in capitals.
        sequence_name: Sequence Name in capitals.
        echo_ms: Echo Time; None when absent.
        repetition_ms: Repetition Time; None when absent.
        inversion_ms: Inversion Time; None when absent.
        b_value: Diffusion b-value, s/mm²; None when not stated, or when it is not
            known whether all images have the same.
        is_diffusion: Whether a b-value or the image type says so.
        has_contrast_agent: Whether a contrast agent is named.
    """

    uid: str
    number: int = 0
    modality: str = ""
    body_part: str = ""
    description: str = ""
    plane: str = ""
    image_type: tuple[str, ...] = ()
    n_images: int = 0
    frame_of_reference_uid: str = ""
    contrast: str = ""
    scanning: tuple[str, ...] = ()
    sequence_name: str = ""
    echo_ms: float | None = None
    repetition_ms: float | None = None
    inversion_ms: float | None = None
    b_value: float | None = None
    is_diffusion: bool = False
    has_contrast_agent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The series of each role, or why there are none.

    Attributes:
        series: Series Instance UID by the role's name; empty with a reason.
        reason: In plain words, names no patient; '' when all roles are filled.
    """

    series: Mapping[str, str]
    reason: str = ""


def b_value_in(sequence_name: str) -> float | None:
    """Return the b-value that a Sequence Name in capitals says; None when none."""
    found = _B_IN_NAME.search(sequence_name)
    return None if found is None else float(found[1])


# --- what a series is


def weighting_of(facts: SeriesFacts) -> str:
    """Return which of `WEIGHTINGS` a series has; '' when nothing tells.

    The image type and the acquisition say it before the description does, and echo
    and repetition times come last: words are a person's, times can be read two ways.
    """
    types = set(facts.image_type)
    if "ADC" in types:
        return "ADC"
    by_words = _by_words(facts.description)
    if facts.is_diffusion or "DIFFUSION" in types:
        return "ADC" if by_words == "ADC" else "DWI"
    found = _CONTRASTS.get(facts.contrast, "") or by_words or _by_times(facts)
    return "T1C" if found == "T1" and facts.has_contrast_agent else found


def is_contradictory(facts: SeriesFacts) -> bool:
    """Whether the name of a series says T1 and its times T2, or the reverse."""
    if facts.contrast in _CONTRASTS or facts.is_diffusion:
        return False
    return (_by_words(facts.description), _by_times(facts)) in _OPPOSITES


def _by_words(description: str) -> str:
    return next((kind for kind, words in _WORDS if words.search(description)), "")


def _by_times(facts: SeriesFacts) -> str:
    """Return the weighting that echo, repetition and inversion times give, ms."""
    echo, repetition = facts.echo_ms, facts.repetition_ms
    if echo is None or repetition is None:
        return ""
    if "IR" in facts.scanning and (facts.inversion_ms or 0.0) > 1500 and echo > 70:
        return "FLAIR"
    if "GR" in facts.scanning and "SE" not in facts.scanning:
        return "T2*" if echo > 15 else "T1"
    if echo >= 60 and repetition >= 1500:
        return "T2"
    if echo <= 40:
        return "T1" if repetition <= 1200 else "PD"
    return ""


# --- whether it may have a role


def fits(role: SeriesRole, facts: SeriesFacts, *, rules: InputRules) -> bool:
    """Whether a series may have a role.

    Everything that the role asks for and the series states must hold. The role's words
    count only where the series states nothing of its weighting, its times, its b-value
    or its sequence's name; a role without words is then not filled.
    """
    if not _is_of_the_kind(role, facts, rules=rules):
        return False
    kinds = _answers(_FILTERS, role, facts)
    made = _answers(_ASKED, role, facts)
    if not all((*kinds, *made)):
        return False
    if made:
        return True
    if role.words:
        return any(word in facts.description for word in role.words)
    # Asked for nothing of how it was made: any series of the kind will do.
    return bool(kinds) or not role.asks


def _answers(
    checks: Iterable[Callable[[SeriesRole, SeriesFacts], bool | None]],
    role: SeriesRole,
    facts: SeriesFacts,
) -> list[bool]:
    found = (check(role, facts) for check in checks)
    return [answer for answer in found if answer is not None]


def _is_of_the_kind(role: SeriesRole, facts: SeriesFacts, *, rules: InputRules) -> bool:
    modalities = role.modalities or rules.modalities
    parts = role.body_parts or rules.body_parts
    return (
        (not modalities or facts.modality in modalities)
        and (not parts or not facts.body_part or facts.body_part in parts)
        and not _NOT_A_SLICE & set(facts.image_type)
        and not role.image_types_excluded & set(facts.image_type)
        and (not role.planes or facts.plane in role.planes)
        and role.contrast_agent in (None, facts.has_contrast_agent)
    )


def _weighting(role: SeriesRole, facts: SeriesFacts) -> bool | None:
    if not role.weighting:
        return None
    found = weighting_of(facts)
    if not found:
        return None
    return found == role.weighting and not is_contradictory(facts)


def _image_type(role: SeriesRole, facts: SeriesFacts) -> bool | None:
    if not role.image_types or not facts.image_type:
        return None
    return bool(role.image_types & set(facts.image_type))


def _scanning(role: SeriesRole, facts: SeriesFacts) -> bool | None:
    if not role.scanning_sequences or not facts.scanning:
        return None
    return bool(role.scanning_sequences & set(facts.scanning))


def _sequence_name(role: SeriesRole, facts: SeriesFacts) -> bool | None:
    name = facts.sequence_name.lstrip("*")
    if not role.sequence_names or not name:
        return None
    return name.startswith(tuple(role.sequence_names))


def _within(
    limits: Callable[[SeriesRole], Range | None],
    value: Callable[[SeriesFacts], float | None],
) -> Callable[[SeriesRole, SeriesFacts], bool | None]:
    def check(role: SeriesRole, facts: SeriesFacts) -> bool | None:
        wanted, has = limits(role), value(facts)
        return None if wanted is None or has is None else wanted.covers(has)

    return check


_FILTERS: Final[tuple[Callable[[SeriesRole, SeriesFacts], bool | None], ...]] = (
    _image_type,
    _scanning,
)
_ASKED: Final[tuple[Callable[[SeriesRole, SeriesFacts], bool | None], ...]] = (
    _weighting,
    _sequence_name,
    _within(lambda role: role.echo_ms, lambda facts: facts.echo_ms),
    _within(lambda role: role.repetition_ms, lambda facts: facts.repetition_ms),
    _within(lambda role: role.inversion_ms, lambda facts: facts.inversion_ms),
    _within(lambda role: role.b_value, lambda facts: facts.b_value),
)


# --- giving them out


def choose_series(rules: InputRules, series: Iterable[SeriesFacts]) -> Choice:
    """Return the series of each role of a card, the same for the same study.

    The order in which the series are given changes nothing. Of several that may have
    a role, those in the frame of reference of the first role go before others; then
    the card's `several` decides, and by default none is taken.

    Args:
        rules: A card's `input`, with roles.
        series: The image series of the study that the model may be given.
    """
    given = sorted(series, key=lambda one: (one.number, one.uid))
    may_have = {
        role.name: [one for one in given if fits(role, one, rules=rules)]
        for role in rules.roles
    }
    if lacking := [role for role in rules.roles if not may_have[role.name]]:
        return Choice(series={}, reason=_lacks(lacking, given, rules=rules))
    chosen: dict[str, SeriesFacts] = {}
    for role in rules.roles:
        reference = next(iter(chosen.values()), None)
        found = _together(may_have[role.name], reference)
        if len(found) > 1:
            found = _PICK[role.several](found)
        if len(found) > 1:
            return Choice(series={}, reason=_unclear(role.name, found))
        chosen[role.name] = found[0]
    reason = _twice(rules.roles, chosen) or _apart(rules.roles, chosen)
    if reason:
        return Choice(series={}, reason=reason)
    return Choice(series={name: one.uid for name, one in chosen.items()})


def _together(
    found: Sequence[SeriesFacts], reference: SeriesFacts | None
) -> list[SeriesFacts]:
    """Leave out what lies in another frame of reference, if something remains."""
    if reference is None or not reference.frame_of_reference_uid:
        return list(found)
    frame = reference.frame_of_reference_uid
    near = [one for one in found if one.frame_of_reference_uid in ("", frame)]
    return near or list(found)


def _most_images(found: Sequence[SeriesFacts]) -> list[SeriesFacts]:
    most = max(one.n_images for one in found)
    return [one for one in found if one.n_images == most]


def _end(
    choose: Callable[[Iterable[int]], int],
) -> Callable[[Sequence[SeriesFacts]], list[SeriesFacts]]:
    def pick(found: Sequence[SeriesFacts]) -> list[SeriesFacts]:
        number = choose(one.number for one in found)
        return [one for one in found if one.number == number]

    return pick


_PICK: Final[Mapping[str, Callable[[Sequence[SeriesFacts]], list[SeriesFacts]]]] = {
    "refuse": list,
    "most_images": _most_images,
    "first": _end(min),
    "last": _end(max),
}


def _lacks(
    lacking: Sequence[SeriesRole], given: Sequence[SeriesFacts], *, rules: InputRules
) -> str:
    modalities = frozenset[str]().union(
        rules.modalities, *(role.modalities for role in rules.roles)
    )
    known = [
        (weighting_of(one), one.plane)
        for one in given
        if not modalities or one.modality in modalities
    ]
    # Of what is there in another plane the planes are told: else it reads as a riddle.
    told = {role.weighting for role in lacking if role.planes} & {k for k, _ in known}
    has = [
        f"{kind} ({plane or 'oblique'})" if kind in told else kind
        for kind, plane in known
        if kind in WEIGHTINGS
    ]
    needs = [
        f"{role.name} ({' or '.join(sorted(role.planes))})"
        if role.weighting in told and role.planes
        else role.name
        for role in lacking
    ]
    found = list(dict.fromkeys(has))
    words = f"it has {listed(found)}" if found else "of no series is known what it is"
    return f"needs {listed(needs)}, which this study lacks; {words}"


def _unclear(name: str, found: Sequence[SeriesFacts]) -> str:
    numbers = listed([series_words(one.number) for one in found])
    return f"which series is its {name} is not clear: {numbers} could be"


def _twice(roles: Sequence[SeriesRole], chosen: Mapping[str, SeriesFacts]) -> str:
    """Say which roles one series would have; parts by b-value may have one each."""
    by_uid: dict[str, list[SeriesRole]] = {}
    for role in roles:
        by_uid.setdefault(chosen[role.name].uid, []).append(role)
    for sharing in by_uid.values():
        if len(sharing) > 1 and any(role.b_value is None for role in sharing):
            names = listed([role.name for role in sharing])
            number = series_words(chosen[sharing[0].name].number)
            return f"{number} would be {names} at once"
    return ""


def _apart(roles: Sequence[SeriesRole], chosen: Mapping[str, SeriesFacts]) -> str:
    first = chosen[roles[0].name]
    for role in roles[1:]:
        other = chosen[role.name]
        if words := apart_words(
            roles[0].name,
            role.name,
            first.frame_of_reference_uid,
            other.frame_of_reference_uid,
        ):
            return words
    return ""


def apart_words(first: str, other: str, first_uid: str, other_uid: str) -> str:
    """Say that two roles lie in frames of reference that are known to differ."""
    if not first_uid or not other_uid or first_uid == other_uid:
        return ""
    return f"the {other} series is in another frame of reference than the {first}"


def series_words(number: int) -> str:
    """Return how a series is called in a sentence."""
    return f"series {number}" if number else "a series without a number"


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence: `T2, ADC and DWI`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
