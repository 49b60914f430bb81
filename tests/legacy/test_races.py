"""A story that is written at the very moment when its batch is moved, in every order of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID, uuid4

import pytest

from tales.legacy.migrate import migrate_down, migrate_up
from tales.legacy.verify import verify
from tests.fixtures.databases import Database
from tests.fixtures.rows import Row
from tests.legacy.concurrency import QUARANTINE, Others, stop_at, transaction
from tests.legacy.library import add_family, add_story, add_user, stories

pytestmark = pytest.mark.sampled(3)

ENDS = ("commit", "rollback")
BATCHES: dict[str, LiteralString] = {
    "copy": "select tales_migration.copy_batch(1000)",
    "link": "select tales_migration.link_batch(1000)",
}
STRAYS = """
    select generation_id from tales.generations as g
    where not exists (select from tales.stories as s where s.generation_id = g.generation_id)
"""


@dataclass(frozen=True, slots=True)
class Write:
    """One statement of the old application about one story, which may have no place in the new model beforehand."""

    statement: LiteralString
    parameters: tuple[object, ...]
    is_of_no_place: bool = False


@dataclass(frozen=True, slots=True)
class Library:
    """A legacy library, and what is about to be written to each of its stories."""

    database: Database
    writes: tuple[Write, ...]

    def after(self, *, set_aside: bool = False) -> list[Row]:
        """What the legacy table holds if nothing but the writes happens.

        What has been set aside meanwhile is out of the old application's reach.
        """
        with transaction(self.database) as connection:
            for write in self.writes:
                if not (set_aside and write.is_of_no_place):
                    connection.execute(write.statement, write.parameters)
            return connection.execute("select * from tales.stories order by id").fetchall()


@pytest.fixture
def library(legacy_database: Database) -> Library:
    """Each story is written by exactly one statement, and some are let alone."""
    user, other = add_user(legacy_database), add_user(legacy_database)
    child = add_family(legacy_database, "children", user)
    for moral in ("kindness", None):
        add_story(legacy_database, user, moral=moral)

    def story(owner: UUID | None = user, **changes: object) -> UUID:
        return add_story(legacy_database, owner, child_id=child, **changes)

    def update(sets: LiteralString, *parameters: object, no_place: bool = False) -> Write:
        return Write("update tales.stories set " + sets + " where id = %s", parameters, no_place)

    def delete(story: UUID, *, no_place: bool = False) -> Write:
        return Write("delete from tales.stories where id = %s", (story,), no_place)

    writes = (
        update("rating = 1, title = 'New'", story()),
        update("moral = 'courage', full_response = '[null]', story_length = null", story(moral=None)),
        update("model_used = null, moral = null, full_response = 'null'", story()),
        update("created_at = null", story()),
        update("created_at = '2020-02-02'", story(created_at=None)),
        update("child_id = null", story()),
        update("user_id = %s", other, story()),
        update("user_id = %s", other, story(None), no_place=True),
        update("user_id = null", story()),
        update("story_type = 'saga'", story()),
        update("story_type = 'child'", story(story_type="saga"), no_place=True),
        update("story_length = 0", story()),
        update("story_length = 3", story(story_length=-3), no_place=True),
        delete(story()),
        delete(story(None), no_place=True),
        delete(story(story_length=0), no_place=True),
        Write(
            "insert into tales.stories (id, title, content, user_id, story_type, created_at, updated_at) "
            "values (%s, 't', 'c', %s, 'child', '2025-01-01', '2025-01-01')",
            (uuid4(), user),
        ),
        Write(
            "insert into tales.stories (id, title, content, user_id, story_type, created_at, updated_at) "
            "values (%s, 't', 'c', null, 'child', null, '2025-01-01')",
            (uuid4(),),
        ),
    )
    return Library(legacy_database, writes)


def check(library: Library, expected: list[Row]) -> None:
    """Go the whole way up and back: nothing is lost, nothing came back, and nothing is left over."""
    database = library.database
    migrate_up(database.owner_url, options=QUARANTINE)
    assert verify(database.owner_url).problems == ()
    assert database.rows(STRAYS) == []
    migrate_down(database.owner_url, "014")
    assert stories(database) == expected


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("step", BATCHES)
def test_what_was_begun_before_a_batch(library: Library, step: str, end: str) -> None:
    expected = library.after(set_aside=step != "copy") if end == "commit" else stories(library.database)
    stop_at(library.database, step)
    batch = Others(library.database)
    writers = [transaction(library.database) for _ in library.writes]
    connections = [writer.__enter__() for writer in writers]
    for connection, write in zip(connections, library.writes, strict=True):
        connection.execute(write.statement, write.parameters)
    batch.run(BATCHES[step])
    for connection, writer in zip(connections, writers, strict=True):
        connection.commit() if end == "commit" else connection.rollback()
        writer.__exit__(None, None, None)
    batch.end()

    check(library, expected)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("step", BATCHES)
def test_what_is_written_while_a_batch_is_moved(library: Library, step: str, end: str) -> None:
    # While the batch is held, stories without a place are on their way out.
    expected = library.after(set_aside=step != "copy" or end == "commit")
    stop_at(library.database, step)
    writers = Others(library.database)
    with transaction(library.database) as batch:
        batch.execute(BATCHES[step])
        for write in library.writes:
            writers.run(write.statement, *write.parameters)
        batch.commit() if end == "commit" else batch.rollback()
    writers.end()

    check(library, expected)


@pytest.mark.parametrize(
    "write",
    [
        "delete from tales.stories where id = %s",
        "update tales.stories set id = gen_random_uuid() where id = %s",
        "update tales.stories set story_length = -1 where id = %s",
    ],
)
def test_who_cannot_see_a_copy_leaves_none_behind(legacy_database: Database, write: LiteralString) -> None:
    story = add_story(legacy_database, add_user(legacy_database))
    stop_at(legacy_database, "copy")
    with transaction(legacy_database) as writer:
        writer.execute("set transaction isolation level repeatable read")
        writer.execute("select from tales.stories")
        legacy_database.rows(BATCHES["copy"])
        writer.execute(write, [story])
        writer.commit()

    migrate_up(legacy_database.owner_url, options=QUARANTINE)

    assert verify(legacy_database.owner_url).problems == ()
    assert legacy_database.rows(STRAYS) == []


@pytest.mark.parametrize(
    "write", ["update tales.stories set rating = 2 where id = %s", "delete from tales.stories where id = %s"]
)
def test_a_batch_does_not_wait_for_who_waits_for_it(legacy_database: Database, write: LiteralString) -> None:
    user = add_user(legacy_database)
    story, misfit = add_story(legacy_database, user), add_story(legacy_database, user, story_length=-3)
    stop_at(legacy_database, "copy")
    batch, writer = Others(legacy_database), Others(legacy_database)
    with transaction(legacy_database) as other:
        # The batch has its lock, and waits for this copy; the write of the misfit has its row, and waits for the batch.
        other.execute("update tales.stories set moral = 'courage' where id = %s", [story])
        batch.run(BATCHES["copy"])
        writer.run(write, misfit)
        other.commit()
    batch.end()
    writer.end()

    migrate_up(legacy_database.owner_url, options=QUARANTINE)
    assert verify(legacy_database.owner_url).problems == ()


@pytest.mark.parametrize("step", ["copy", "expand", "link", "index", "resolve", "strays", "verify", "contract"])
def test_what_is_written_between_two_steps(library: Library, step: str) -> None:
    expected = library.after(set_aside=step != "copy")
    stop_at(library.database, step)
    for write in library.writes:
        library.database.execute(write.statement, *write.parameters)

    check(library, expected)


COPIED = "select count(*) as copied from tales.generations"


def test_a_story_that_changes_its_place_is_copied_by_the_write_that_moves_it(library: Library) -> None:
    before = stories(library.database)
    no_place = [s for s in before if s["user_id"] is None or s["story_type"] == "saga" or s["story_length"] in (0, -3)]
    stop_at(library.database, "copy")
    library.database.rows("select tales_migration.copy_batch(3)")
    (part,) = library.database.rows(COPIED)

    # To a place that the copy has passed, for all that is known.
    library.database.execute("update tales.stories set rating = rating")

    (all_with_a_place,) = library.database.rows(COPIED)
    assert part["copied"] <= 3
    assert all_with_a_place["copied"] == len(before) - len(no_place)
    check(library, before)


@pytest.mark.parametrize("step", BATCHES)
def test_a_table_that_is_rewritten_between_two_batches_is_gone_through_again(library: Library, step: str) -> None:
    expected = library.after(set_aside=step != "copy")
    stop_at(library.database, step)
    for write in library.writes:
        library.database.execute(write.statement, *write.parameters)
    library.database.rows(BATCHES[step].replace("1000", "12"))

    library.database.execute("vacuum full tales.stories")

    (row,) = library.database.rows(BATCHES[step])
    assert sum(row.values()) > 12
    check(library, expected)
