"""The SQL of reports that read rollups: whole months, days and hours from there, the rest from the attempts.

`{cells}`, `{drawn}`, `{marks}`, `{courses}` and `{users}` are what migration 032 says of them, for the period and what
it is narrowed by; a single attempt is a cell like others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from tales.domain.report_filters import ReportFilter
from tales.infrastructure.postgres.escaping import escape_text
from tales.infrastructure.repositories.report_queries import LENGTH_MISSED, UNUSABLE
from tales.infrastructure.repositories.rollups import Span, is_narrowed

_TOKENS = "sum(prompt_tokens)::bigint as prompt_tokens, sum(completion_tokens)::bigint as completion_tokens"
_COST = "sum(cost_usd) as cost_usd, sum(cost_unknown)::bigint as cost_unknown"
_REQUEST = ("story_type", "language", "prompt_version")

COUNT = "select coalesce(sum(attempts), 0)::bigint as count from ({cells}) as cell"
# What several parts of a report add up, asked for once: a look at the attempts beside rollups takes longest.
OUTCOMES = """
    select model_used, is_live, status, error_type, sum(attempts)::bigint as attempts,
        sum(estimable)::bigint as estimable
    from ({cells}) as cell
    group by model_used, is_live, status, error_type
"""
MODELS = f"""
    select model_used,
        coalesce(sum(attempts) filter (where is_live), 0)::bigint as attempts,
        coalesce(sum(attempts) filter (where is_live and status = 'success'), 0)::bigint as success,
        coalesce(sum(attempts) filter (where is_live and status = 'failed'), 0)::bigint as failed,
        coalesce(sum(attempts) filter (where is_live and status = 'timeout'), 0)::bigint as timeout,
        coalesce(sum(attempts) filter (where is_live and status = 'pending'), 0)::bigint as pending,
        coalesce(sum(attempts) filter (where not is_live), 0)::bigint as migrated,
        (sum(timed_tokens) filter (where is_live) / nullif(sum(timed_seconds) filter (where is_live), 0))::float
            as tokens_per_second,
        {_TOKENS}, {_COST}, sum(ratings)::bigint as ratings,
        sum(rating_sum)::float / nullif(sum(ratings), 0) as mean_rating, sum(good_stories)::bigint as good_stories
    from ({{cells}}) as cell
    group by model_used
    order by sum(attempts) desc, model_used
"""
# By the model, and maybe one thing more: the first marks up to which there is so much of all that was measured.
MARKS = """
    with cumulated as (
        select {by}, mark,
            sum(sum(marked)) over (partition by {by}, mark / 10000 order by mark) as up_to,
            sum(sum(marked)) over (partition by {by}, mark / 10000) as whole
        from ({marks}) as measured
        where {only}
        group by {by}, mark
    )
    select {by}, mark / 10000 as measure, array[
        min(mark) filter (where up_to >= 0.5 * whole), min(mark) filter (where up_to >= 0.95 * whole),
        min(mark) filter (where up_to >= 0.99 * whole)
    ] as marks
    from cumulated
    group by {by}, mark / 10000
"""
COURSES = """
    select models, statuses, reasons, step, sum(generations)::bigint as generations, sum(waited) as waited,
        sum(seconds) as seconds, sum(timed)::bigint as timed, sum(cost_usd) as cost_usd,
        sum(cost_unknown)::bigint as cost_unknown
    from ({courses}) as course
    group by models, statuses, reasons, step
"""
_OUTCOMES = """sum(attempts)::bigint as ended,
        coalesce(sum(attempts) filter (where status = 'failed'), 0)::bigint as failed,
        coalesce(sum(attempts) filter (where status = 'timeout'), 0)::bigint as timeout"""
FAILURES_BY_LENGTH = f"""
    select 'prompt_length' as dimension, prompt_length as value, {_OUTCOMES}
    from ({{cells}}) as cell
    where is_live and status <> 'pending'
    group by prompt_length
"""
# First each hour once: to say which it is in a zone, and its weekday, takes longer than to add up. No hour has as many
# attempts as an integer holds.
FAILURES_BY_HOUR = """
    select case when grouping(hour) = 0 then 'hour' else 'weekday' end as dimension,
        case when grouping(hour) = 0 then to_char(hour, 'FM00') else weekday::text end as value,
        sum(ended)::bigint as ended, sum(failed)::bigint as failed, sum(timeout)::bigint as timeout
    from (
        select date_part('hour', quarter at time zone :zone) as hour,
            date_part('isodow', quarter at time zone :zone) as weekday, ended, failed, timeout
        from (
            select starts_at as quarter, sum(attempts::integer) as ended,
                coalesce(sum(attempts::integer) filter (where status = 'failed'), 0) as failed,
                coalesce(sum(attempts::integer) filter (where status = 'timeout'), 0) as timeout
            from ({cells}) as cell
            where is_live and status <> 'pending'
            group by 1
        ) as quarters
    ) as hours
    group by grouping sets ((hour), (weekday))
