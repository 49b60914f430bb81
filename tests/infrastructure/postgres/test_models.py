"""The models and the vocabularies of the domain say what the migrated catalog says."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest
from sqlalchemy import Table, create_engine

from tales.domain.failures import FailureKind
from tales.domain.generation import Origin, Status
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.models import Base
from tests.fixtures.databases import Database

TABLES: list[Table] = list(Base.metadata.sorted_tables)
# Read and written by plain SQL.
WITHOUT_MODEL = {
    *("live_text", "ratings", "rollup_state", "rollup_changes"),
    *("rollup_cells", "rollup_marks", "rollup_courses", "rollup_users", "cost_questions"),
    *("prices", "change_log", "budgets", "budget_spending", "budget_reservations"),
    *("prompt_templates", "prompt_choices", "prompt_goals", "goal_snapshots"),
}

COLUMNS = """
    select attname as name, format_type(atttypid, atttypmod) as type, not attnotnull as nullable
    from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped
"""
PRIMARY_KEY = """
    select attname from pg_constraint
    cross join unnest(conkey) with ordinality as key (attnum, n)
    join pg_attribute as a on a.attrelid = conrelid and a.attnum = key.attnum
    where conrelid = %s::regclass and contype = 'p' order by n
"""
DEFAULTS = """
    select attname from pg_attrdef
    join pg_attribute on attrelid = adrelid and attnum = adnum where adrelid = %s::regclass
"""


def test_every_table_has_its_model(database: Database) -> None:
    tables = database.rows("select relname from pg_class where relnamespace = 'tales'::regnamespace and relkind = 'r'")
    assert {row["relname"] for row in tables} - WITHOUT_MODEL == {table.name for table in TABLES}


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_model_has_the_columns_of_its_table(database: Database, table: Table) -> None:
    dialect = create_engine("postgresql+psycopg://").dialect
    in_catalog = {row["name"]: (_name(row["type"]), row["nullable"]) for row in database.rows(COLUMNS, str(table))}
    in_model = {c.name: (_name(c.type.compile(dialect=dialect)), c.nullable) for c in table.columns if not c.system}
    assert in_model == in_catalog


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_model_has_the_primary_key_of_its_table(database: Database, table: Table) -> None:
    names = [row["attname"] for row in database.rows(PRIMARY_KEY, str(table))]
    assert [column.name for column in table.primary_key] == names


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_what_a_model_leaves_to_the_database_has_a_default_there(database: Database, table: Table) -> None:
    defaults = {row["attname"] for row in database.rows(DEFAULTS, str(table))}
    assert {c.name for c in table.columns if c.server_default is not None and not c.system} <= defaults


@pytest.mark.parametrize(
    ("constraint", "vocabulary"),
    [
        ("generations_status_is_known", Status),
        ("generations_story_type_is_known", StoryType),
        ("generations_origin_is_known", Origin),
    ],
)
def test_a_check_lists_the_words_of_the_domain(database: Database, constraint: str, vocabulary: type[StrEnum]) -> None:
    (row,) = database.rows(
        "select pg_get_constraintdef(oid) as check from pg_constraint where conname = %s", constraint
    )
    assert set(re.findall(r"'(\w+)'::text", row["check"])) == {str(word) for word in vocabulary}


def test_the_kinds_of_failure_are_those_of_the_domain(database: Database) -> None:
    (row,) = database.rows("select prosrc from pg_proc where oid = 'tales.is_error_type'::regproc")
    assert set(re.findall(r"'(\w+)'", row["prosrc"])) == {str(kind) for kind in FailureKind}


def _name(type_: str) -> str:
    """One spelling for each type, whoever wrote it."""
    return type_.lower().replace(", ", ",")
