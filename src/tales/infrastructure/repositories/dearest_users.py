"""The dearest users of a period, found without a look at all of them.

A day and a month list their dearest users, and what no other one cost more than (migration 032). A user who is in none
of the lists cost at most the sum of those bounds: where twenty users are known to have cost more, they are among the
listed, and only those who may be of the twenty are added up. This is Fagin's threshold algorithm, with lists of a fixed
length. Where the lists do not reach (costs are unknown, or much the same for everybody), there is no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import TextClause, text

from tales.domain.report_filters import ReportFilter
from tales.infrastructure.repositories.rollups import USERS, Span, down, spans

MOST_ADDED_UP = 300
"""Users that are added up; where more may be of the dearest, the lists say too little."""

# `cuts` are whole days and months, the day that is not over among them, and the days that the period begins or ends
# in: what a user cost in a part of a day is at most what the whole day cost. Of what came after the rollups, all is
# counted (`fresh`). `offset 0` keeps each look-up one by the index.
_LISTS = """
    cuts as materialized (
        select grain, starts_at, is_whole
        from unnest(cast(:grains as text[]), cast(:starts as timestamptz[]), cast(:wholes as boolean[]))
            as cut (grain, starts_at, is_whole)
    ),
    listed as materialized (
        select c.grain, c.starts_at, c.is_whole, u.user_id, u.is_live, coalesce(u.cost_usd, 0) as usd, u.others_most_usd
        from cuts as c
        cross join lateral (
            select u.user_id, u.is_live, u.cost_usd, u.others_most_usd from tales.rollup_users as u
            where u.grain = c.grain and u.starts_at = c.starts_at and u.others_most_usd is not null
            offset 0
        ) as u
    ),
    bounds as materialized (
        select c.grain, c.starts_at, l.others_most_usd
        from cuts as c
        left join lateral (
            select u.others_most_usd from tales.rollup_users as u
            where u.grain = c.grain and u.starts_at = c.starts_at and u.others_most_usd is not null
            limit 1
        ) as l on true
    ),
    fresh as materialized (
        select user_id, count(*) as attempts, sum(cost_usd) as cost_usd, sum(cost_unknown) as cost_unknown,
            sum(cost_usd) filter (where status in ('failed', 'timeout')) as failed_cost_usd
        from tales.attempt_cells
        where is_live and created_at >= :complete_until and created_at < :until
        group by user_id
    )
"""
# Who may be of the dearest twenty, where the lists say enough. Another session may have counted an hour more meanwhile:
# `rollup_state` says so.
_CANDIDATES = """
    known as materialized (
        select user_id, coalesce(sum(usd) filter (where is_whole), 0) as least,
            sum(usd) - sum(others_most_usd) + (select coalesce(sum(b.others_most_usd), 0) from bounds as b) as most
        from (
            select user_id, is_whole, usd, others_most_usd from listed where is_live
            union all
            select user_id, true, coalesce(cost_usd, 0), 0 from fresh
        ) as found
        group by user_id
    ),
    twentieth as materialized (
        select k.least from known as k order by k.least desc offset 19 limit 1
    ),
    candidates as materialized (
        select k.user_id from known as k
        where k.most >= (select t.least from twentieth as t)
            and (select sum(b.others_most_usd) from bounds as b) < (select t.least from twentieth as t)
            and (select complete_until from tales.rollup_state) = :complete_until
            and not exists (
                select from bounds as b
                join tales.rollup_users as u on u.grain = b.grain and u.starts_at = b.starts_at
                where b.others_most_usd is null
            )
        limit :most + 1
    )
"""
# What they cost: of whole days and months, of the parts of days at both ends, and since the rollups.
_SPENT = """
    select k.user_id, u.attempts::bigint as attempts, u.cost_usd, u.cost_unknown::bigint as cost_unknown,
        u.failed_cost_usd
    from candidates as k
    cross join cuts as c
    cross join lateral (
        select * from tales.rollup_users as u
        where u.grain = c.grain and u.starts_at = c.starts_at and u.user_id = k.user_id and u.is_live
        offset 0
    ) as u
    where c.is_whole
    union all
    select k.user_id, 1, a.cost_usd, a.cost_unknown, case when a.status in ('failed', 'timeout') then a.cost_usd end
    from candidates as k
    cross join unnest(cast(:edges_since as timestamptz[]), cast(:edges_until as timestamptz[])) as e (since, until)
    join tales.attempt_cells as a on a.user_id = k.user_id and a.created_at >= e.since and a.created_at < e.until
    where a.is_live
    union all
    select f.user_id, f.attempts, f.cost_usd, f.cost_unknown, f.failed_cost_usd
    from candidates as k join fresh as f on f.user_id = k.user_id
"""
_DEAREST = text(f"""
    with {_LISTS}, {_CANDIDATES}
    select 'user_id' as dimension, user_id::text as value, sum(attempts)::bigint as attempts, sum(cost_usd) as cost_usd,
        sum(cost_unknown)::bigint as cost_unknown, sum(failed_cost_usd) as failed_cost_usd
    from ({_SPENT}) as spent
    where (select count(*) from candidates) <= :most
    group by user_id
    order by sum(cost_usd) desc nulls last, sum(attempts) desc, user_id::text
    limit 20
""")  # noqa: S608 -- of constants of ours


def dearest_users(wanted: ReportFilter, complete_until: datetime) -> tuple[TextClause, dict[str, object]]:
    """The statement for the live attempts of a period, and its parameters."""
    parts = list(_parts(wanted, complete_until))
    edges = [part for part in parts if part.grain is None]
    cuts = [(part.grain, begins, True) for part in parts if part.grain for begins in _beginnings(part, part.grain)]
    cuts += [("day", day, False) for day in sorted({day for part in edges for day in _beginnings(part, "day")})]
    return _DEAREST, {
        "grains": [grain for grain, _, _ in cuts],
        "starts": [begins for _, begins, _ in cuts],
        "wholes": [is_whole for _, _, is_whole in cuts],
        "edges_since": [part.since for part in edges],
        "edges_until": [part.until for part in edges],
        "complete_until": complete_until,
        "until": wanted.until,
        "most": MOST_ADDED_UP,
    }


def _parts(wanted: ReportFilter, complete_until: datetime) -> Iterator[Span]:
    """The period as far as rollups go: whole months and days, the one that is not over too, and the rest of it."""
    today = down(complete_until, "day")
    for part in spans(wanted, complete_until, USERS):
        until = min(part.until, complete_until)
        if part.grain is not None:
            yield part
            continue
        if until == complete_until and part.since <= today < complete_until:
            yield Span("day", today, complete_until)
            until = today
        if part.since < until:
            yield Span(None, part.since, until)


def _beginnings(part: Span, grain: str) -> Iterator[datetime]:
    """Of the days or months that the part lies in."""
    begins = down(part.since, grain)
    while begins < part.until:
        yield begins
        begins = down(begins + timedelta(days=31 if grain == "month" else 1), grain)