"""
COSTS = f"""
    select (starts_at at time zone :zone)::date as day, model_used, sum(attempts)::bigint as attempts,
        {_TOKENS}, {_COST}
    from ({{cells}}) as cell
    group by day, model_used
    order by day desc, sum(attempts) desc, model_used
"""
DAILY_COSTS = """
    select (starts_at at time zone :zone)::date as day, coalesce(sum(cost_usd), 0)::float as cost_usd
    from ({cells}) as cell
    group by day
"""
COST_SHARES = f"""
    select dimension, value, attempts, cost_usd, failed_cost_usd, cost_unknown
    from (
        select case when grouping(model_used) = 0 then 'model_used' when grouping(story_type) = 0 then 'story_type'
                else 'all' end as dimension,
            case when grouping(model_used) = 0 then model_used when grouping(story_type) = 0 then story_type
                else '' end as value,
            sum(attempts)::bigint as attempts, {_COST},
            sum(cost_usd) filter (where status in ('failed', 'timeout')) as failed_cost_usd
        from ({{cells}}) as cell
        group by grouping sets ((), (model_used), (story_type))
    ) as shares
    where attempts > 0
    order by case dimension when 'all' then 0 when 'model_used' then 2 else 3 end,
        cost_usd desc nulls last, attempts desc, value
"""
USER_SHARES = f"""
    select 'user_id' as dimension, user_id::text as value, sum(attempts)::bigint as attempts, {_COST},
        sum(failed_cost_usd) as failed_cost_usd
    from ({{users}}) as spent
    group by user_id
    order by sum(cost_usd) desc nulls last, sum(attempts) desc, user_id::text
    limit 20
"""
_LENGTH_MISSED = f"coalesce(sum(attempts) filter (where error_type in ({LENGTH_MISSED})), 0)::bigint as length_missed"


def _deviation(squares: str, values: str, count: str) -> str:
    """That of a sample, NULL of less than two. Sums of equal floats may differ in their last digit."""
    return f"sqrt(greatest({count} * {squares} - {values} * {values}, 0)::float / nullif({count} * ({count} - 1), 0))"


PROMPTS = f"""
    select prompt_version, model_used, attempts, success, pending, unusable, refused, length_missed,
        ratings::bigint as ratings, rating_sum::float / nullif(ratings, 0) as mean_rating,
        {_deviation("rating_squares", "rating_sum", "ratings")} as rating_deviation,
        timed::bigint as timed, seconds / nullif(timed, 0)::float as seconds_mean,
        {_deviation("seconds_squares", "seconds", "timed::float")} as seconds_deviation,
        cost_usd, cost_unknown, {_deviation("cost_squares", "cost_usd", "known")} as cost_deviation
    from (
        select prompt_version, model_used, sum(attempts)::bigint as attempts,
            coalesce(sum(attempts) filter (where status = 'success'), 0)::bigint as success,
            coalesce(sum(attempts) filter (where status = 'pending'), 0)::bigint as pending,
            coalesce(sum(attempts) filter (where error_type in ({UNUSABLE})), 0)::bigint as unusable,
            coalesce(sum(attempts) filter (where error_type = 'refusal'), 0)::bigint as refused, {_LENGTH_MISSED},
            sum(ratings) as ratings, sum(rating_sum) as rating_sum, sum(rating_squares) as rating_squares,
            sum(timed) as timed, sum(seconds) as seconds, sum(seconds_squares) as seconds_squares,
            {_COST}, sum(cost_squares) as cost_squares,
            coalesce(sum(attempts) filter (where status <> 'pending'), 0) - sum(cost_unknown) as known
        from ({{cells}}) as cell
        where is_live
        group by prompt_version, model_used
    ) as counted
    order by attempts desc, prompt_version, model_used
"""
DRAWN = f"""
    select experiment, prompt_version,
        coalesce(sum(attempts) filter (where status <> 'pending'), 0)::bigint as ended,
        coalesce(sum(attempts) filter (where status = 'success'), 0)::bigint as success,
        coalesce(sum(attempts) filter (where error_type = 'refusal'), 0)::bigint as refused, {_LENGTH_MISSED},
        sum(ratings)::bigint as ratings, sum(good_stories)::bigint as good_stories
    from ({{drawn}}) as cell
    where experiment not like 'goal %'
    group by experiment, prompt_version
