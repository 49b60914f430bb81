"""The SQL of estimates beside the costs of reports: over `tales.attempt_estimates`, of calls of unknown cost alone."""

from __future__ import annotations

# All that a report asks for, in one look at the attempts. A condition on a view beside grouping sets would find no
# index: it stands further in. Of the users only those that the report shows: there may be as many as attempts.
ESTIMATES = """
    select
        case when grouping(day) = 0 then 'day' when grouping(shown_user) = 0 then 'user_id'
            when grouping(model_used) = 0 then 'model_used' when grouping(story_type) = 0 then 'story_type'
            else 'all' end as dimension,
        case when grouping(shown_user) = 0 then shown_user::text when grouping(model_used) = 0 then model_used
            when grouping(story_type) = 0 then story_type else '' end as value,
        day, sum(estimated_cost_usd) as usd, count(*) as attempts
    from (
        select *, (created_at at time zone :zone)::date as day,
            case when user_id = any (cast(:users as uuid[])) then user_id end as shown_user
        from tales.attempt_estimates
        where {where} and exists (select from tales.prices)
    ) as estimate
    group by grouping sets ((day, model_used), (shown_user), (model_used), (story_type), ())
    having grouping(shown_user) = 1 or shown_user is not null
"""
