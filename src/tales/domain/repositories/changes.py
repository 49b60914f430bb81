"""The log of what admins and operators have changed, as the application asks for it."""

from __future__ import annotations

from typing import Protocol

from tales.domain.changes import Change, ChangeFilter
from tales.domain.page import Page, PageRequest


class ChangeLog(Protocol):
    """Changes, which the database itself keeps, and nobody changes or deletes."""

    async def list(self, page: PageRequest, which: ChangeFilter) -> Page[Change]:
        """Those that fit, the newest first."""
