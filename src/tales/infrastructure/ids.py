"""New ids: UUID version 7 (RFC 9562, section 5.7), which sort by the time of their making."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


class Uuid7Maker:
    """See `tales.application.ports.IdMaker`."""

    def new(self) -> UUID:
        """An id that nobody has had."""
        return uuid7()
