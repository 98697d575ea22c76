"""Who is called in a text. Pure."""

from __future__ import annotations

import re

_CALL = re.compile(r"(?<![\w@.+-])@([A-Za-z][\w.+-]*)")


def called_in(text: str) -> list[str]:
    """Return the usernames after an @ in a text, each once, in small letters.

    An @ within a word (an address) calls nobody, nor does one before a digit; a full
    stop at the end belongs to the sentence.
    """
    names = (found.rstrip(".+-").lower() for found in _CALL.findall(text))
    return list(dict.fromkeys(names))
