"""New ids: UUID version 7 (RFC 9562, section 5.7), which sort by the time of their making."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7

from tales.application.ports import IdMaker


class Uuid7Maker(IdMaker):
    """Ids that sort by the time of their making, also among processes."""

    def new(self) -> UUID:
        return uuid7()
