"""Whether what was moved is what was there: counted and compared in the database, at any time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import ProgrammingError

from tales.infrastructure.migrations import version_table
from tales.infrastructure.migrations.migrate import connected
from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.infrastructure.migrations.session import prepare_session

_HAS_COMPARISON = text("""
    select exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'tales.stories'::regclass and attname = 'model_used' and not attisdropped
    ) and to_regprocedure('tales_migration.compare_stories()') is not null
""")
_COUNT_STORIES = text("select count(*) as stories, 0 as linked, null as examples from tales.stories")
_HAS_COPIES = text("select to_regprocedure('tales_migration.generation_id_of(uuid)') is not null")
_COMPARE = text("select stories, linked, differing, examples, checksum from tales_migration.compare_stories()")
# Before 017, a story is known to its copy by its id alone.
_COUNT_COPIES = text("""
    select count(*) as stories, count(g.generation_id) as linked, null as examples
    from tales.stories as s
    left join tales.generations as g on g.generation_id = tales_migration.generation_id_of(s.id)
""")
# After 017, constraints hold most of this; a restored or replicated database may have lost them.
_COUNT_LINKS = text("""
    select count(*) as stories, count(*) filter (where is_linked) as linked,
        (array_agg(id order by id) filter (where not is_linked))[1:5] as examples
    from (
        select s.id, coalesce(g.status = 'success' and g.user_id = s.user_id, false) as is_linked
        from tales.stories as s
        left join tales.generations as g
            on g.generation_id = s.generation_id and g.attempt_number = s.generation_attempt
    ) as links
""")
_EXISTS = text("select to_regclass(:name) is not null")


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. `linked` stories have their attempt; `differing` ones are not as they were; None: not compared.

    `checksum` is of all that the legacy columns held, the same for the same rows.
    """

    stands_at: str
    stories: int
    linked: int
    differing: int | None = None
    examples: tuple[str, ...] = ()
    checksum: int | None = None
    unowned: int = 0
    quarantined: int = 0

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in sentences."""
        found = []
        if self.stories != self.linked:
            found.append(f"{self.stories - self.linked} of {self.stories} stories have no attempt.")
        if self.differing:
            found.append(f"{self.differing} stories differ from their attempts.")
        if found and self.examples:
            found.append(f"Such as: {', '.join(self.examples)}.")
        return tuple(found)

    def as_dict(self) -> dict[str, object]:
        """Every figure under its name."""
        return {
            "stands_at": self.stands_at,
            "stories": self.stories,
            "linked": self.linked,
            "differing": self.differing,
            "examples": list(self.examples),
            "checksum": self.checksum,
            "unowned": self.unowned,
            "quarantined": self.quarantined,
        }


def verify(url: str) -> Verification:
    """Compare the stories of the database at `url` (its owner's) with their attempts. It writes nothing.

    Raises: MigrationFailed, where the role does not see all of them.
    """
    with connected(url) as connection, _seeing_everything():
        # To compare millions of rows takes longer than a service lets a statement run.
        prepare_session(connection)
        # The owner of a migrated database sees families' rows only where it may bypass their policies.
        connection.execute(text("set transaction isolation level repeatable read read only"))
        connection.execute(text("set local row_security = off"))
        return _look(connection)


@contextmanager
def _seeing_everything() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise MigrationFailed(
                "This role does not see every family's stories. Verify as a superuser, or as a role with BYPASSRLS."
            ) from None
        raise


def _look(connection: Connection) -> Verification:
    stands_at = version_table.current_revision(connection)
    aside: dict[str, int] = {
        "unowned": count_set_aside(connection, "stories_unowned"),
        "quarantined": count_set_aside(connection, "stories_quarantined"),
    }
    if connection.execute(_HAS_COMPARISON).scalar_one():
        row = connection.execute(_COMPARE).one()
        differing, checksum = row.differing, row.checksum
    else:
        if stands_at >= "017":
            query = _COUNT_LINKS
        else:
            query = _COUNT_COPIES if connection.execute(_HAS_COPIES).scalar_one() else _COUNT_STORIES
        row, differing, checksum = connection.execute(query).one(), None, None
    examples = tuple(map(str, row.examples or ()))
    return Verification(stands_at, row.stories, row.linked, differing, examples, checksum, **aside)


def count_set_aside(connection: Connection, table: str) -> int:
    """How many stories a table for those without a place holds; it goes when it holds none."""
    if not connection.execute(_EXISTS, {"name": f"tales.{table}"}).scalar_one():
        return 0
    return connection.execute(select(func.count()).select_from(text(f"tales.{table}"))).scalar_one()
