"""The history for benchmarks and tests: one that could have been, and the same for a seed."""

from __future__ import annotations

from dataclasses import asdict

from benchmarks.history import fill_history

from tales.legacy.migrate import migrate_up
from tests.fixtures.databases import Database
from tests.fixtures.history import PLAN

BROKEN = """
    select count(*) as attempts,
        count(*) filter (where g.attempt_number > 1 and before.status is null) as gaps,
        count(*) filter (where before.status in ('pending', 'success')) as retried_success,
        count(*) filter (where g.created_at < before.completed_at) as too_early,
        count(*) filter (where not (g.started_at >= g.available_at and g.completed_at >= g.started_at)) as backwards,
        count(*) filter (where (g.status = 'success') <> (s.id is not null)) as without_story,
        count(distinct g.user_id) filter (where u.id is null) as strangers
    from tales.generations as g
    left join tales.generations as before
        on before.generation_id = g.generation_id and before.attempt_number = g.attempt_number - 1
    left join tales.stories as s on s.generation_id = g.generation_id and s.generation_attempt = g.attempt_number
    left join auth.users as u on u.id = g.user_id
"""
DIGEST = (
    "select md5(string_agg(g::text, '' order by generation_id, attempt_number)) as digest from tales.generations as g"
)


def test_it_could_have_been(database: Database) -> None:
    counts = fill_history(database.owner_url, PLAN)

    (found,) = database.rows(BROKEN)
    assert abs(counts.attempts - PLAN.attempts) < 30
    assert found.pop("attempts") == counts.attempts
    assert set(found.values()) == {0}
    assert counts.stories > counts.ratings > counts.migrated > 0
    (kept,) = database.rows(
        "select count(*) as ratings, count(*) filter (where r.rating = s.rating) as alike from tales.ratings as r"
        " join tales.stories as s using (generation_id)"
    )
    assert kept["ratings"] == kept["alike"] == counts.ratings
    (outage,) = database.rows(
        "select avg((status <> 'success')::int) as share from tales.generations where model_used = 'swift/mini'"
        " and created_at >= '2025-11-01'::date + 200 and created_at < '2025-11-01'::date + 203"
    )
    assert outage["share"] > 0.4


def test_a_seed_gives_the_same_history(database: Database, empty_database: Database) -> None:

    migrate_up(empty_database.owner_url)
    first, second = (fill_history(home.owner_url, PLAN) for home in (database, empty_database))

    assert asdict(first) == asdict(second)
    assert database.rows(DIGEST) == empty_database.rows(DIGEST)
