"""What a client says it takes. Nothing of it is ever passed on to the archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from apps.core.errors import DomainError

DICOM: Final = "application/dicom"
DICOM_JSON: Final = "application/dicom+json"
MULTIPART: Final = "multipart/related"
_ANY: Final = frozenset({"*/*", ""})
_MAX: Final = 4000


class NotAcceptable(DomainError):
    """The client takes nothing that can be had."""

    default_status = 406

    def __init__(self, detail: str) -> None:
        """Say what can be had."""
        super().__init__("not_acceptable", detail)


class UnsupportedMedia(DomainError):
    """The client sends what is not taken."""

    default_status = 415

    def __init__(self, detail: str) -> None:
        """Say what is taken."""
        super().__init__("unsupported_media_type", detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One entry of an `Accept`, or a content type."""

    name: str
    params: dict[str, str] = field(default_factory=dict)

    @property
    def inner(self) -> str:
        """What the parts of a multipart are; '' when it does not say."""
        return self.params.get("type", "").lower()

    @property
    def syntax(self) -> str:
        """The transfer syntax wanted; '' when it does not say or takes any."""
        syntax = self.params.get("transfer-syntax", "")
        return "" if syntax == "*" else syntax


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator that does not stand between quotes."""
    parts, quoted, start = [], False, 0
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == separator and not quoted:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def parse_media(text: str) -> Media:
    """Parse one content type with its parameters."""
    name, *rest = _split(text, ";")
    params = {}
    for pair in rest:
        key, _, value = pair.partition("=")
        params[key.strip().lower()] = value.strip().strip('"')
    return Media(name=name.strip().lower(), params=params)


def parse_accept(text: str) -> list[Media]:
    """Parse an `Accept` header; an absent one takes anything."""
    entries = [parse_media(part) for part in _split(text[:_MAX], ",")]
    wanted = [m for m in entries if m.params.get("q", "1").strip("0.") or not m.params]
    return wanted or [Media(name="*/*")]


def multipart_wishes(accept: list[Media], *, inner: frozenset[str]) -> list[Media]:
    """Return the entries that a multipart of one of the inner types satisfies.

    Raises:
        NotAcceptable: None does.
    """
    fitting = [
        media
        for media in accept
        if media.name in _ANY
        or (
            media.name in {MULTIPART, "multipart/*"}
            and (media.inner in _ANY or media.inner in inner)
        )
        or media.name in inner
    ]
    if not fitting:
        kinds = ", ".join(sorted(inner))
        raise NotAcceptable(f"This is sent as {MULTIPART} of {kinds}.")
    return fitting


def wants_single(accept: list[Media], *, name: str) -> bool:
    """Say whether the client takes the thing alone and does not take multipart."""
    names = {media.name for media in accept}
    return name in names and not names & {MULTIPART, "multipart/*"}


def require_json(accept: list[Media]) -> None:
    """Refuse a client that takes no JSON."""
    names = {media.name for media in accept}
    if not names & {DICOM_JSON, "application/json", "application/*", "*/*", ""}:
        raise NotAcceptable(f"This is sent as {DICOM_JSON}.")


def choose_picture(accept: list[Media]) -> str:
    """Return the picture format that the client takes first."""
    for media in accept:
        if media.name in {"image/png", "image/jpeg"}:
            return media.name
        if media.name in {"image/*", "*/*", ""}:
            return "image/jpeg"
    raise NotAcceptable("Pictures are sent as image/jpeg or image/png.")
