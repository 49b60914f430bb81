"""What an export holds: columns with their types and SQL. What families wrote is left out unless it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from psycopg import sql

from tales.domain.report_filters import ReportFilter


class Kind(StrEnum):
    """How a column is written."""

    TEXT = "text"
    NUMBER = "number"
    SECONDS = "seconds"
    DOLLARS = "dollars"
    TIME = "time"
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `is_content`: it holds what a family or a model wrote."""

    name: str
    kind: Kind
    expression: str
    is_content: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """What is exported: a row for each attempt `a` that meets `condition`, with what is joined to it."""

    columns: Sequence[Column]
    joined: str
    condition: str = "true"


def _columns(kind: Kind, *names: str, of: str, is_content: bool = False) -> list[Column]:
    return [Column(name, kind, f"{of}.{name}", is_content) for name in names]


_REQUEST = [
    *_columns(Kind.TEXT, "story_type", "language", "prompt_version", of="a"),
    *_columns(Kind.NUMBER, "story_length", of="a"),
]
_WORDS = _columns(Kind.TEXT, "moral", "hero_appearance", "relationship_description", of="g", is_content=True)
_FACTS = "tales.attempt_facts as a"
# What families wrote lies in the row itself, which is read a second time for it alone.
_CONTENTS = " join tales.generations as g using (generation_id, attempt_number)"

ATTEMPTS = Table(
    [
        *_columns(Kind.TEXT, "generation_id", of="a"),
        *_columns(Kind.NUMBER, "attempt_number", of="a"),
        *_columns(Kind.TEXT, "user_id", "model_used", "served_model", "provider", "status", "error_type", of="a"),
        *_columns(Kind.YES_NO, "is_live", of="a"),
        *_REQUEST,
        *_columns(Kind.TIME, "created_at", "started_at", "first_token_at", "completed_at", of="a"),
        *_columns(Kind.SECONDS, "queued_seconds", "first_token_seconds", "seconds", of="a"),
        *_columns(Kind.NUMBER, "prompt_tokens", "completion_tokens", of="a"),
        *_columns(Kind.DOLLARS, "cost_usd", of="a"),
        *_columns(Kind.NUMBER, "rating", of="a"),
        *_WORDS,
        *_columns(Kind.TEXT, "prompt", "full_response", of="g", is_content=True),
    ],
    "",
)
_ALL_OF_IT = """ cross join lateral (
        select count(*) as attempts, sum(b.cost_usd) as cost_usd, max(b.rating) as rating,
            count(*) filter (where b.is_cost_unknown) as cost_unknown,
            (array_agg(b.model_used order by b.attempt_number desc))[1] as last_model,
            (array_agg(b.status order by b.attempt_number desc))[1] as status,
            (array_agg(b.error_type order by b.attempt_number desc))[1] as error_type,
            (array_agg(b.completed_at order by b.attempt_number desc))[1] as completed_at
        from tales.attempt_facts as b
        where b.generation_id = a.generation_id
    ) as all_of_it"""
# The attempts of a generation stand beside its first one, which says when it was asked for, and with what.
GENERATIONS = Table(
    [
        *_columns(Kind.TEXT, "generation_id", "user_id", of="a"),
        Column("first_model", Kind.TEXT, "a.model_used"),
        *_columns(Kind.TEXT, "last_model", "status", "error_type", of="all_of_it"),
        *_columns(Kind.NUMBER, "attempts", of="all_of_it"),
        *_columns(Kind.YES_NO, "is_live", of="a"),
        *_REQUEST,
        *_columns(Kind.TIME, "created_at", of="a"),
        *_columns(Kind.TIME, "completed_at", of="all_of_it"),
        Column("seconds", Kind.SECONDS, "date_part('epoch', all_of_it.completed_at - a.created_at)"),
        *_columns(Kind.DOLLARS, "cost_usd", of="all_of_it"),
        *_columns(Kind.NUMBER, "cost_unknown", "rating", of="all_of_it"),
        *_WORDS,
    ],
    _ALL_OF_IT,
    "a.attempt_number = 1",
)
STORIES = Table(
    [
        Column("id", Kind.TEXT, "s.id"),
        *_columns(Kind.TEXT, "generation_id", of="a"),
        *_columns(Kind.NUMBER, "attempt_number", of="a"),
        *_columns(Kind.TEXT, "user_id", "model_used", of="a"),
        *_columns(Kind.YES_NO, "is_live", of="a"),
        *_REQUEST,
        *_columns(Kind.TIME, "created_at", "updated_at", of="s"),
        Column("characters", Kind.NUMBER, "length(s.content)"),
        *_columns(Kind.NUMBER, "rating", of="s"),
        *_columns(Kind.DOLLARS, "cost_usd", of="a"),
        *_WORDS,
        *_columns(Kind.TEXT, "title", "content", of="s", is_content=True),
    ],
    " join tales.stories as s on s.generation_id = a.generation_id and s.generation_attempt = a.attempt_number",
)
TABLES: Mapping[str, Table] = {"generations": GENERATIONS, "attempts": ATTEMPTS, "stories": STORIES}

# With these a spreadsheet takes a text for a formula (OWASP, "CSV Injection").
_FORMULA = r"^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]"


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for: `what` of `TABLES`, narrowed, with or without what families and models wrote."""

    what: str
    wanted: ReportFilter
    contents: bool


def select(export: Export, *, harmless: bool) -> tuple[list[Column], sql.Composed]:
    """The columns of an export and its query; `harmless`: no text is a formula."""
    table, wanted = TABLES[export.what], export.wanted
    columns = [column for column in table.columns if export.contents or not column.is_content]
    shown = sql.SQL(", ").join(_shown(column, harmless=harmless) for column in columns)
    conditions = sql.SQL(" and ").join([sql.SQL(table.condition), *_conditions(wanted)])
    from_ = _FACTS + (_CONTENTS if export.contents else "") + table.joined
    query = sql.SQL("select {} from {} where {}").format(shown, sql.SQL(from_), conditions)
    return columns, query


def _shown(column: Column, *, harmless: bool) -> sql.Composed:
    expression: sql.Composable = sql.SQL(column.expression)
    if column.kind is Kind.TEXT:
        expression = sql.SQL("({})::text").format(expression)
        if harmless:
            expression = sql.SQL("case when {0} ~ {1} then '''' || {0} else {0} end").format(expression, _FORMULA)
    elif column.kind is Kind.TIME:
        # What no calendar of these formats has is left open.
        expression = sql.SQL("case when {0} between '0001-01-02Z' and '9999-12-30Z' then {0} end").format(expression)
    return sql.SQL("{} as {}").format(expression, sql.Identifier(column.name))


def _conditions(wanted: ReportFilter) -> list[sql.Composed]:
    given: list[tuple[str, Any]] = [
        ("a.created_at >= {}", wanted.since),
        ("a.created_at < {}", wanted.until),
        ("a.model_used = {}", wanted.model),
        ("a.story_type = {}", wanted.story_type and str(wanted.story_type)),
        ("a.language = {}", wanted.language),
        ("a.user_id = {}", wanted.user_id),
        ("a.prompt_version = {}", wanted.prompt_version),
        ("a.is_live = {}", None if wanted.migrated else True),
    ]
    return [sql.SQL(condition).format(sql.Literal(value)) for condition, value in given if value is not None]
