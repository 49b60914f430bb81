"""Rollups: how far they go, which reports they answer, and how they are brought up to date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from tales.domain.report_filters import ReportFilter

GROWTH = 1.02
"""By how much a bucket of seconds is longer than the one before it."""

MIDDLE = 2 / (1 + GROWTH)
"""Of the longest that a bucket holds, what is at most 1 % beside everything in it."""

COMPLETE_UNTIL = text("select complete_until from tales.rollup_state")
REFRESH = text("select tales.refresh_rollups(:most)")
FORGET = text("select tales.forget_rollups()")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RolledUp:
    """The part of a period that rollups answer: whole hours and, in them, whole days, in UTC."""

    hours_from: datetime
    hours_to: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        """For the statements of `rollup_queries`."""
        days_from = -(-(self.hours_from - _EPOCH) // _DAY) * _DAY + _EPOCH
        days_to = max(days_from, (self.hours_to - _EPOCH) // _DAY * _DAY + _EPOCH)
        return {
            "hours_from": self.hours_from,
            "hours_to": self.hours_to,
            # No whole day: all of it is measured anew, once.
            "days_from": days_from if days_from < days_to else self.hours_to,
            "days_to": days_to if days_from < days_to else self.hours_to,
            "day_from": days_from.date(),
            "day_to": days_to.date(),
        }


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rolled_up(wanted: ReportFilter, complete_until: datetime | None) -> RolledUp | None:
    """The part of a report that rollups answer; None where they hold nothing of it, or not what it is narrowed by."""
    narrowed = (wanted.story_type, wanted.language, wanted.user_id, wanted.prompt_version)
    if complete_until is None or any(value is not None for value in narrowed):
        return None
    zone = ZoneInfo(wanted.zone)
    offsets = [moment.astimezone(zone).utcoffset() or timedelta() for moment in (wanted.since, wanted.until)]
    if any(offset % _HOUR for offset in offsets):
        return None
    hours_from = -(-(wanted.since - _EPOCH) // _HOUR) * _HOUR + _EPOCH
    hours_to = min((wanted.until - _EPOCH) // _HOUR * _HOUR + _EPOCH, complete_until.astimezone(UTC))
    return RolledUp(hours_from, hours_to) if hours_from < hours_to else None


def seconds_of(buckets: list[int | None] | None) -> list[float | None]:
    """The percentiles out of their buckets."""
    return [None if bucket is None else GROWTH**bucket * MIDDLE for bucket in buckets or [None] * 3]