"""

_OF_CELL = """model_used, is_live, status, error_type, story_type, language, prompt_version, prompt_length, cost_usd,
    cost_squares, seconds, seconds_squares, timed_seconds"""
_COUNTS = (
    *("attempts", "timed", "timed_tokens", "prompt_tokens", "completion_tokens", "cost_unknown", "estimable"),
    *("ratings", "rating_sum", "rating_squares", "good_stories"),
)
_CELL = ", ".join([_OF_CELL, *_COUNTS])
# Of the same types: else each row would be made with all columns before one of them is added up.
_ONE_ATTEMPT = ", ".join([_OF_CELL, *(f"{name}::bigint as {name}" for name in _COUNTS)])
_MARK = "model_used, status, error_type, story_type, language, prompt_version, mark"
_COURSE = "models, statuses, reasons, step"
_SPENT = "user_id, attempts, cost_usd, cost_unknown"
# What is selected from rollups, and from the attempts.
_SOURCES = {
    "cells": (
        f"select starts_at, {_CELL} from tales.rollup_cells",
        f"select created_at as starts_at, {_ONE_ATTEMPT} from tales.attempt_cells",
    ),
    "drawn": (
        f"select starts_at, experiment, {_CELL} from tales.rollup_cells",
        f"select created_at as starts_at, experiment, {_ONE_ATTEMPT} from tales.drawn_cells",
    ),
    "marks": (
        f"select {_MARK}, marked from tales.rollup_marks cross join lateral unnest(marks, counts) as m (mark, marked)",
        f"select {_MARK}, 1 as marked from tales.attempt_marks",
    ),
    "courses": (
        f"select {_COURSE}, generations, waited, seconds, timed, cost_usd, cost_unknown from tales.rollup_courses",
        f"""select {_COURSE}, 1 as generations,
            case when seconds is not null then coalesce(waited, 0) else 0 end as waited,
            coalesce(seconds, 0) as seconds, (seconds is not null)::integer as timed,
            cost_usd, is_cost_unknown::integer as cost_unknown
            from tales.course_steps""",
    ),
    "users": (
        f"select {_SPENT}, failed_cost_usd from tales.rollup_users",
        f"""select {_SPENT}, case when status in ('failed', 'timeout') then cost_usd end as failed_cost_usd
            from tales.attempt_cells""",
    ),
}
_TIMES = {"courses": "began_at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Which rows of rollups.

    `detail`: what they must know at least; None: as little as the filter needs. `measures`: of the marks, from which to
    which. `is_live`: only, or all but, what Tales asked for; None: as the filter says.
    """

    detail: str | None = None
    measures: tuple[int, int] | None = None
    is_live: bool | None = None


ANY = Kind()


def rolled_query(
    template: str, wanted: ReportFilter, parts: Sequence[Span], kind: Kind = ANY, **named: str
) -> tuple[TextClause, dict[str, object]]:
    """The statement of `template` over the parts of a period, and its parameters."""
    ((source, (rolled, raw)),) = ((name, both) for name, both in _SOURCES.items() if f"{{{name}}}" in template)
    detail = kind.detail or ("request" if is_narrowed(wanted) else "model")
    values: dict[str, object] = {}
    narrowed = {name: value for name in _REQUEST if (value := getattr(wanted, name)) is not None}
    values |= narrowed
    conditions = [f"{name} = :{name}" for name in narrowed]
    if wanted.model is not None:
        conditions.append("models[1] = :model" if source == "courses" else "model_used = :model")
        values["model"] = wanted.model
    if source in {"cells", "users"} and (kind.is_live is not None or not wanted.migrated):
        conditions.append("not is_live" if kind.is_live is False else "is_live")
    of_rolled, of_raw = [], []
    if kind.measures is not None:
        first, last = kind.measures
        of_rolled = ["mark >= :least_mark", "mark < :end_of_marks"]
        of_raw = ["measure between :first_measure and :last_measure", "mark is not null"]
        values |= {"least_mark": first * 10_000, "end_of_marks": (last + 1) * 10_000}
        values |= {"first_measure": first, "last_measure": last}
    selects = []
    for place, part in enumerate(parts):
        time = _TIMES.get(source, "created_at") if part.grain is None else "starts_at"
        bounds = [f"{time} >= :since_{place}", f"{time} < :until_{place}"]
        values |= {f"since_{place}": part.since, f"until_{place}": part.until}
        if part.grain is None:
            selects.append(f"{raw} where {' and '.join(bounds + conditions + of_raw)}")
            continue
        bounds += [f"grain = '{part.grain}'", *([] if source == "users" else [f"detail = '{detail}'"])]
        selects.append(f"{rolled} where {' and '.join(bounds + conditions + of_rolled)}")
    statement = template.format(**{source: " union all ".join(selects)}, **named)
    values["zone"] = wanted.zone
    # As rows keep it, and as in the reports that count attempts.
    kept = {name: escape_text(value) if isinstance(value, str) else value for name, value in values.items()}
    return text(statement), {name: value for name, value in kept.items() if f":{name}" in statement}
