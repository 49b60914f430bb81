"""What the specification and the migrations know: columns, and the names that our own objects bear."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from tales import legacy
from tales.domain.family import MAX_APPEARANCE, MAX_NAME
from tales.domain.story_spec import MAX_MORAL, MAX_RELATIONSHIP
from tales.domain.titles import MAX_TITLE
from tales.infrastructure.migrations.steps import revisions
from tales.legacy.report import LEGACY, Step

MOVED = (
    *("model_used", "full_response", "generation_info", "story_type", "story_length", "moral"),
    *("hero_appearance", "relationship_description"),
)
"""The columns of stories that 017 drops; generations has each of them under the same name."""

_UUID, _TIME, _TEXT, _INTEGER = "uuid", "timestamp with time zone", "text", "integer"

TYPES: dict[str, dict[str, str]] = {
    "stories": {
        "id": _UUID,
        "title": _TEXT,
        "content": _TEXT,
        "child_id": _UUID,
        "hero_id": _UUID,
        "user_id": _UUID,
        "created_at": _TIME,
        "updated_at": _TIME,
        "rating": _INTEGER,
        "story_length": _INTEGER,
        "model_used": _TEXT,
        "full_response": "jsonb",
        "generation_info": "jsonb",
        "story_type": _TEXT,
        "moral": _TEXT,
        "hero_appearance": _TEXT,
        "relationship_description": _TEXT,
    },
    "children": {
        "id": _UUID,
        "user_id": _UUID,
        "name": _TEXT,
        "age": _INTEGER,
        "interests": "text[]",
        "gender": _TEXT,
        "created_at": _TIME,
    },
    "heroes": {"id": _UUID, "user_id": _UUID, "name": _TEXT, "appearance": _TEXT, "created_at": _TIME},
}

WRITTEN_AS_NULL = {
    "stories": frozenset({"child_id", "hero_id", "rating"}),
    "children": frozenset({"gender"}),
    "heroes": frozenset({"user_id", "appearance"}),
}
"""Where the service writes NULL into a retained column."""

LONGEST: dict[str, dict[str, int | None]] = {
    "stories": {
        "title": MAX_TITLE,
        "content": None,
        "model_used": 200,
        "story_type": 8,
        "moral": MAX_MORAL,
        "hero_appearance": MAX_APPEARANCE,
        "relationship_description": MAX_RELATIONSHIP,
    },
    "children": {"name": MAX_NAME, "gender": MAX_NAME},
    "heroes": {"name": MAX_NAME, "appearance": MAX_APPEARANCE},
}
"""The most characters that the service writes into a text; None: there is no limit."""

_REFERENCES_USER = "uuid references auth.users (id) on delete cascade"
_DEFINITIONS = {
    "user_id": _REFERENCES_USER,
    "child_id": "uuid references tales.children (id) on delete set null",
    "hero_id": "uuid references tales.heroes (id) on delete set null",
    "interests": "text[] not null default '{}'",
    "name": "text not null default ''",
    "age": "integer not null default 0",
    "created_at": "timestamptz default now()",
    "updated_at": "timestamptz default now()",
    "story_type": "text not null default 'child'",
}


def add_column(table: str, name: str) -> str:
    """The statement that adds a column of ours to a table that lacks it."""
    if name == "id":
        return f"create table if not exists tales.{table} (id uuid primary key default gen_random_uuid());"
    return f"alter table tales.{table} add column {name} {_DEFINITIONS.get(name, TYPES[table].get(name, _TEXT))};"


# 017 gives stories these; an extra column of the same name would be in the way.
ADDED = ("generation_id", "generation_attempt")

_CREATED = re.compile(
    r"^\s*create (?:or replace )?(?:unique |unlogged )?(table|function|index|trigger|policy) "
    r'(?:if not exists )?("[^"]+"|[\w.]+)',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Created:
    """Something that a migration creates."""

    number: str
    kind: str
    name: str
    """Without quotation marks and schema."""


@cache
def created() -> tuple[Created, ...]:
    """Everything that the migrations create on the tables of schema tales, by their texts."""
    online = Path(legacy.__file__).parent / "sql"
    files = [(r.number, r.path) for r in revisions()] + [(p.name[:3], p) for p in sorted(online.glob("*.sql"))]
    return tuple(
        Created(number, kind, name.strip('"').removeprefix("tales."))
        for number, path in files
        for kind, name in _CREATED.findall(path.read_text(encoding="utf-8"))
    )


def ours(kind: str) -> list[str]:
    """The names of our own objects of one kind."""
    return [thing.name for thing in created() if thing.kind == kind]


@cache
def our_constraints() -> frozenset[str]:
    """The constraints that the migrations after the legacy ones name."""
    later = [revision.path for revision in revisions() if revision.number > LEGACY]
    return frozenset(
        name for path in later for name in re.findall(r"\bconstraint (\w+)", path.read_text(encoding="utf-8"))
    )


def names_to_come(kind: str) -> list[str]:
    """What the migrations after the legacy ones create of one kind, in schema tales."""
    return [thing.name for thing in created() if thing.kind == kind and thing.number > LEGACY]


def steps_after(number: str) -> tuple[Step, ...]:
    """The migrations after `number`, each with the first sentence of its file."""
    return tuple(Step(r.number, r.name, _first_sentence(r.path)) for r in revisions() if r.number > number)


def _first_sentence(path: Path) -> str:
    comment = takewhile(lambda line: line.startswith("-- "), path.read_text(encoding="utf-8").splitlines())
    prose = re.sub(r" \(decisions? [^)]*\)", "", " ".join(line.removeprefix("-- ") for line in comment))
    return re.split(r"[.:](?: |$)", prose, maxsplit=1)[0] + "."
