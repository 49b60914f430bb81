"""Reports out of rollups, for an admin and a period of which they hold something.

Counts and sums are those of the attempts, percentiles within 1 %. What rollups cannot answer, as it is narrowed, is
counted attempt by attempt, unless there are too many: then it is left out, and `not_counted` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, TextClause

from tales.domain.generation import Status
from tales.domain.report_filters import ReportFilter
from tales.infrastructure.repositories import rollup_queries as queries
from tales.infrastructure.repositories import rollups
from tales.infrastructure.repositories.dearest_users import dearest_users
from tales.infrastructure.repositories.rollup_queries import ANY, Kind
from tales.infrastructure.repositories.rollups import Span, is_narrowed, spans, value_of

MOST_COUNTED = 100_000
"""Attempts of a period that are counted one by one where rollups do not answer: that takes about a second."""

MOST_ESTIMATED = 20_000
"""Attempts whose cost is estimated: the price list may change for any time, so that rollups hold no estimates."""

SECONDS, FIRST_TOKEN, TOKENS = 0, 1, 2
_OUTCOMES = ("ended", "failed", "timeout")
_NOT_MEASURED = (None, None, None)

Row = RowMapping | dict[str, Any]
Ask = Callable[[TextClause, dict[str, object]], Awaitable[Sequence[RowMapping]]]


@dataclass(frozen=True, slots=True)
class RolledReports:
    """`ask` runs a statement; rollups are complete until `complete_until`."""

    ask: Ask
    complete_until: datetime
    _asked: dict[ReportFilter, Sequence[RowMapping]] = field(default_factory=dict)

    async def not_counted(self, wanted: ReportFilter) -> frozenset[str]:
        """What is left out: of user_id, prompt_length, hour, weekday and day, and of estimates."""
        unknown: set[str] = set()
        if is_narrowed(wanted) or wanted.model is not None:
            unknown.add("user_id")
        if is_narrowed(wanted):
            unknown.add("prompt_length")
        if rollups.grains_of_days(wanted) is None:
            unknown |= {"hour", "weekday", "day"}
        left_out = unknown if unknown and await self._are_many(wanted) else set()
        return frozenset(left_out if await self.are_estimated(wanted) else left_out | {"estimate"})

    async def are_estimated(self, wanted: ReportFilter) -> bool:
        """Whether the attempts whose cost can be estimated are so few that they are."""
        estimable = (row["estimable"] for row in await self._outcomes(wanted) if row["is_live"] or wanted.migrated)
        return int(sum(estimable)) <= MOST_ESTIMATED

    # From here on, rows as those of the queries that count attempt by attempt.

    async def migrated(self, wanted: ReportFilter) -> Sequence[Row]:
        return [{"count": row["attempts"]} for row in await self._outcomes(wanted) if not row["is_live"]]

    async def models(self, wanted: ReportFilter) -> Sequence[Row]:
        counted = [dict(row) for row in await self._rows(queries.MODELS, wanted, rollups.WHOLE)]
        measured = await self._marks(wanted, ("model_used",), (SECONDS, FIRST_TOKEN))
        for row in counted:
            row["seconds"] = measured.get((row["model_used"], SECONDS))
            row["first_token_seconds"] = measured.get((row["model_used"], FIRST_TOKEN))
        return counted

    async def courses(self, wanted: ReportFilter) -> Sequence[Row]:
        return await self._rows(queries.COURSES, wanted, rollups.WHOLE)

    async def timeouts(self, wanted: ReportFilter) -> Sequence[Row]:
        by = ("model_used", "error_type")
        measured = await self._marks(wanted, by, (SECONDS, SECONDS), "status = 'timeout'")
        ended, timeouts = Counter[str](), Counter[tuple[str, str | None]]()
        for row in await self._ended(wanted):
            ended[row["model_used"]] += row["attempts"]
            timeouts[row["model_used"], row["error_type"]] += row["attempts"] * (row["status"] == Status.TIMEOUT)
        found = [
            {
                "model_used": model,
                "error_type": reason,
                "timeouts": count,
                "share": count / ended[model],
                "seconds_p50": measured.get((model, reason, SECONDS), _NOT_MEASURED)[0],
            }
            for (model, reason), count in timeouts.items()
            if count
        ]
        return sorted(found, key=lambda row: (-row["timeouts"], row["model_used"], row["error_type"] or ""))

    async def failures(self, wanted: ReportFilter) -> Sequence[Row]:
        left_out = await self.not_counted(wanted)
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for prefix, of_period in (("", wanted), ("before_", wanted.before)):
            for row in await self._failures(of_period, left_out):
                key = (row["dimension"], row["value"])
                nothing = dict.fromkeys((*_OUTCOMES, *(f"before_{name}" for name in _OUTCOMES)), 0)
                both = found.setdefault(key, {"dimension": key[0], "value": key[1]} | nothing)
                both |= {prefix + name: row[name] for name in _OUTCOMES}
        return list(found.values())

    async def are_days_counted(self, wanted: ReportFilter) -> bool:
        """Whether rollups know the days of its zone, or there are few enough attempts to count them one by one."""
        return rollups.grains_of_days(wanted) is not None or not await self._are_many(wanted)

    async def costs(self, wanted: ReportFilter) -> Sequence[Row]:
        return await self._by_day(queries.COSTS, wanted)

    async def daily_costs(self, wanted: ReportFilter) -> Sequence[Row]:
        return await self._by_day(queries.DAILY_COSTS, wanted)

    async def cost_shares(self, wanted: ReportFilter) -> Sequence[Row]:
        rows = list(await self._rows(queries.COST_SHARES, wanted, rollups.WHOLE, Kind(detail="request")))
        if not is_narrowed(wanted) and wanted.model is None:
            # Of migrated attempts a user has rows of their own, so that the lists hold half of what some cost.
            dearest = [] if wanted.migrated else await self.ask(*dearest_users(wanted, self.complete_until))
            rows[1:1] = dearest or await self._rows(queries.USER_SHARES, wanted, rollups.USERS)
        elif "user_id" not in await self.not_counted(wanted):
            parts = (Span(None, wanted.since, wanted.until),)
            rows[1:1] = await self.ask(*queries.rolled_query(queries.USER_SHARES, wanted, parts))
        return rows

    async def prompts(self, wanted: ReportFilter) -> Sequence[Row]:
        detail = "request" if is_narrowed(wanted) else "version"
        measured = await self._marks(wanted, ("model_used", "prompt_version"), (SECONDS, TOKENS), detail=detail)
        found = []
        for row in await self._rows(queries.PROMPTS, wanted, rollups.WHOLE, Kind(detail=detail, is_live=True)):
            which = (row["model_used"], row["prompt_version"])
            seconds = measured.get((*which, SECONDS), _NOT_MEASURED)[:2]
            tokens = measured.get((*which, TOKENS), _NOT_MEASURED)[0]
            found.append({**row, "seconds": seconds, "completion_tokens_p50": tokens})
        return found

    async def drawn(self, wanted: ReportFilter) -> Sequence[Row]:
        return await self._rows(queries.DRAWN, wanted, rollups.WHOLE, Kind(detail="drawn"))

    async def _marks(
        self,
        wanted: ReportFilter,
        by: tuple[str, ...],
        measures: tuple[int, int],
        only: str = "true",
        detail: str | None = None,
    ) -> dict[tuple[Any, ...], Sequence[float | None]]:
        """The median, the 95th and the 99th percentile, each by what `by` names and the measure."""
        kind = Kind(detail=detail, measures=measures)
        rows = await self._rows(queries.MARKS, wanted, rollups.WHOLE, kind, by=", ".join(by), only=only)
        return {(*(row[name] for name in by), row["measure"]): [*map(value_of, row["marks"])] for row in rows}

    async def _outcomes(self, wanted: ReportFilter) -> Sequence[RowMapping]:
        """How many attempts went how, the migrated ones among them, asked for or not."""
        whole = replace(wanted, migrated=True)
        if whole not in self._asked:
            self._asked[whole] = await self._rows(queries.OUTCOMES, whole, rollups.WHOLE)
        return self._asked[whole]

    async def _ended(self, wanted: ReportFilter) -> list[RowMapping]:
        """Of these, what Tales itself called, and has ended."""
        return [row for row in await self._outcomes(wanted) if row["is_live"] and row["status"] != Status.PENDING]

    async def _failures(self, wanted: ReportFilter, left_out: frozenset[str]) -> list[Any]:
        ended = await self._ended(wanted)
        rows: list[Any] = [*_failed_by("model_used", ended), *_failed_by("error_type", ended)]
        if "hour" not in left_out:
            rows += await self._by_hour(wanted)
        if not is_narrowed(wanted):
            rows += await self._rows(queries.FAILURES_BY_LENGTH, wanted, rollups.WHOLE, Kind(detail="length"))
        elif "prompt_length" not in left_out:
            rows += await self._raw(queries.FAILURES_BY_LENGTH, wanted)
        return rows

    async def _by_hour(self, wanted: ReportFilter) -> Sequence[RowMapping]:
        grains = rollups.grains_of_days(wanted)
        if grains is None:
            return await self._raw(queries.FAILURES_BY_HOUR, wanted)
        if "quarter" in grains:
            return await self._rows(queries.FAILURES_BY_HOUR, wanted, rollups.QUARTERS)
        kind = ANY if is_narrowed(wanted) or wanted.model is not None else Kind(detail="outcome")
        return await self._rows(queries.FAILURES_BY_HOUR, wanted, rollups.HOURS, kind)

    async def _by_day(self, template: str, wanted: ReportFilter) -> Sequence[RowMapping]:
        grains = rollups.grains_of_days(wanted)
        if grains is not None:
            return await self._rows(template, wanted, grains)
        return await self._raw(template, wanted) if await self.are_days_counted(wanted) else []

    async def _are_many(self, wanted: ReportFilter) -> bool:
        """Whether there are too many attempts to count one by one, in this period or the one before."""
        whole = replace(wanted, story_type=None, language=None, prompt_version=None, since=wanted.before.since)
        (row,) = await self._rows(queries.COUNT, whole, rollups.WHOLE)
        return int(row["count"]) > MOST_COUNTED

    async def _rows(
        self, template: str, wanted: ReportFilter, grains: Sequence[str], kind: Kind = ANY, **named: str
    ) -> Sequence[RowMapping]:
        parts = spans(wanted, self.complete_until, grains)
        return await self.ask(*queries.rolled_query(template, wanted, parts, kind, **named))

    async def _raw(self, template: str, wanted: ReportFilter) -> Sequence[RowMapping]:
        return await self.ask(*queries.rolled_query(template, wanted, (Span(None, wanted.since, wanted.until),)))


def _failed_by(name: str, ended: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """How many attempts ended, failed and timed out, by one of their columns."""
    found: dict[str, dict[str, Any]] = {}
    for row in ended:
        value = row[name] or ""
        counts = found.setdefault(value, {"dimension": name, "value": value} | dict.fromkeys(_OUTCOMES, 0))
        counts["ended"] += row["attempts"]
        if row["status"] in {Status.FAILED, Status.TIMEOUT}:
            counts[row["status"]] += row["attempts"]
    return list(found.values())
