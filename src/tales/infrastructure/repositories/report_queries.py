"""The SQL of the reports, over `tales.attempt_facts`: which says what a cost, a second and a live attempt are."""

from __future__ import annotations

from sqlalchemy import TextClause, text

from tales.domain.report_filters import ReportFilter
from tales.infrastructure.postgres.escaping import escape_text

_REQUEST = {
    "story_type": "story_type = :story_type",
    "language": "language = :language",
    "user_id": "user_id = :user_id",
    "prompt_version": "prompt_version = :prompt_version",
}
_COST = "sum(cost_usd) as cost_usd, count(*) filter (where is_cost_unknown) as cost_unknown"
_TOKENS = "sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens"

LENGTH_MISSED = "'too_short', 'too_long', 'truncated'"
_LENGTH_MISSED = f"count(*) filter (where error_type in ({LENGTH_MISSED}))"

UP_TO = "select count(*) from (select from tales.attempt_facts where {where} limit :most) as attempt"
MIGRATED = "select count(*) from tales.attempt_facts where {where} and not is_live"
MODELS = f"""
    select model_used,
        count(*) filter (where is_live) as attempts,
        count(*) filter (where is_live and status = 'success') as success,
        count(*) filter (where is_live and status = 'failed') as failed,
        count(*) filter (where is_live and status = 'timeout') as timeout,
        count(*) filter (where is_live and status = 'pending') as pending,
        count(*) filter (where not is_live) as migrated,
        percentile_cont(array[0.5, 0.95, 0.99]) within group (order by seconds) filter (where is_live) as seconds,
        percentile_cont(array[0.5, 0.95, 0.99]) within group (order by first_token_seconds) filter (where is_live)
            as first_token_seconds,
        sum(completion_tokens) filter (where is_live and seconds is not null)
            / nullif(sum(seconds) filter (where is_live and completion_tokens is not null), 0) as tokens_per_second,
        {_TOKENS}, {_COST},
        count(rating) as ratings, avg(rating)::float as mean_rating, count(*) filter (where rating >= 8) as good_stories
    from tales.attempt_facts
    where {{where}}
    group by model_used
    order by count(*) desc, model_used
"""
# Most generations are a success at once: they are counted as they are read. Of the others each attempt is put in its
# place. A retry may begin after the period has ended, so a day more is looked at: no generation lasts longer.
COURSES = """
    with course as (
        select array_agg(model_used order by attempt_number) as models,
            array_agg(status order by attempt_number) as statuses,
            array_agg(error_type order by attempt_number) as reasons,
            array_agg(seconds order by attempt_number) as seconds,
            array_agg(date_part('epoch', started_at - coalesce(ended_before, created_at)) order by attempt_number)
                as waits,
            array_agg(cost_usd order by attempt_number) as costs,
            array_agg(is_cost_unknown order by attempt_number) as unknown
        from (
            select *, lag(completed_at) over (partition by generation_id order by attempt_number) as ended_before
            from tales.attempt_facts
            where {where} and is_live and (attempt_number > 1 or status <> 'success')
        ) as attempt
        group by generation_id
        having min(attempt_number) = 1 and min(created_at) < :first_before
            and (cast(:of_model as text) is null or bool_or(attempt_number = 1 and model_used = :of_model))
    ),
    steps as (
        select models, statuses, reasons, place, wait, second, cost, is_unknown
        from course
        cross join lateral unnest(seconds, waits, costs, unknown) with ordinality
            as step (second, wait, cost, is_unknown, place)
        union all
        select array[model_used], array[status], array[error_type], 1,
            date_part('epoch', started_at - created_at), seconds, cost_usd, is_cost_unknown
        from tales.attempt_facts
        where {where} and is_live and attempt_number = 1 and status = 'success' and created_at < :first_before
            and (cast(:of_model as text) is null or model_used = :of_model)
    )
    select models, statuses, reasons, place as step, count(*) as generations,
        coalesce(sum(wait) filter (where second is not null), 0) as waited, coalesce(sum(second), 0) as seconds,
        count(second) as timed, sum(cost) as cost_usd, count(*) filter (where is_unknown) as cost_unknown
    from steps
    group by models, statuses, reasons, place
"""
TIMEOUTS = """
    select model_used, error_type, timeouts, timeouts::float / ended as share, seconds_p50
    from (
        select model_used, error_type, count(*) filter (where status = 'timeout') as timeouts,
            sum(count(*)) over (partition by model_used) as ended,
            percentile_cont(0.5) within group (order by seconds) filter (where status = 'timeout') as seconds_p50
        from tales.attempt_facts
        where {where} and is_live and status <> 'pending'
        group by model_used, error_type
    ) as reason
    where timeouts > 0
    order by timeouts desc, model_used, error_type
"""
# Both periods in one reading. What is written of a prompt is read here alone: it lies apart from the row.
FAILURES = """
    select dimension, value,
        sum(attempts) filter (where not is_before) as ended,
        sum(attempts) filter (where not is_before and status = 'failed') as failed,
        sum(attempts) filter (where not is_before and status = 'timeout') as timeout,
        sum(attempts) filter (where is_before) as before_ended,
        sum(attempts) filter (where is_before and status = 'failed') as before_failed,
        sum(attempts) filter (where is_before and status = 'timeout') as before_timeout
    from (
        select is_before, status,
            case when grouping(model_used) = 0 then 'model_used' when grouping(error_type) = 0 then 'error_type'
                when grouping(hour) = 0 then 'hour' when grouping(weekday) = 0 then 'weekday'
                else 'prompt_length' end as dimension,
            coalesce(case when grouping(model_used) = 0 then model_used when grouping(error_type) = 0 then error_type
                when grouping(hour) = 0 then hour when grouping(weekday) = 0 then weekday
                else prompt_length end, '') as value,
            count(*) as attempts
        from (
            select created_at < :since as is_before, status, model_used, error_type,
                to_char(created_at at time zone :zone, 'HH24') as hour,
                to_char(created_at at time zone :zone, 'ID') as weekday,
                case when prompt_length < 1000 then 'under 1000' when prompt_length < 2000 then '1000 to 1999'
                    when prompt_length < 4000 then '2000 to 3999' when prompt_length >= 4000 then 'from 4000'
                    else 'unknown' end as prompt_length
            from tales.attempt_facts
            where {where} and is_live and status <> 'pending'
        ) as attempt
        group by is_before, status, grouping sets ((model_used), (error_type), (hour), (weekday), (prompt_length))
    ) as counted
    group by dimension, value
"""
COSTS = f"""
    select (created_at at time zone :zone)::date as day, model_used, count(*) as attempts, {_TOKENS}, {_COST}
    from tales.attempt_facts
    where {{where}}
    group by day, model_used
    order by day desc, count(*) desc, model_used
"""
# A condition on a view beside grouping sets would find no index: it stands further in.
COST_SHARES = f"""
    select dimension, value, attempts, cost_usd, failed_cost_usd, cost_unknown
    from (
        select *, row_number() over (partition by dimension order by cost_usd desc nulls last, attempts desc, value)
            as place
        from (
            select
                case when grouping(user_id) = 0 then 'user_id' when grouping(model_used) = 0 then 'model_used'
                    when grouping(story_type) = 0 then 'story_type' else 'all' end as dimension,
                case when grouping(user_id) = 0 then user_id::text when grouping(model_used) = 0 then model_used
                    when grouping(story_type) = 0 then story_type else '' end as value,
                count(*) as attempts, {_COST},
                sum(cost_usd) filter (where status in ('failed', 'timeout')) as failed_cost_usd
            from (select * from tales.attempt_facts where {{where}}) as attempt
            group by grouping sets ((), (user_id), (model_used), (story_type))
        ) as shares
    ) as ranked
    where attempts > 0 and (dimension <> 'user_id' or place <= 20)
    order by case dimension when 'all' then 0 when 'user_id' then 1 when 'model_used' then 2 else 3 end, place
"""
DAILY_COSTS = """
    select (created_at at time zone :zone)::date as day, coalesce(sum(cost_usd), 0)::float as cost_usd
    from tales.attempt_facts
    where {where}
    group by day
"""
UNUSABLE = """
    'empty', 'truncated', 'refusal', 'too_short', 'too_long', 'wrong_language', 'name_missing', 'facts', 'echo', 'meta',
    'markup', 'loop', 'garbled', 'unsuitable'
"""
PROMPTS = f"""
    select prompt_version, model_used, count(*) as attempts,
        count(*) filter (where status = 'success') as success,
        count(*) filter (where status = 'pending') as pending,
        count(*) filter (where error_type in ({UNUSABLE})) as unusable,
        count(*) filter (where error_type = 'refusal') as refused, {_LENGTH_MISSED} as length_missed,
        count(rating) as ratings, avg(rating)::float as mean_rating, stddev_samp(rating)::float as rating_deviation,
        count(seconds) as timed, avg(seconds) as seconds_mean, stddev_samp(seconds) as seconds_deviation,
        percentile_cont(array[0.5, 0.95]) within group (order by seconds) as seconds,
        percentile_cont(0.5) within group (order by completion_tokens) filter (where status = 'success')
            as completion_tokens_p50,
        {_COST}, stddev_samp(cost_usd)::float as cost_deviation
    from tales.attempt_facts
    where {{where}} and is_live
    group by prompt_version, model_used
    order by count(*) desc, prompt_version, model_used
"""
# First attempts alone, each for the version that was drawn (migration 032): a filter for a version means that one too.
# What was drawn for a goal is left out: its shares follow its results, and the intervals hold for fixed ones.
DRAWN = f"""
    select experiment, prompt_version,
        count(*) filter (where status <> 'pending') as ended,
        count(*) filter (where status = 'success') as success,
        count(*) filter (where error_type = 'refusal') as refused, {_LENGTH_MISSED} as length_missed,
        sum(ratings) as ratings, sum(good_stories) as good_stories
    from tales.drawn_cells
    where {{where}} and experiment not like 'goal %'
    group by experiment, prompt_version
"""


def query(template: str, wanted: ReportFilter, **more: object) -> tuple[TextClause, dict[str, object]]:
    """The statement of `template` for a filter, and its parameters; `more` beats the filter's own."""
    values = {name: value for name in _REQUEST if (value := getattr(wanted, name)) is not None}
    values |= {"since": wanted.since, "until": wanted.until} | more
    conditions = ["created_at >= :from", "created_at < :until"]
    conditions += [condition for name, condition in _REQUEST.items() if name in values]
    if wanted.model is not None and "of_model" not in more:
        conditions.append("model_used = :model")
        values["model"] = wanted.model
    if not wanted.migrated and template is not MIGRATED:
        conditions.append("is_live")
    values.setdefault("from", wanted.since)
    statement = template.format(where=" and ".join(conditions))
    # As rows keep it: PostgreSQL takes no NUL, and what was never kept is found nowhere.
    kept = {name: escape_text(value) if isinstance(value, str) else value for name, value in values.items()}
    named = {name: value for name, value in kept.items() if f":{name}" in statement}
    if ":zone" in statement:
        named["zone"] = wanted.zone
    return text(statement), named
