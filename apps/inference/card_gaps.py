"""What a card still lacks, field by field, before anything is imported. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workers.model_card import card_problems, check_told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FILLED: Final[dict[str, frozenset[str]]] = {
    "monai": frozenset({"name", "version", "intended_use", "input", "preprocessing"}),
    "xrv": frozenset({"preprocessing"}),
}
"""Fields of the card that a kind of source brings of its own."""
_FIELDS: Final = frozenset(
    {
        *("name", "version", "title", "intended_use", "purpose", "population"),
        *("training_data", "performance", "limits", "labels", "input"),
        *("preprocessing", "architecture", "calibration", "segmentation", "saliency"),
    }
)
_NAMED = re.compile(r"“([a-z_]+(?:\.[a-z_]+)*)”")
_LABEL = re.compile(r"label (\S+?):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that a card lacks or has wrong.

    Attributes:
        field: Its path, as `purpose`, `input.modalities`, `labels.0.code` (rows
            from 0); '' where the words name none.
        detail: What is wrong, in words.
    """

    field: str
    detail: str


def card_gaps(card: Mapping[str, Any], *, kind: str) -> list[Gap]:
    """Return what a card lacks for a source of a kind.

    Args:
        card: What a person has given so far.
        kind: One of the kinds of import, or `auto`. Our own package brings its whole
            card, and a person may not add to it.
    """
    if kind == "package":
        said = "A package of ours has its card with it: leave all fields empty."
        return [Gap(field="", detail=said)] if card else []
    if not isinstance(card.get("input", {}), dict):
        return _gaps(card_problems(card), card)
    found = _gaps((*card_problems(card), *check_told(card)), card)
    filled = _FILLED.get(kind, frozenset())
    return [gap for gap in found if gap.field.split(".")[0] not in filled]


def gaps_in(reason: str, card: Mapping[str, Any]) -> list[Gap]:
    """Return the fields that the importer named when it refused."""
    parts = re.split(r"; |(?<=used): |(?<=read): ", reason)
    return [gap for gap in _gaps(parts, card) if gap.field.split(".")[0] in _FIELDS]


def plain_reason(reason: str) -> str:
    """Return the importer's reason for a page, where there is no command line."""
    return reason.replace("with --card", "in the form")


def _gaps(problems: Iterable[str], card: Mapping[str, Any]) -> list[Gap]:
    return [Gap(field=_field(text, card), detail=text) for text in problems]


def _field(problem: str, card: Mapping[str, Any]) -> str:
    """Return the path of the field that a problem is about."""
    label = _LABEL.match(problem)
    named = _NAMED.search(problem)
    last = named.group(1) if named else ""
    if label is None:
        return "labels" if last == "output" else last
    row = _row(label.group(1), card)
    for word in ("threshold", "acuity"):
        last = last or (word if word in problem else "")
    return f"labels.{row}.{last}".rstrip(".") if row >= 0 else "labels"


def _row(named: str, card: Mapping[str, Any]) -> int:
    """Return the index of a label that is named by its code, or its number from 1."""
    rows = card.get("labels")
    rows = rows if isinstance(rows, list) else []
    codes = [str(row.get("code")) for row in rows if isinstance(row, dict)]
    if named in codes:
        return codes.index(named)
    return int(named) - 1 if named.isdigit() and 0 < int(named) <= len(rows) else -1
