"""The SQL of estimates beside the costs of reports: over `tales.attempt_estimates`, of calls of unknown cost alone."""

from __future__ import annotations

DAYS = """
    select (created_at at time zone :zone)::date as day, model_used, sum(estimated_cost_usd) as usd,
        count(*) as attempts
    from tales.attempt_estimates
    where {where}
    group by 1, 2
"""
# A condition on a view beside grouping sets would find no index: it stands further in.
SHARES = """
    select
        case when grouping(user_id) = 0 then 'user_id' when grouping(model_used) = 0 then 'model_used'
            when grouping(story_type) = 0 then 'story_type' else 'all' end as dimension,
        case when grouping(user_id) = 0 then user_id::text when grouping(model_used) = 0 then model_used
            when grouping(story_type) = 0 then story_type else '' end as value,
        sum(estimated_cost_usd) as usd, count(*) as attempts
    from (select * from tales.attempt_estimates where {where}) as estimate
    group by grouping sets ((user_id), (model_used), (story_type), ())
"""
