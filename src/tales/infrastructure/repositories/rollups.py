"""Rollups: how far they go, which part of a period they answer, and how they are brought up to date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import text

from tales.domain.report_filters import ReportFilter
from tales.infrastructure.postgres.connection import let_reports_take_long

if TYPE_CHECKING:
    from tales.infrastructure.postgres.unit_of_work import SqlTransactions

GROWTH = 1.02
"""By how much a bucket of marks is longer than the one before it."""

MIDDLE = 2 / (1 + GROWTH)
"""Of the longest that a bucket holds, what is at most 1 % beside everything in it."""

COMPLETE_UNTIL = text("select complete_until from tales.rollup_state")
# Whether any goal waits for a snapshot is asked on the way: most operators set none.
REFRESH = text("""
    select tales.refresh_rollups(:most) as counted,
        exists (select from tales.prompt_goals where ended_at is null) as has_goal
""")
TAKE_SNAPSHOTS = text("select tales.take_snapshots()")
FORGET = text("select tales.forget_rollups()")
# One process at a time; whoever is asked to by an operator waits for another one.
_LOCK = text("select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('tales.rollup_state'))")
_TRY_LOCK = text("select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtext('tales.rollup_state'))")

HOURS_AT_ONCE = 24
"""Counted in one transaction."""

WHOLE = ("month", "day", "hour")
"""Grains, the coarsest first: whatever is asked of a period as a whole is read from as few rows as can be."""
DAYS = ("day", "hour")
HOURS = ("hour",)
QUARTERS = ("quarter",)
USERS = ("month", "day")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS = {"quarter": timedelta(minutes=15), "hour": timedelta(hours=1), "day": timedelta(days=1)}


async def refresh(transactions: SqlTransactions, *, waits: bool) -> int:
    """Count some hours, then take the snapshots of goals that are due; how many new and changed hours that were.

    Without `waits`, 0 while another process counts.
    """
    async with transactions.as_service() as work:
        await let_reports_take_long(work.session)
        if not waits and not await work.session.scalar(_TRY_LOCK):
            return 0
        await work.session.execute(_LOCK)
        found = (await work.session.execute(REFRESH, {"most": HOURS_AT_ONCE})).one()
        await work.commit()
    if found.has_goal:
        # Apart: what is wrong with a goal keeps no hour from being counted.
        async with transactions.as_service() as work:
            await work.session.execute(TAKE_SNAPSHOTS)
            await work.commit()
    return int(found.counted)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a period: read from rollups of `grain`, or, where that is None, from the attempts themselves."""

    grain: str | None
    since: datetime
    until: datetime


def answers(wanted: ReportFilter, complete_until: datetime | None) -> bool:
    """Whether rollups hold anything of what is asked for: an hour of it, whole. They know no user."""
    if complete_until is None or wanted.user_id is not None:
        return False
    return _up(wanted.since, "hour") < hours_until(wanted, complete_until)


def hours_until(wanted: ReportFilter, complete_until: datetime) -> datetime:
    """Up to when rollups answer."""
    return down(min(wanted.until, complete_until.astimezone(UTC)), "hour")


def spans(wanted: ReportFilter, complete_until: datetime, grains: Sequence[str]) -> tuple[Span, ...]:
    """The period in parts, each as coarse as it can be."""
    return tuple(_split(wanted.since, wanted.until, complete_until.astimezone(UTC), grains))


def grains_of_days(wanted: ReportFilter) -> tuple[str, ...] | None:
    """Of what days of the report's time zone add up from; None where rollups do not know its days so far apart."""
    zone = ZoneInfo(wanted.zone)
    offsets = {moment.astimezone(zone).utcoffset() or timedelta() for moment in _moments(wanted)}
    if offsets == {timedelta()}:
        return DAYS
    if all(offset % _LENGTHS["hour"] == timedelta() for offset in offsets):
        return HOURS
    if any(offset % _LENGTHS["quarter"] for offset in offsets) or is_narrowed(wanted):
        return None
    return QUARTERS


def is_narrowed(wanted: ReportFilter) -> bool:
    """Whether it is narrowed by what only the detail 'request' of rollups knows."""
    return any(value is not None for value in (wanted.story_type, wanted.language, wanted.prompt_version))


def value_of(mark: int | None) -> float | None:
    """What a mark stands for (`tales.mark`)."""
    return None if mark is None else GROWTH ** (mark % 10_000 - 1000) * MIDDLE


def down(moment: datetime, grain: str) -> datetime:
    """The beginning of the quarter, hour, day or month that a moment lies in."""
    moment = moment.astimezone(UTC)
    if grain == "month":
        return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return moment - (moment - _EPOCH) % _LENGTHS[grain]


def _moments(wanted: ReportFilter) -> Iterator[datetime]:
    """Some of the period, close enough together to see each change of a zone's clock that lasts for weeks."""
    moment = wanted.since
    while moment < wanted.until:
        yield moment
        moment += timedelta(days=14)
    yield wanted.until


def _split(since: datetime, until: datetime, complete_until: datetime, grains: Sequence[str]) -> Iterator[Span]:
    if since >= until:
        return
    if not grains:
        yield Span(None, since, until)
        return
    begins, ends = _up(since, grains[0]), down(min(until, complete_until), grains[0])
    if begins >= ends:
        yield from _split(since, until, complete_until, grains[1:])
        return
    yield from _split(since, begins, complete_until, grains[1:])
    yield Span(grains[0], begins, ends)
    yield from _split(ends, until, complete_until, grains[1:])


def _up(moment: datetime, grain: str) -> datetime:
    """The first such beginning from a moment on."""
    begins = down(moment, grain)
    if begins == moment:
        return begins
    return down(begins + timedelta(days=31), grain) if grain == "month" else begins + _LENGTHS[grain]
