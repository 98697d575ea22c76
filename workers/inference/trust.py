"""What this worker may load: the portal's signed list, kept for a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from workers.model_trust import AllowList, UntrustedError, read_list

FRESH_S: Final = 20.0
"""A model that was withdrawn is not used for longer than this."""


class TrustedModels:
    """Says whether a package is on the signed list; believes one key only."""

    def __init__(self, *, public_key: str, key_file: Path) -> None:
        """Take whose signature is believed.

        Args:
            public_key: Base64; '' to read it from `key_file` when first needed.
            key_file: Where the portal on the same machine leaves it.
        """
        self._public_key = public_key
        self._key_file = key_file
        self._list: AllowList | None = None
        self._fetched_at = 0.0

    def check(self, wanted: str, *, fetch: Callable[[], bytes]) -> None:
        """Return when a package may be loaded.

        Args:
            wanted: Its hash.
            fetch: Gets the list from the portal, called only when needed.

        Raises:
            UntrustedError: It is not on the list, or the list can not be believed.
        """
        age = time.monotonic() - self._fetched_at
        known = self._list
        if known is None or age > FRESH_S or wanted not in known.hashes:
            known = self._renewed(fetch())
        if wanted not in known.hashes:
            raise UntrustedError(
                f"the model {wanted[:12]} is not on the portal's signed list"
            )

    def _renewed(self, content: bytes) -> AllowList:
        found = read_list(content, public_key=self._key())
        if self._list is not None and found.number < self._list.number:
            raise UntrustedError(
                f"the list of allowed models is older (number {found.number}) than"
                f" one seen before ({self._list.number})"
            )
        self._list, self._fetched_at = found, time.monotonic()
        return found

    def _key(self) -> str:
        if not self._public_key:
            try:
                self._public_key = self._key_file.read_text("ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise UntrustedError(
                    "this worker has no public key for models: set OVERREAD_MODEL_KEY"
                    " to what “manage.py models key” prints"
                ) from error
        return self._public_key
