"""What clients send to several endpoints of version 3."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tales.domain.page import MAX_PAGE, PageRequest
from tales.interfaces.api.cursor import decode_cursor
from tales.interfaces.api.fields import Body, Shown


class WhichPage(Body):
    """Which part of a list, newest first."""

    cursor: Annotated[str | None, Field(description="`next_cursor` of the page before; none for the first.")] = None
    limit: Annotated[int, Shown(minimum=1, maximum=MAX_PAGE), Field(description="Items a page.")] = 20

    def checked(self) -> PageRequest:
        """The same in the domain's terms. Raises: InvalidInput."""
        return PageRequest(self.limit, None if self.cursor is None else decode_cursor(self.cursor))
