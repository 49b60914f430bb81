"""Generations that are there already: as many as one asks for, each with a story, of a thousand families."""

from __future__ import annotations

import psycopg

_FAMILIES = """
    insert into auth.users (id) select md5('family ' || n)::uuid from generate_series(1, 1000) as n;
    insert into tales.children (id, user_id, name, age)
    select md5('child ' || n)::uuid, md5('family ' || n)::uuid, 'Mia', 6 from generate_series(1, 1000) as n
"""
_GENERATIONS = """
    insert into tales.generations (generation_id, attempt_number, model_used, status, prompt, user_id, story_type,
        story_length, moral, created_at, completed_at, started_at, child_id, language, prompt_version, full_response,
        http_status)
    select md5('generation ' || n)::uuid, 1, 'bench/model-' || n %% 7, 'success', repeat('prompt ', 20),
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
    select md5('story ' || n)::uuid, md5('family ' || n %% 1000 + 1)::uuid, 'Night ' || n, repeat('and the moon ', 10),
        md5('generation ' || n)::uuid, 1, timestamptz '2026-01-01Z' + n * interval '1 second',
        md5('child ' || n %% 1000 + 1)::uuid
    from generate_series(%s::bigint, %s::bigint) as n
"""
_AT_A_TIME = 250_000


def fill(url: str, generations: int) -> None:
    """Put `generations` and their stories into the database at `url`; triggers are muted meanwhile."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in _FAMILIES.split(";"):
            connection.execute(statement)
        for first in range(1, generations + 1, _AT_A_TIME):
            numbers = [first, min(first + _AT_A_TIME - 1, generations)]
            connection.execute(_GENERATIONS, numbers)
            connection.execute(_STORIES, numbers)
        connection.execute("vacuum (analyze) tales.generations, tales.stories, tales.children")
        connection.execute("checkpoint")
