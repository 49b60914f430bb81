"""A legacy library of stories (migration 014), with everything that such a table may hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from tests.fixtures import rows
from tests.fixtures.databases import Database
from tests.fixtures.rows import Row, child, hero, insert

TOLD = datetime(2025, 11, 2, 19, 30, 0, 123456, tzinfo=UTC)
DEEP: Any = {"choices": [{"message": {"content": "Es war einmal \u0001 \u2028 \ud83d\udc09", "\\u0041": [[[[{}]]]]}}]}


def add_user(database: Database) -> UUID:
    """A user, in the shape of `auth.users` that every home of the schema accepts."""
    with database.connect() as connection:
        return rows.add_user(connection)


def add_family(database: Database, table: str, user: UUID) -> UUID:
    """A child or a hero."""
    with database.connect() as connection:
        row = insert(connection, table, child(user) if table == "children" else hero(user))
    return UUID(str(row["id"]))


def add_story(database: Database, user: UUID | None, **changes: Any) -> UUID:
    """A legacy story with everything filled in, unless said otherwise."""
    story: Row = {
        "id": uuid4(),
        "title": "The Kind Dragon",
        "content": "Once upon a time ...",
        "created_at": TOLD,
        "updated_at": TOLD,
        "user_id": user,
        "rating": 8,
        "model_used": "openai/gpt-4o-mini",
        "full_response": {"model": "openai/gpt-4o-mini", "usage": {"cost": 0.1, "prompt_tokens": 7}},
        "generation_info": {"seed": 3, "tries": [1, 2]},
        "story_type": "combined",
        "story_length": 5,
        "moral": "kindness",
        "hero_appearance": "a silver cape",
        "relationship_description": "old friends",
    }
    with database.connect() as connection:
        insert(connection, "stories", story | changes)
    return UUID(str((story | changes)["id"]))


def add_varied_stories(database: Database, user: UUID) -> None:
    """Stories with every oddity for which no choice is needed, several with the same time of creation."""
    nothing = dict.fromkeys(["model_used", "full_response", "generation_info", "story_length", "moral", "rating"])
    child, hero = add_family(database, "children", user), add_family(database, "heroes", user)
    add_story(database, user)
    add_story(database, user, child_id=child, hero_id=hero)
    add_story(database, user, **nothing, hero_appearance=None, relationship_description=None, story_type="child")
    add_story(database, user, created_at=None)
    add_story(database, user, created_at=None, updated_at=None)
    add_story(database, user, updated_at=None, moral="", model_used="", hero_appearance="")
    add_story(database, user, full_response=DEEP, generation_info=DEEP)
    add_story(database, user, full_response=[1, "two", None], generation_info="just text")
    add_story(database, user, full_response={"usage": [1, 2], "model": 7}, moral="unknown", model_used="unknown")


def stories(database: Database) -> list[Row]:
    """All rows of the legacy table, column by column, in a fixed order."""
    return database.rows("select * from tales.stories order by id")
