"""Generations that are there already: as many as one asks for, each with a story, of a thousand families.

Ids grow with time, as the service's own do. Indexes are built when the rows are there: the state is the same, sooner.
"""

from __future__ import annotations

import psycopg

_FAMILIES = """
    insert into auth.users (id) select md5('family ' || n)::uuid from generate_series(1, 1000) as n;
    insert into tales.children (id, user_id, name, age)
    select md5('child ' || n)::uuid, md5('family ' || n)::uuid, 'Mia', 6 from generate_series(1, 1000) as n
"""
_ID = """
    create function pg_temp.id(kind text, n bigint) returns uuid language sql immutable as $$
        select (lpad(to_hex(1767225600000 + n * 1000), 12, '0') || '70008000' || substr(md5(kind || n), 1, 12))::uuid
    $$
"""
_INDEXES = """
    select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid) from pg_index
    where indrelid in ('tales.generations'::regclass, 'tales.stories'::regclass)
        and not exists (select from pg_constraint where conindid = indexrelid)
"""
_GENERATIONS = """
    insert into tales.generations (generation_id, attempt_number, model_used, status, prompt, user_id, story_type,
        story_length, moral, created_at, completed_at, started_at, child_id, language, prompt_version, full_response,
        http_status)
    select pg_temp.id('generation ', n), 1, 'bench/model-' || n %% 7, 'success', repeat('prompt ', 20),
        md5('family ' || n %% 1000 + 1)::uuid, 'child', 5, 'kindness',
        timestamptz '2026-01-01Z' + n * interval '1 second',
        timestamptz '2026-01-01Z' + n * interval '1 second' + interval '9 seconds',
        timestamptz '2026-01-01Z' + n * interval '1 second', md5('child ' || n %% 1000 + 1)::uuid, 'en', 'bench',
        '{"provider": "Benchmark", "model": "bench/story", "usage": {"prompt_tokens": 120, "completion_tokens": 600,
            "cost": 0.00038}}', 200
    from generate_series(%s::bigint, %s::bigint) as n
"""
_STORIES = """
    insert into tales.stories (id, user_id, title, content, generation_id, generation_attempt, created_at, child_id)
    select pg_temp.id('story ', n), md5('family ' || n %% 1000 + 1)::uuid, 'Night ' || n, repeat('and the moon ', 10),
        pg_temp.id('generation ', n), 1, timestamptz '2026-01-01Z' + n * interval '1 second',
        md5('child ' || n %% 1000 + 1)::uuid
    from generate_series(%s::bigint, %s::bigint) as n
"""
_AT_A_TIME = 250_000


def fill(url: str, generations: int) -> None:
    """Put `generations` and their stories into the database at `url`; triggers are muted meanwhile."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in (
            "session_replication_role = replica",
            "maintenance_work_mem = '1GB'",
            "synchronous_commit = off",
        ):
            connection.execute(f"set {setting}")
        connection.execute(_ID)
        indexes = connection.execute(_INDEXES).fetchall()
        for drop, _ in indexes:
            connection.execute(drop)
        for statement in _FAMILIES.split(";"):
            connection.execute(statement)
        for first in range(1, generations + 1, _AT_A_TIME):
            numbers = [first, min(first + _AT_A_TIME - 1, generations)]
            connection.execute(_GENERATIONS, numbers)
            connection.execute(_STORIES, numbers)
        for _, create in indexes:
            connection.execute(create)
        connection.execute("vacuum (analyze) tales.generations, tales.stories, tales.children")
        connection.execute("checkpoint")
