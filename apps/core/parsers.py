"""Request bodies that are taken as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rest_framework.parsers import BaseParser

from apps.core.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO


class BytesParser(BaseParser):
    """Takes the body as it is, up to `max_bytes`; a longer one is refused.

    Attributes:
        max_bytes: How long a body may be.
        too_large: What is said of a longer one.
        too_large_status: With which HTTP status.
    """

    media_type = "*/*"
    max_bytes: ClassVar[int]
    too_large: ClassVar[str]
    too_large_status: ClassVar[int] = 413

    def parse(  # type: ignore[override]
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the bytes."""
        del media_type, parser_context  # whatever it is called, it is bytes
        body: bytes = stream.read(self.max_bytes + 1)
        if len(body) > self.max_bytes:
            raise DomainError("too_large", self.too_large, self.too_large_status)
        return body
