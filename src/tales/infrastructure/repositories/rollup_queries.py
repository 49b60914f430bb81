"""The SQL of reports that read rollups: whole hours and days from there, the rest from the attempts themselves."""

from __future__ import annotations

_COUNTS = """
    select model_used, is_live, hour, attempts, success, failed, timeout, pending, timed_tokens, timed_seconds,
        prompt_tokens, completion_tokens, cost_usd, cost_unknown, ratings, rating_sum, good_stories
    from tales.hourly_models
    where hour >= :hours_from and hour < :hours_to and {rolled}
    union all
    select model_used, is_live, date_trunc('hour', created_at, 'UTC'),
        count(*), count(*) filter (where status = 'success'), count(*) filter (where status = 'failed'),
        count(*) filter (where status = 'timeout'), count(*) filter (where status = 'pending'),
        coalesce(sum(completion_tokens) filter (where seconds is not null), 0),
        coalesce(sum(seconds::numeric) filter (where completion_tokens is not null), 0),
        sum(prompt_tokens), sum(completion_tokens), sum(cost_usd), count(*) filter (where is_cost_unknown),
        count(rating), coalesce(sum(rating), 0), count(*) filter (where rating >= 8)
    from tales.attempt_facts
    where ((created_at >= :since and created_at < :hours_from) or (created_at >= :hours_to and created_at < :until))
        and {rolled}
    group by 1, 2, 3
"""
MIGRATED = f"""
    select coalesce(sum(attempts), 0)::bigint as count
    from ({_COUNTS.replace("{rolled}", "{model} and not is_live")}) as counted
"""
MODELS = f"""
    select model_used,
        coalesce(sum(attempts) filter (where is_live), 0)::bigint as attempts,
        coalesce(sum(success) filter (where is_live), 0)::bigint as success,
        coalesce(sum(failed) filter (where is_live), 0)::bigint as failed,
        coalesce(sum(timeout) filter (where is_live), 0)::bigint as timeout,
        coalesce(sum(pending) filter (where is_live), 0)::bigint as pending,
        coalesce(sum(attempts) filter (where not is_live), 0)::bigint as migrated,
        (sum(timed_tokens) filter (where is_live) / nullif(sum(timed_seconds) filter (where is_live), 0))::float
            as tokens_per_second,
        sum(prompt_tokens)::bigint as prompt_tokens, sum(completion_tokens)::bigint as completion_tokens,
        sum(cost_usd) as cost_usd, sum(cost_unknown)::bigint as cost_unknown, sum(ratings)::bigint as ratings,
        (sum(rating_sum) / nullif(sum(ratings), 0))::float as mean_rating, sum(good_stories)::bigint as good_stories
    from ({_COUNTS}) as counted
    group by model_used
    order by sum(attempts) desc, model_used
"""
COSTS = f"""
    select (hour at time zone :zone)::date as day, model_used, sum(attempts)::bigint as attempts,
        sum(prompt_tokens)::bigint as prompt_tokens, sum(completion_tokens)::bigint as completion_tokens,
        sum(cost_usd) as cost_usd, sum(cost_unknown)::bigint as cost_unknown
    from ({_COUNTS}) as counted
    group by day, model_used
    order by day desc, sum(attempts) desc, model_used
"""
DAILY_COSTS = f"""
    select (hour at time zone :zone)::date as day, coalesce(sum(cost_usd), 0)::float as cost_usd
    from ({_COUNTS}) as counted
    group by day
"""
# The first bucket that holds so much of all that was measured; the middle of it is at most 1 % beside what it holds.
PERCENTILES = """
    with measured as (
        select model_used, is_first_token, bucket, attempts
        from tales.daily_seconds
        where day >= :day_from and day < :day_to and {model}
        union all
        select a.model_used, m.is_first_token, tales.seconds_bucket(m.seconds), count(*)
        from tales.attempt_facts as a
        cross join lateral (values (false, a.seconds), (true, a.first_token_seconds)) as m (is_first_token, seconds)
        where ((created_at >= :since and created_at < :days_from) or (created_at >= :days_to and created_at < :until))
            and is_live and m.seconds is not null and {model}
        group by 1, 2, 3
    ),
    cumulated as (
        select model_used, is_first_token, bucket,
            sum(sum(attempts)) over (partition by model_used, is_first_token order by bucket) as up_to,
            sum(sum(attempts)) over (partition by model_used, is_first_token) as whole
        from measured
        group by model_used, is_first_token, bucket
    )
    select model_used, is_first_token, array[
        min(bucket) filter (where up_to >= 0.5 * whole), min(bucket) filter (where up_to >= 0.95 * whole),
        min(bucket) filter (where up_to >= 0.99 * whole)
    ] as buckets
    from cumulated
    group by model_used, is_first_token
"""
