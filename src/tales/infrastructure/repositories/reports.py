"""Reports out of `tales.attempt_facts`: plain queries, so that the policies of whoever asks hold."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.comparison import DrawnRow
from tales.domain.courses import Course, Step
from tales.domain.generation import Status
from tales.domain.natural_order import natural_order
from tales.domain.prices import Estimate, Estimates
from tales.domain.report_filters import ReportFilter
from tales.domain.reports import CostRow, CostShareRow, FailureRow, ModelRow, PromptRow, TimeoutRow
from tales.domain.repositories.reports import ReportRepository
from tales.infrastructure.postgres.connection import let_reports_take_long
from tales.infrastructure.repositories import estimate_queries, rolled_reports
from tales.infrastructure.repositories import report_queries as queries
from tales.infrastructure.repositories.rolled_reports import RolledReports, Row
from tales.infrastructure.repositories.rollups import COMPLETE_UNTIL, answers, hours_until

# How many marks a row of rollups holds, the planner does not know: it would sort a hundred thousand to add them up.
_SETTINGS = text("select set_config('enable_sort', 'off', true), set_config('work_mem', '128MB', true)")
_LONGEST_GENERATION = timedelta(days=1)
_BY_FREQUENCY = ("model_used", "error_type")
_PROMPT_LENGTHS = ("under 1000", "1000 to 1999", "2000 to 3999", "from 4000", "unknown")

OfRolled = Callable[[RolledReports, ReportFilter], Awaitable[Sequence[Row]]]


class SqlReportRepository(ReportRepository):
    """Reports over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        # One report asks several times for the same.
        self._rollups: RolledReports | None = None
        self._too_many: dict[ReportFilter, bool] = {}
        self._may_take_long = False

    async def rolled_up_until(self, wanted: ReportFilter) -> datetime | None:
        rolled = await self._rolled(wanted)
        return hours_until(wanted, rolled.complete_until) if rolled else None

    async def not_counted(self, wanted: ReportFilter) -> frozenset[str]:
        rolled = await self._rolled(wanted)
        if rolled is None:
            return frozenset({"all"} if await self._are_too_many(wanted) else ())
        return await rolled.not_counted(wanted)

    async def migrated(self, wanted: ReportFilter) -> int:
        return sum(int(row["count"]) for row in await self._rows(wanted, queries.MIGRATED, RolledReports.migrated))

    async def models(self, wanted: ReportFilter) -> tuple[ModelRow, ...]:
        rows = await self._rows(wanted, queries.MODELS, RolledReports.models)
        return tuple(_model_row(dict(row)) for row in rows)

    async def courses(self, wanted: ReportFilter) -> tuple[Course, ...]:
        rows = await self._rows(
            wanted,
            queries.COURSES,
            RolledReports.courses,
            first_before=wanted.until,
            until=wanted.until + _LONGEST_GENERATION,
            of_model=wanted.model,
        )
        # Put in order here: there, all rows would be sorted before they are added up.
        ways: dict[str, list[Row]] = {}
        for row in rows:
            ways.setdefault(str((row["models"], row["statuses"], row["reasons"])), []).append(row)
        return tuple(_course(sorted(steps, key=itemgetter("step"))) for _, steps in sorted(ways.items()))

    async def timeouts(self, wanted: ReportFilter) -> tuple[TimeoutRow, ...]:
        rows = await self._rows(wanted, queries.TIMEOUTS, RolledReports.timeouts)
        return tuple(TimeoutRow(**row) for row in rows)

    async def failures(self, wanted: ReportFilter) -> tuple[FailureRow, ...]:
        since = {"from": wanted.before.since}
        rows = await self._rows(wanted, queries.FAILURES, RolledReports.failures, **since)
        return _failure_rows([{name: _count(value) for name, value in row.items()} for row in rows])

    async def costs(self, wanted: ReportFilter) -> tuple[CostRow, ...]:
        return tuple(CostRow(**row) for row in await self._rows(wanted, queries.COSTS, RolledReports.costs))

    async def cost_shares(self, wanted: ReportFilter) -> tuple[CostShareRow, ...]:
        rows = await self._rows(wanted, queries.COST_SHARES, RolledReports.cost_shares)
        return tuple(CostShareRow(**row) for row in rows)

    async def estimates(self, wanted: ReportFilter, users: Sequence[str] = ()) -> Estimates:
        rolled = await self._rolled(wanted)
        if rolled is not None and not await rolled.are_estimated(wanted):
            return Estimates({}, {})
        days: dict[tuple[date, str], Estimate] = {}
        shares: dict[tuple[str, str], Estimate] = {}
        for row in await self._raw(wanted, estimate_queries.ESTIMATES, users=list(users)):
            estimate = Estimate(row["usd"], row["attempts"])
            if row["dimension"] == "day":
                days[row["day"], row["value"]] = estimate
            elif estimate.attempts:  # the sum of nothing is a row too
                shares[row["dimension"], row["value"]] = estimate
        return Estimates(days, shares)

    async def daily_costs(self, wanted: ReportFilter) -> Mapping[date, float] | None:
        rolled = await self._rolled(wanted)
        if not (await rolled.are_days_counted(wanted) if rolled else not await self._are_too_many(wanted)):
            return None
        rows = await self._rows(wanted, queries.DAILY_COSTS, RolledReports.daily_costs)
        return {row["day"]: row["cost_usd"] for row in rows}

    async def prompts(self, wanted: ReportFilter) -> tuple[PromptRow, ...]:
        rows = await self._rows(wanted, queries.PROMPTS, RolledReports.prompts)
        return tuple(_prompt_row(dict(row)) for row in rows)

    async def drawn(self, wanted: ReportFilter) -> tuple[DrawnRow, ...]:
        rows = await self._rows(wanted, queries.DRAWN, RolledReports.drawn)
        return tuple(DrawnRow(**dict(row) | {"experiment": _weights(row["experiment"])}) for row in rows)

    async def _rolled(self, wanted: ReportFilter) -> RolledReports | None:
        """What answers it out of rollups, if they hold anything of it; a family sees none."""
        if self._rollups is None and (complete_until := await self._session.scalar(COMPLETE_UNTIL)) is not None:
            self._rollups = RolledReports(self._ask, complete_until)
        return self._rollups if self._rollups and answers(wanted, self._rollups.complete_until) else None

    async def _rows(self, wanted: ReportFilter, template: str, of_rolled: OfRolled, **more: object) -> Sequence[Row]:
        """The rows of a report: out of rollups where they answer, otherwise those of `template`, with `more` to it."""
        if rolled := await self._rolled(wanted):
            return await of_rolled(rolled, wanted)
        return await self._raw(wanted, template, **more)

    async def _raw(self, wanted: ReportFilter, template: str, **more: object) -> Sequence[RowMapping]:
        if await self._are_too_many(wanted):
            return []
        return await self._ask(*queries.query(template, wanted, **more))

    async def _are_too_many(self, wanted: ReportFilter) -> bool:
        """Whether a user, of whom rollups know nothing, has more attempts in the period or the one before."""
        if wanted.user_id is None:
            return False
        whole = ReportFilter(since=wanted.before.since, until=wanted.until, user_id=wanted.user_id, migrated=True)
        if whole not in self._too_many:
            most = rolled_reports.MOST_COUNTED
            (row,) = await self._ask(*queries.query(queries.UP_TO, whole, most=most + 1))
            self._too_many[whole] = row["count"] > most
        return self._too_many[whole]

    async def _ask(self, statement: TextClause, values: dict[str, object]) -> Sequence[RowMapping]:
        if not self._may_take_long:
            self._may_take_long = True
            await let_reports_take_long(self._session)
            await self._session.execute(_SETTINGS)
        return (await self._session.execute(statement, values)).mappings().all()


