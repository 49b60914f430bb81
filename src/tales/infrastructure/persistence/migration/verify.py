"""Whether what was moved is what was there: counted and compared in the database, at any time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import ProgrammingError

from tales.infrastructure.persistence.errors import translated_errors
from tales.infrastructure.persistence.migration import version_table
from tales.infrastructure.persistence.migration.run_step import MigrationFailed
from tales.infrastructure.persistence.migration.session import prepare_session
from tales.infrastructure.persistence.urls import driver_url

_HAS_COMPARISON = text("select to_regprocedure('tales.compare_stories()') is not null")
_HAS_COPIES = text("select to_regprocedure('tales.copy_next_stories(integer)') is not null")
_COMPARE = text("select stories, linked, differing, examples, checksum from tales.compare_stories()")
# Before 017, a story is known to its copy by its id alone.
_COUNT_COPIES = text("""
    select count(*) as stories, count(g.generation_id) as linked
    from tales.stories as s
    left join tales.generations as g on g.generation_id = tales.migrated_generation_id(s.id)
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
_COUNT_ASIDE = text("""
    select (select count(*) from tales.stories_unowned) as unowned,
        (select count(*) from tales.stories_quarantined) as quarantined
""")


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
    engine = create_engine(driver_url(url), poolclass=NullPool, hide_parameters=True)
    with translated_errors(), _seeing_everything(), engine.connect() as connection:
        # To compare millions of rows takes longer than a service lets a statement run.
        prepare_session(connection)
        # The owner of a migrated database sees families' rows only where it may bypass their policies.
        connection.execute(text("set transaction isolation level repeatable read read only"))
        connection.execute(text("set local row_security = off"))
        found = _look(connection)
    engine.dispose()
    return found


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
    if not connection.execute(_HAS_COPIES).scalar_one():
        stories = connection.execute(text("select count(*) from tales.stories")).scalar_one()
        return Verification(stands_at, stories, 0)
    aside = connection.execute(_COUNT_ASIDE).one()
    counts = {"unowned": aside.unowned, "quarantined": aside.quarantined}
    if connection.execute(_HAS_COMPARISON).scalar_one():
        row = connection.execute(_COMPARE).one()
        examples = tuple(map(str, row.examples or ()))
        return Verification(stands_at, row.stories, row.linked, row.differing, examples, row.checksum, **counts)
    if stands_at < "017":
        row = connection.execute(_COUNT_COPIES).one()
        return Verification(stands_at, row.stories, row.linked, **counts)
    row = connection.execute(_COUNT_LINKS).one()
    return Verification(stands_at, row.stories, row.linked, None, tuple(map(str, row.examples or ())), **counts)
