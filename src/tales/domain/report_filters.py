"""Which attempts a report counts: a period, and what they have in common. The same for every report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from tales.domain.errors import InvalidInput
from tales.domain.period import LONGEST, parse_period
from tales.domain.story_spec import StoryType

DEFAULT_PERIOD = "30d"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFilter:
    """Attempts that were asked for from `since` on and before `until`; None of the others leaves it open.

    `zone` is the time zone of days and hours (IANA's name). Migrated attempts are left out unless `migrated`.
    """

    since: datetime
    until: datetime
    zone: str = "UTC"
    model: str | None = None
    story_type: StoryType | None = None
    language: str | None = None
    user_id: UUID | None = None
    prompt_version: str | None = None
    migrated: bool = False

    @property
    def before(self) -> ReportFilter:
        """The same for the period of the same length before this one."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From when until when, as somebody writes it: `since` (30d, 12h) back from now, or dates and times."""

    since: str | None = None
    from_: str | None = None
    to: str | None = None
    zone: str = "UTC"

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """The two moments. Raises: InvalidInput."""
        zone = _zone(self.zone)
        if self.since is not None and self.from_ is not None:
            raise InvalidInput("since", "Say either how far back (since) or from when on (from).")
        until = _moment("to", self.to, zone, is_end=True) if self.to is not None else now
        if self.from_ is not None:
            since = _moment("from", self.from_, zone, is_end=False)
        else:
            since = until - parse_period("since", DEFAULT_PERIOD if self.since is None else self.since)
        if not since < until:
            raise InvalidInput("from", "The period ends before it begins.")
        if until - since > LONGEST:
            raise InvalidInput("from", f"The period is too long. Use at most {LONGEST.days} days.")
        return since, until


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        pass
    except KeyError:
        pass
    raise InvalidInput("zone", "zone is no time zone. Use a name such as UTC or Europe/Berlin.")


def _moment(field: str, written: str, zone: ZoneInfo, *, is_end: bool) -> datetime:
    """A moment in UTC. A date is its first moment in `zone`; as an end, its last one: the day is part of the period."""
    advice = "Write a date (2026-11-29), or a date and time (2026-11-29T18:00, 2026-11-29T18:00+01:00)."
    try:
        if len(written) == len("2026-11-29"):
            day = date.fromisoformat(written) + timedelta(days=1 if is_end else 0)
            return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
        moment = datetime.fromisoformat(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(field, f"{field} is no time. {advice}") from None
