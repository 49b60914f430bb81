"""Which attempts a report counts, as its query says it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from tales.domain.replay import ReplayPolicy
from tales.domain.report_filters import Period, ReportFilter
from tales.domain.story_spec import StoryType
from tales.interfaces.api.fields import Body, Id, Text


class WhichAttempts(Body):
    """The attempts of a period that fit all that is said."""

    since: Annotated[
        Text | None, Field(description="How far back: hours, days or weeks; `30d` by default.", examples=["30d", "12h"])
    ] = None
    from_: Annotated[
        Text | None, Field(alias="from", description="From when on: a date or a time.", examples=["2026-11-01"])
    ] = None
    to: Annotated[Text | None, Field(description="Until when: a time, or a date whose day is part of it.")] = None
    zone: Annotated[Text, Field(description="The time zone of days and hours.", examples=["Europe/Berlin"])] = "UTC"
    model: Annotated[Text | None, Field(description="The model that was asked.")] = None
    story_type: StoryType | None = None
    language: Text | None = None
    user_id: Id | None = None
    prompt_version: Text | None = None
    migrated: Annotated[bool, Field(description="Count migrated attempts too.")] = False

    def filter(self, now: datetime) -> ReportFilter:
        """The same in the domain's terms. Raises: InvalidInput."""
        since, until = Period(since=self.since, from_=self.from_, to=self.to, zone=self.zone).bounds(now)
        return ReportFilter(
            since=since,
            until=until,
            zone=self.zone,
            model=self.model,
            story_type=self.story_type,
            language=self.language,
            user_id=self.user_id,
            prompt_version=self.prompt_version,
            migrated=self.migrated,
        )


class WhichPolicy(WhichAttempts):
    """The same, and another retry policy; what is left out stays as it was recorded."""

    attempts: Annotated[int | None, Field(ge=1, le=100, description="At most so many attempts.")] = None
    pause: Annotated[float | None, Field(ge=0, le=3600, description="Seconds before the first retry, at most.")] = None
    chain: Annotated[Text | None, Field(description="The models in turn, with commas between them.")] = None

    def policy(self) -> ReplayPolicy:
        """The same in the domain's terms."""
        models = tuple(filter(None, (part.strip() for part in (self.chain or "").split(","))))
        return ReplayPolicy(attempts=self.attempts, pause=self.pause, chain=models or None)
