"""Reports out of `tales.generations`: plain queries, so that the policies of whoever asks hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.reports import CostRow, ModelRow, PromptRow, ReasonRow, RetryRow, TimeoutRow
from tales.domain.repositories.reports import ReportRepository
from tales.infrastructure.postgres.connection import REPORT_TIMEOUT

_COST = """
    sum(coalesce(cost_usd, reconciled_cost_usd)) as cost_usd,
    count(*) filter (where status <> 'pending' and coalesce(cost_usd, reconciled_cost_usd) is null) as cost_unknown
"""
_SUCCESS_RATE = """
    (count(*) filter (where is_live and status = 'success'))::float
        / nullif(count(*) filter (where is_live and status <> 'pending'), 0) as success_rate
"""
_TOKENS = "sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens"
# Only what is counted: the large columns are not read.
_SINCE = """
    select *, extract(epoch from completed_at - started_at)::float as seconds,
        extract(epoch from first_token_at - started_at)::float as first_token_seconds
    from (
        select generation_id, attempt_number, model_used, status, error_type, prompt_version, created_at, started_at,
            first_token_at, completed_at, prompt_tokens, completion_tokens, cost_usd, reconciled_cost_usd,
            origin = 'live' as is_live
        from tales.generations
        where created_at >= :since
    ) as attempt
"""
_MODELS = f"""
    select model_used,
        count(*) filter (where is_live) as attempts,
        count(*) filter (where is_live and status = 'success') as success,
        count(*) filter (where is_live and status = 'failed') as failed,
        count(*) filter (where is_live and status = 'timeout') as timeout,
        count(*) filter (where is_live and status = 'pending') as pending,
        count(*) filter (where not is_live) as migrated,
        {_SUCCESS_RATE},
        percentile_cont(0.5) within group (order by seconds) filter (where is_live) as seconds_p50,
        percentile_cont(0.95) within group (order by seconds) filter (where is_live) as seconds_p95,
        percentile_cont(0.5) within group (order by first_token_seconds) filter (where is_live)
            as first_token_seconds_p50,
        {_TOKENS}, {_COST}
    from ({_SINCE}) as attempt
    group by model_used
    order by count(*) desc, model_used
"""
# A generation counts when its first attempt does.
_RETRIES = f"""
    select attempts, count(*) as generations, count(*) filter (where succeeded) as succeeded
    from (
        select count(*) as attempts, bool_or(status = 'success') as succeeded
        from ({_SINCE}) as attempt
        where is_live
        group by generation_id
        having min(attempt_number) = 1
    ) as generation
    group by attempts
    order by attempts
"""
_REASONS = f"""
    select failure.error_type, count(*) as attempts, count(retry.generation_id) as retried,
        count(success.generation_id) as recovered
    from ({_SINCE}) as failure
    left join tales.generations as retry
        on retry.generation_id = failure.generation_id and retry.attempt_number = failure.attempt_number + 1
    left join tales.generations as success
        on success.generation_id = failure.generation_id and success.status = 'success'
    where failure.is_live and failure.status in ('failed', 'timeout')
    group by failure.error_type
    order by count(*) desc, failure.error_type
"""
_TIMEOUTS = f"""
    select model_used, error_type, timeouts, timeouts::float / ended as share, seconds_p50
    from (
        select model_used, error_type, count(*) filter (where status = 'timeout') as timeouts,
            sum(count(*)) over (partition by model_used) as ended,
            percentile_cont(0.5) within group (order by seconds) filter (where status = 'timeout') as seconds_p50
        from ({_SINCE}) as attempt
        where is_live and status <> 'pending'
        group by model_used, error_type
    ) as reason
    where timeouts > 0
    order by timeouts desc, model_used, error_type
"""
_COSTS = f"""
    select (created_at at time zone 'UTC')::date as day, model_used, count(*) as attempts, {_TOKENS}, {_COST}
    from ({_SINCE}) as attempt
    group by day, model_used
    order by day desc, count(*) desc, model_used
"""
_PROMPTS = f"""
    select prompt_version, model_used, count(*) as attempts,
        count(*) filter (where status = 'success') as success,
        count(*) filter (where error_type in ('empty', 'truncated', 'refusal', 'too_short')) as unusable,
        {_SUCCESS_RATE},
        percentile_cont(0.5) within group (order by completion_tokens) filter (where status = 'success')
            as completion_tokens_p50,
        {_COST}
    from ({_SINCE}) as attempt
    where is_live
    group by prompt_version, model_used
    order by count(*) desc, prompt_version, model_used
"""

Row = TypeVar("Row")


class SqlReportRepository(ReportRepository):
    """Reports over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def models(self, since: datetime) -> tuple[ModelRow, ...]:
        return await self._rows(text(_MODELS), since, ModelRow)

    async def retries(self, since: datetime) -> tuple[RetryRow, ...]:
        return await self._rows(text(_RETRIES), since, RetryRow)

    async def reasons(self, since: datetime) -> tuple[ReasonRow, ...]:
        return await self._rows(text(_REASONS), since, ReasonRow)

    async def timeouts(self, since: datetime) -> tuple[TimeoutRow, ...]:
        return await self._rows(text(_TIMEOUTS), since, TimeoutRow)

    async def costs(self, since: datetime) -> tuple[CostRow, ...]:
        return await self._rows(text(_COSTS), since, CostRow)

    async def prompts(self, since: datetime) -> tuple[PromptRow, ...]:
        return await self._rows(text(_PROMPTS), since, PromptRow)

    async def _rows(self, query: TextClause, since: datetime, row: Callable[..., Row]) -> tuple[Row, ...]:
        driver: Any = (await (await self._session.connection()).get_raw_connection()).driver_connection
        driver.answer_timeout = REPORT_TIMEOUT
        found = await self._session.execute(query, {"since": since})
        return tuple(row(**each) for each in found.mappings())