def _model_row(row: dict[str, Any]) -> ModelRow:
    for name in ("seconds", "first_token_seconds"):
        percentiles = row.pop(name) or (None, None, None)
        row |= {f"{name}_p{p}": value for p, value in zip((50, 95, 99), percentiles, strict=True)}
    return ModelRow(**row)


def _prompt_row(row: dict[str, Any]) -> PromptRow:
    half, most = row.pop("seconds") or (None, None)
    return PromptRow(**row, seconds_p50=half, seconds_p95=most)


def _weights(experiment: str) -> str:
    """The versions and their weights, as a person reads them."""
    weights: dict[str, int] = json.loads(experiment)
    return ", ".join(f"{version} {weights[version]}" for version in sorted(weights, key=natural_order))


def _course(rows: Sequence[Row]) -> Course:
    """A course out of its rows, one a step."""
    first = rows[0]
    described = zip(rows, first["models"], first["statuses"], first["reasons"], strict=True)
    steps = tuple(
        Step(
            model_used=model,
            status=Status(status),
            error_type=reason,
            waited=row["waited"],
            seconds=row["seconds"],
            timed=row["timed"],
            cost_usd=row["cost_usd"],
            cost_unknown=row["cost_unknown"],
        )
        for row, model, status, reason in described
    )
    return Course(first["generations"], steps)


def _failure_rows(rows: list[dict[str, Any]]) -> tuple[FailureRow, ...]:
    """The rows in their order. Any attempt could have failed for any reason; a success has none and is no row."""
    models = [row for row in rows if row["dimension"] == "model_used"]
    ended = {name: sum(row[name] for row in models) for name in ("ended", "before_ended")}
    found = [FailureRow(**row | (ended if row["dimension"] == "error_type" else {})) for row in rows if row["value"]]
    return tuple(sorted(found, key=_place))


def _place(row: FailureRow) -> tuple[int, int, str]:
    dimensions = ("model_used", "error_type", "hour", "weekday", "prompt_length")
    place = -row.failed - row.timeout if row.dimension in _BY_FREQUENCY else 0
    if row.dimension == "prompt_length":
        place = _PROMPT_LENGTHS.index(row.value)
    return dimensions.index(row.dimension), place, row.value


def _count(value: Any) -> Any:  # noqa: ANN401 -- a row's values have no common type
    """Sums of counts come as decimals, and as NULL where there was nothing."""
    return value if isinstance(value, str) else int(value or 0)
