"""Fills a legacy database by COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.legacy.copying import line
from benchmarks.legacy.extras import add_extras
from benchmarks.legacy.families import READY_MADE, Families, children_of, heroes_of
from benchmarks.legacy.plan import Extras, LegacyCounts, LegacyPlan
from benchmarks.legacy.stories import Stories
from tales.infrastructure.postgres.urls import libpq_url

Target = str | psycopg.Connection[Any]

_BATCH = 20_000
"""Stories in one COPY. The server remembers each row's foreign keys until its end: one COPY for all would grow."""
_CHUNK = 256 * 1024
"""Bytes that are handed to the driver at once."""

_USERS = ("id", "email", "created_at")
_CHILDREN = ("id", "user_id", "name", "age", "interests", "gender", "created_at")
_HEROES = ("id", "user_id", "name", "appearance", "created_at")


def fill_legacy(target: Target, plan: LegacyPlan, progress: Callable[[int], None] | None = None) -> LegacyCounts:
    """Fill the database at `target`, which stands at 014, with what `plan` says.

    `target` is a URL (each 20,000 stories are then a transaction) or a connection (in whose transaction all of it
    happens, if it is in one). Its role owns the tables, and may insert into `auth.users`. `progress` hears how many
    stories there are so far. What `plan.extras` names is added first, except what depends on the old columns: that
    comes last, so that loading does not pay for its indexes.
    """
    with _connection(target) as connection:
        add_extras(connection, plan.extras - {Extras.DEPENDENTS})
        if plan.nastiness.null_story_type:
            connection.execute("alter table tales.stories alter column story_type drop not null")
        families = Families(plan)
        tenant = [b"legacy"] if Extras.STRICT in plan.extras else []
        strict = ("tenant",) if tenant else ()
        _copy(connection, ("auth", "users"), _USERS, map(line, families.users()))
        _copy(connection, ("tales", "children"), _CHILDREN + strict, (line(c + tenant) for c in families.children()))
        _copy(connection, ("tales", "heroes"), _HEROES + strict, (line(h + tenant) for h in families.heroes()))
        stories = Stories(plan, families)
        sent = _copy_stories(connection, stories, progress or (lambda _: None))
        add_extras(connection, plan.extras & {Extras.DEPENDENTS})
    return LegacyCounts(
        stories=plan.rows,
        users=families.count,
        children=sum(map(children_of, range(families.count))),
        heroes=READY_MADE + sum(map(heroes_of, range(families.count))),
        kinds=dict(stories.made),
        sent=sent,
    )


def _copy_stories(connection: psycopg.Connection[Any], stories: Stories, progress: Callable[[int], None]) -> int:
    lines, sent = stories.lines(), 0
    for done in range(0, stories.count, _BATCH):
        sent += _copy(connection, ("tales", "stories"), stories.columns, islice(lines, _BATCH))
        progress(min(done + _BATCH, stories.count))
    return sent


def _copy(
    connection: psycopg.Connection[Any], table: tuple[str, str], columns: tuple[str, ...], lines: Iterable[bytes]
) -> int:
    """Send `lines` to `table`; how many bytes that were."""
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(*table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    sent = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for chunk in _chunks(lines):
            copy.write(chunk)
            sent += len(chunk)
    return sent


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces: a call of the driver for each line costs more than the line."""
    pending: list[bytes] = []
    size = 0
    for text in lines:
        pending.append(text)
        size += len(text)
        if size >= _CHUNK:
            yield b"".join(pending)
            pending.clear()
            size = 0
    yield b"".join(pending)


@contextmanager
def _connection(target: Target) -> Iterator[psycopg.Connection[Any]]:
    if isinstance(target, psycopg.Connection):
        yield target
    else:
        with psycopg.connect(libpq_url(target), autocommit=True) as connection:
            yield connection
