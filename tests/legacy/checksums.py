"""Checksums of all that tables hold, made in the database: Python does not read every number that JSON may hold."""

from __future__ import annotations

from psycopg import sql

from tests.fixtures.databases import Database
from tests.fixtures.rows import Connection, Row

OLD_TABLES = ("auth.users", "tales.children", "tales.heroes", "tales.stories")
NEW_TABLES = (
    *OLD_TABLES,
    *("tales.generations", "tales_migration.saved_originals", "tales.stories_unowned", "tales.stories_quarantined"),
)
# By the columns' names: `down` adds the old ones at the end. JSON's null is none in to_jsonb, hence the count.
_CHECKSUM = """
    select count(*) as rows, md5(string_agg(sum, '' order by sum)) as sum
    from (select md5(to_jsonb(t)::text || num_nulls(t.*)) as sum from {} as t) as sums
"""


def checksums(database: Database, tables: tuple[str, ...]) -> dict[str, Row]:
    """How many rows each table that holds anything has, and a checksum of all that they hold."""
    with database.connect() as connection:
        there = connection.execute(
            "select name from unnest(%s::text[]) as name where to_regclass(name) is not null", [list(tables)]
        )
        sums = {row["name"]: checksum(connection, row["name"]) for row in there.fetchall()}
        return {name: sum_ for name, sum_ in sums.items() if sum_["rows"]}


def checksum(connection: Connection, table: str) -> Row:
    """The same of one table, as the transaction of `connection` sees it."""
    (row,) = connection.execute(sql.SQL(_CHECKSUM).format(sql.Identifier(*table.split(".")))).fetchall()
    return dict(row)
