"""What an operator has chosen to look at: a period, and what attempts have in common. It stands in the address.

So it stays from page to page, and an address that is sent to somebody else shows them the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tales.domain.errors import InvalidInput, NotFound
from tales.domain.report_filters import DEFAULT_PERIOD, Period, ReportFilter
from tales.domain.story_spec import StoryType
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import CurrentVisitor, Visitor
from tales.interfaces.web.operator.fields import chosen_id, one_of

PERIODS = ("24h", "7d", DEFAULT_PERIOD, "90d", "365d")
"""Those of the picker; any other one goes into the address as well."""


class Chosen(BaseModel):
    """The part of an address that all of the operator's pages have in common. Empty: not chosen."""

    model_config = ConfigDict(frozen=True)

    since: str = ""
    from_: Annotated[str, Field(alias="from")] = ""
    to: str = ""
    zone: str = ""
    model: str = ""
    story_type: str = ""
    language: str = ""
    user_id: str = ""

    def check(self) -> None:
        """Pass when each field holds characters that can be read. Raises: InvalidInput."""
        for name, value in self.model_dump(by_alias=True).items():
            if not value.isprintable():
                raise InvalidInput(name, f"{name} holds characters that nobody can see. Write it anew.")

    def filter(self, now: datetime) -> ReportFilter:
        """The attempts that are meant. Raises: InvalidInput."""
        self.check()
        zone = self.zone or "UTC"
        period = Period(since=self.since or None, from_=self.from_ or None, to=self.to or None, zone=zone)
        since, until = period.bounds(now)
        return ReportFilter(
            since=since,
            until=until,
            zone=zone,
            model=self.model or None,
            story_type=one_of(StoryType, "story_type", self.story_type),
            language=self.language or None,
            user_id=chosen_id("user_id", self.user_id),
        )

    @property
    def period(self) -> str:
        """What the picker shows as chosen; empty for dates of one's own."""
        return "" if self.from_ or self.to else self.since or DEFAULT_PERIOD

    def said(self) -> dict[str, str]:
        """All that is chosen, by its name in the address."""
        common = self.model_dump(by_alias=True, include=set(Chosen.model_fields))
        return {name: value for name, value in common.items() if value}

    def address(self, path: str, **changes: str) -> str:
        """`path`, with a part of its page, all that is chosen, and `changes`; an empty one leaves out what it names."""
        path, mark, part = path.partition("#")
        # `from` is a word of Python's.
        query = {name.rstrip("_"): value for name, value in (self.said() | changes).items() if value}
        return path + (f"?{urlencode(query)}" if query else "") + mark + part

    def with_period(self, period: str) -> dict[str, str]:
        """The changes that choose another period."""
        return {"since": "" if period == DEFAULT_PERIOD else period, "from": "", "to": ""}


WhatIsChosen = Annotated[Chosen, Query()]


async def _admin(request: Request, visitor: CurrentVisitor) -> Visitor:
    """For anybody else there is nothing here."""
    if not visitor.actor.is_admin:
        raise NotFound("page", request.url.path)
    return visitor


CurrentAdmin = Annotated[Visitor, Depends(_admin)]


def filter_or_usual(chosen: Chosen, services: UseCases) -> tuple[ReportFilter, InvalidInput | None]:
    """What is meant; where it cannot be, the usual period, and why."""
    now = services.clock.now()
    try:
        return chosen.filter(now), None
    except InvalidInput as error:
        return Chosen().filter(now), error
