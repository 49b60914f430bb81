"""Reports out of `tales.attempt_facts`: plain queries, so that the policies of whoever asks hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.comparison import DrawnRow
from tales.domain.courses import Course, Step
from tales.domain.generation import Status
from tales.domain.prices import Estimate
from tales.domain.report_filters import ReportFilter
from tales.domain.reports import CostRow, CostShareRow, FailureRow, ModelRow, PromptRow, TimeoutRow
from tales.domain.repositories.reports import ReportRepository
from tales.infrastructure.postgres.connection import REPORT_TIMEOUT
from tales.infrastructure.repositories import estimate_queries, rollup_queries
from tales.infrastructure.repositories import report_queries as queries
from tales.infrastructure.repositories.rollups import COMPLETE_UNTIL, RolledUp, rolled_up, seconds_of

_LONGEST_GENERATION = timedelta(days=1)
_BY_FREQUENCY = ("model_used", "error_type")
_PROMPT_LENGTHS = ("under 1000", "1000 to 1999", "2000 to 3999", "from 4000", "unknown")


class SqlReportRepository(ReportRepository):
    """Reports over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def rolled_up_until(self, wanted: ReportFilter) -> datetime | None:
        found = await self._rolled_up(wanted)
        return found.hours_to if found else None

    async def migrated(self, wanted: ReportFilter) -> int:
        (row,) = await self._rolled_rows(rollup_queries.MIGRATED, queries.MIGRATED, wanted)
        return int(row["count"])

    async def models(self, wanted: ReportFilter) -> tuple[ModelRow, ...]:
        rolled = await self._rolled_up(wanted)
        if rolled is None:
            return tuple(_model_row(dict(row)) for row in await self._rows(queries.MODELS, wanted))
        counted = [dict(row) for row in await self._rows(rollup_queries.MODELS, wanted, **rolled.parameters)]
        measured = {
            (row["model_used"], row["is_first_token"]): seconds_of(row["buckets"])
            for row in await self._rows(rollup_queries.PERCENTILES, wanted, **rolled.parameters)
        }
        for row in counted:
            model = row["model_used"]
            row |= {"seconds": measured.get((model, False)), "first_token_seconds": measured.get((model, True))}
        return tuple(_model_row(row) for row in counted)

    async def courses(self, wanted: ReportFilter) -> tuple[Course, ...]:
        more = {"first_before": wanted.until, "until": wanted.until + _LONGEST_GENERATION, "of_model": wanted.model}
        rows = await self._rows(queries.COURSES, wanted, **more)
        found = groupby(rows, key=lambda row: (row["models"], row["statuses"], row["reasons"]))
        return tuple(_course(list(steps)) for _, steps in found)

    async def timeouts(self, wanted: ReportFilter) -> tuple[TimeoutRow, ...]:
        return tuple(TimeoutRow(**row) for row in await self._rows(queries.TIMEOUTS, wanted))

    async def failures(self, wanted: ReportFilter) -> tuple[FailureRow, ...]:
        rows = await self._rows(queries.FAILURES, wanted, **{"from": wanted.before.since})
        return _failure_rows([{name: _count(value) for name, value in row.items()} for row in rows])

    async def costs(self, wanted: ReportFilter) -> tuple[CostRow, ...]:
        return tuple(CostRow(**row) for row in await self._rolled_rows(rollup_queries.COSTS, queries.COSTS, wanted))

    async def cost_shares(self, wanted: ReportFilter) -> tuple[CostShareRow, ...]:
        return tuple(CostShareRow(**row) for row in await self._rows(queries.COST_SHARES, wanted))

    async def estimated_days(self, wanted: ReportFilter) -> Mapping[tuple[date, str], Estimate]:
        rows = await self._rows(estimate_queries.DAYS, wanted)
        return {(row["day"], row["model_used"]): Estimate(row["usd"], row["attempts"]) for row in rows}

    async def estimated_shares(self, wanted: ReportFilter) -> Mapping[tuple[str, str], Estimate]:
        rows = await self._rows(estimate_queries.SHARES, wanted)
        # The sum of nothing is a row too.
        found = {(row["dimension"], row["value"]): Estimate(row["usd"], row["attempts"]) for row in rows}
        return {place: estimate for place, estimate in found.items() if estimate.attempts}

    async def daily_costs(self, wanted: ReportFilter) -> Mapping[date, float]:
        rows = await self._rolled_rows(rollup_queries.DAILY_COSTS, queries.DAILY_COSTS, wanted)
        return {row["day"]: row["cost_usd"] for row in rows}

    async def prompts(self, wanted: ReportFilter) -> tuple[PromptRow, ...]:
        return tuple(_prompt_row(dict(row)) for row in await self._rows(queries.PROMPTS, wanted))

    async def drawn(self, wanted: ReportFilter) -> tuple[DrawnRow, ...]:
        rows = (dict(row) for row in await self._rows(queries.DRAWN, wanted))
        return tuple(DrawnRow(**row | {"experiment": _weights(row["experiment"])}) for row in rows)

    async def _rolled_up(self, wanted: ReportFilter) -> RolledUp | None:
        return rolled_up(wanted, await self._session.scalar(COMPLETE_UNTIL))

    async def _rolled_rows(self, rolled: str, raw: str, wanted: ReportFilter) -> Sequence[RowMapping]:
        """From rollups where they answer it, else from the attempts."""
        found = await self._rolled_up(wanted)
        return await (self._rows(rolled, wanted, **found.parameters) if found else self._rows(raw, wanted))

    async def _rows(self, template: str, wanted: ReportFilter, **more: object) -> Sequence[RowMapping]:
        driver: Any = (await (await self._session.connection()).get_raw_connection()).driver_connection
        driver.answer_timeout = REPORT_TIMEOUT
        found = await self._session.execute(*queries.query(template, wanted, **more))
        return found.mappings().all()


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
    return ", ".join(f"{version} {weight}" for version, weight in sorted(json.loads(experiment).items()))


def _course(rows: Sequence[RowMapping]) -> Course:
    """A course out of its rows, one a step."""
    first = rows[0]
    described = zip(rows, first["models"], first["statuses"], first["reasons"], strict=True)
    steps = tuple(
        Step(
            model_used=model,
            status=Status(status),
            error_type=reason,
            **{name: row[name] for name in ("waited", "seconds", "timed", "cost_usd", "cost_unknown")},
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
