"""The SQL of estimates beside the costs of reports: over `tales.attempt_estimates`, of calls of unknown cost alone."""

from __future__ import annotations

# All that a report asks for, in one look at the attempts. A condition on a view beside grouping sets would find no
# index: it stands further in.
ESTIMATES = """
    select
        case when grouping(day) = 0 then 'day' when grouping(user_id) = 0 then 'user_id'
            when grouping(model_used) = 0 then 'model_used' when grouping(story_type) = 0 then 'story_type'
            else 'all' end as dimension,
        case when grouping(user_id) = 0 then user_id::text when grouping(model_used) = 0 then model_used
            when grouping(story_type) = 0 then story_type else '' end as value,
        day, sum(estimated_cost_usd) as usd, count(*) as attempts
    from (
        select *, (created_at at time zone :zone)::date as day from tales.attempt_estimates where {where}
    ) as estimate
    group by grouping sets ((day, model_used), (user_id), (model_used), (story_type), ())
"""
