"""What the database of somebody's application of before generations may look like: a plan, and how to draw one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hypothesis import strategies as st

from tests.legacy.oddities import EXTRA_COLUMNS, ODDITIES, SUPERUSERS

Home = Literal["own", "managed"]
"""A superuser's database with our own schema auth, or an ordinary role's with the platform's."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of ours as our own migrations make it, and the types that others give it."""

    name: str
    type: str
    rest: str = ""
    other_types: tuple[str, ...] = ()


_TEXTS = ("varchar(255)", "varchar(40)", "varchar", "tales.words", 'text collate "C"')
_TIMES = ("timestamp", "timestamptz(3)", "date")
_NUMBERS = ("smallint", "bigint", "numeric")
_USER = "references auth.users (id) on delete cascade"

COLUMNS: dict[str, tuple[Column, ...]] = {
    "children": (
        Column("id", "uuid", "primary key default gen_random_uuid()"),
        Column("user_id", "uuid", _USER),
        Column("name", "text", "not null", _TEXTS),
        Column("age", "integer", "not null", _NUMBERS),
        Column("interests", "text[]", "not null default '{}'", ("varchar(40)[]",)),
        Column("gender", "text", "", _TEXTS),
        Column("created_at", "timestamptz", "default now()", _TIMES),
    ),
    "heroes": (
        Column("id", "uuid", "primary key default gen_random_uuid()"),
        Column("user_id", "uuid", _USER),
        Column("name", "text", "not null", _TEXTS),
        Column("appearance", "text", "", _TEXTS),
        Column("created_at", "timestamptz", "default now()", _TIMES),
    ),
    "stories": (
        Column("id", "uuid", "primary key default gen_random_uuid()"),
        Column("title", "text", "not null", _TEXTS),
        Column("content", "text", "not null", ("varchar", 'text collate "C"', "varchar(4000)")),
        Column("child_id", "uuid", "references tales.children (id) on delete set null"),
        Column("hero_id", "uuid", "references tales.heroes (id) on delete set null"),
        Column("created_at", "timestamptz", "default now()", _TIMES),
        Column("updated_at", "timestamptz", "default now()", _TIMES),
        Column("user_id", "uuid", _USER),
        Column("rating", "integer", "check (rating between 1 and 10)", _NUMBERS),
        Column("model_used", "text", "", _TEXTS),
        Column("full_response", "jsonb", "", ("json", "text")),
        Column("generation_info", "jsonb", "", ("json",)),
        Column("story_type", "text", "default 'child'", ("tales.kind", "varchar(20)", "varchar(255)")),
        Column("story_length", "integer", "", _NUMBERS),
        Column("moral", "text", "", _TEXTS),
        Column("hero_appearance", "text", "", _TEXTS),
        Column("relationship_description", "text", "", _TEXTS),
    ),
}
TABLES = tuple(COLUMNS)
_KEYS = frozenset({"children.id", "heroes.id", "stories.id", "stories.title", "stories.content"})
NAMES = tuple(f"{table}.{column.name}" for table in TABLES for column in COLUMNS[table])
_TYPES = tuple(
    (f"{table}.{column.name}", other) for table in TABLES for column in COLUMNS[table] for other in column.other_types
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a legacy database differs from ours at 014; columns are named with their tables."""

    home: Home = "own"
    encoding: str = "UTF8"
    missing_tables: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    types: tuple[tuple[str, str], ...] = ()
    not_null: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    """Columns with nothing but their type: no default, no NOT NULL, no foreign key, no check."""
    extras: frozenset[str] = frozenset()
    """Of EXTRA_COLUMNS."""
    oddities: tuple[str, ...] = ()
    """Of ODDITIES, in this order."""
    empty: frozenset[str] = frozenset()
    """Tables without a row."""
    keeps: bool = False
    """Whether there is something new still when the way back begins."""
    returns: bool = False
    """Whether it goes up once more afterwards."""

    def has(self, name: str) -> bool:
        """Whether there is such a column of ours."""
        return name not in self.missing and name.partition(".")[0] not in self.missing_tables


OURS = Shape(
    not_null=frozenset({"children.user_id", "children.created_at", "heroes.created_at", "stories.story_type"}),
    oddities=("usage for the roles", "our indexes", "our policies"),
)
"""What our own 001 to 014 make."""

REAL = Shape(
    home="managed",
    not_null=frozenset({"children.gender", "heroes.appearance", "stories.moral"}),
    plain=frozenset({"children.user_id", "heroes.user_id"}),
    extras=frozenset({
        *("children.updated_at", "heroes.gender", "heroes.personality_traits", "heroes.interests"),
        *("heroes.strengths", "heroes.language", "heroes.updated_at", "stories.child_name", "stories.child_age"),
        *("stories.child_gender", "stories.child_interests", "stories.language", "stories.audio_url"),
        *("stories.hero_name", "stories.status"),
    }),
    oddities=(
        *("indexes of other names", "indexes over what moves", "a trigger that sets updated_at"),
        *("policies for all", "heroes that everybody reads", "tables of their own"),
    ),
)  # fmt: skip
"""The real deployment of which we know (cases/legacy.md)."""

NARROWEST = Shape(
    missing_tables=frozenset({"children", "heroes"}),
    missing=frozenset(name for name in NAMES if name.startswith("stories.")) - _KEYS,
    plain=frozenset({"stories.title", "stories.content"}),
    oddities=(),
)
"""Stories alone, with nothing but an id, a title and a text."""

_columns = st.frozensets(st.sampled_from([name for name in NAMES if name not in _KEYS]), max_size=4)


_HOMES: tuple[Home, ...] = ("own", "own", "managed")


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any shape; most of what can be otherwise is as usual in each of them."""
    home: Home = draw(st.sampled_from(_HOMES))
    oddities = [name for name in ODDITIES if home == "own" or name not in SUPERUSERS]
    shape = Shape(
        home=home,
        encoding=draw(st.sampled_from(["UTF8"] * 30 + ["LATIN1", "SQL_ASCII"])),
        missing_tables=draw(
            st.sampled_from([frozenset[str]()] * 12 + [frozenset({"children"}), frozenset({"heroes"})])
        ),
        missing=draw(_columns) if draw(st.integers(0, 3)) == 0 else frozenset(),
        types=tuple(sorted(dict(draw(st.lists(st.sampled_from(_TYPES), max_size=3))).items())),
        not_null=draw(_columns),
        plain=draw(_columns),
        extras=draw(st.frozensets(st.sampled_from(sorted(EXTRA_COLUMNS)), max_size=5)),
        oddities=tuple(draw(st.lists(st.sampled_from(oddities), unique=True, max_size=5))),
        empty=draw(st.frozensets(st.sampled_from(TABLES), max_size=2)),
        keeps=draw(st.booleans()),
        returns=draw(st.integers(0, 3)) == 0,
    )
    # What is not there is no other way either.
    return replace(
        shape,
        types=tuple((name, kind) for name, kind in shape.types if shape.has(name)),
        not_null=frozenset(filter(shape.has, shape.not_null)),
        plain=frozenset(filter(shape.has, shape.plain)),
    )
