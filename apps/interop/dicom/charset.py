"""Text of a dataset, also where the declared character set is not the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.valuerep import TEXT_VR_DELIMS

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PLAIN_SETS = frozenset(
    {"", "ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 100", "ISO 2022 IR 100"}
)

_UTF8_OR_LATIN = PLAIN_SETS | {"ISO_IR 192"}


def decoded_text(dataset: Dataset, keyword: str) -> str:
    """Return a text value as people should read it, '' when absent.

    Under a declaration of Latin 1, of UTF-8, or under none, what is valid UTF-8 is
    UTF-8 (other text hardly ever looks like it by chance), and the rest is Latin 1.
    Everything else is read as declared.
    """
    raw = raw_value(dataset, keyword)
    if raw is None:
        value = dataset.get(keyword)
        return "" if value is None else _clean(str(value))
    return text_of_bytes(raw, _declared(dataset))


def text_of_bytes(raw: bytes, declared: list[str]) -> str:
    """Return an encoded value as people should read it.

    Args:
        raw: The value as in the file.
        declared: Values of Specific Character Set, '' for an empty first one.
    """
    if not raw.isascii() and set(declared) <= _UTF8_OR_LATIN:
        try:
            return _clean(raw.decode("utf-8"))
        except UnicodeDecodeError:
            return _clean(raw.decode("latin-1"))
    encodings: Any = convert_encodings(declared or [""])
    return _clean(decode_bytes(raw, encodings, TEXT_VR_DELIMS))


def raw_value(dataset: Dataset, keyword: str) -> bytes | None:
    """Return a value as encoded; None when it is absent or was converted before."""
    tag = Tag(keyword)
    if tag not in dataset:
        return None
    element: object = dataset.get_item(tag)
    if not isinstance(element, RawDataElement):
        return None
    return bytes(element.value or b"")


def _declared(dataset: Dataset) -> list[str]:
    value = dataset.get("SpecificCharacterSet")
    if value is None:
        return [""]
    return [str(v) for v in ([value] if isinstance(value, str) else value)]


def may_be_misread(texts: list[str], declared: list[str]) -> bool:
    """Say whether what the archive made of some texts has to be looked at again.

    Args:
        texts: What it made of them.
        declared: Values of Specific Character Set.
    """
    if set(declared) <= PLAIN_SETS:
        return not all(text.isascii() for text in texts)
    return True


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable()).strip()
