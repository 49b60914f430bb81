"""What a legacy database holds, counted in SQL: each kind of nasty row by its condition."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from benchmarks.legacy.plan import kinds

KINDS: dict[str, LiteralString] = {
    "null_model_used": "model_used is null",
    "null_moral": "moral is null",
    "null_full_response": "full_response is null",
    "null_generation_info": "generation_info is null",
    "null_story_length": "story_length is null",
    "null_hero_appearance": "hero_appearance is null",
    "null_relationship_description": "relationship_description is null",
    "null_child_id": "child_id is null",
    "null_hero_id": "hero_id is null",
    "null_created_at": "created_at is null",
    "null_updated_at": "updated_at is null",
    "null_rating": "rating is null",
    "null_story_type": "story_type is null",
    "orphan": "user_id is null",
    "empty_text": "'' in (title, content, model_used, moral, hero_appearance, relationship_description)",
    "odd_text": "strpos(title, chr(1114111)) > 0",
    "huge_text": "content ~ '^[0-9a-f ]{100}'",
    "bad_length": "story_length <= 0",
    "unknown_type": "story_type not in ('child', 'hero', 'combined')",
    "far_time": "extract(year from created_at at time zone 'utc') not between 2000 and 2100",
    "duplicate_time": "created_at in (select created_at from tales.stories group by created_at having count(*) > 1)",
    "json_escapes": r"full_response ? '\u0041' or generation_info ? '\u0041'",
    "json_deep": "full_response ? 'deep' or generation_info ? 'deep'",
    "json_numbers": "full_response ? 'numbers' or generation_info ? 'numbers'",
    "json_usage": "full_response ->> 'id' like 'gen-odd-usage-%'",
    "json_no_object": "jsonb_typeof(full_response) not in ('object', 'null')"
    " or jsonb_typeof(generation_info) not in ('object', 'null')",
    "json_null": "'null' in (jsonb_typeof(full_response), jsonb_typeof(generation_info))",
}
"""The condition on `tales.stories` that a row of each kind fulfils, and no other."""

CHECKSUM: LiteralString = """
    select count(*)::text || ' ' || coalesce(sum(hashtextextended(s::text, 0)), 0)::text from {} as s
"""
"""A checksum of all rows of a table, in whatever order they lie. `{}` is the table."""


def count_kinds(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """How many rows there are of each kind, in one pass over the table."""
    names = kinds()
    counts = ", ".join(f"count(*) filter (where {KINDS[kind]})" for kind in names)
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        row = cursor.execute(f"select {counts} from tales.stories").fetchone() or ()
    return dict(zip(names, row, strict=True))
