"""While stories are migrated, the old application writes and reads on. `benchmarks` measures how long it waits."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import pytest
from benchmarks.legacy import LegacyPlan, Nastiness, Profile, fill_legacy
from benchmarks.legacy_application import LegacyApplication

from tales.infrastructure.migrations.migrate import current_revision, migrator
from tales.infrastructure.migrations.run_step import StepRunner
from tales.infrastructure.migrations.steps import Step, newest_revision
from tales.legacy.batches import Batches
from tales.legacy.migrate import MigrationOptions, migrate_up
from tales.legacy.pace import Pace
from tales.legacy.verify import verify
from tests.fixtures.databases import Database
from tests.fixtures.waiting import until
from tests.legacy.concurrency import stop_at, transaction
from tests.legacy.library import add_story, add_user


def test_no_statement_fails_no_write_is_missing_and_nothing_comes_back(legacy_database: Database) -> None:
    url = legacy_database.owner_url
    fill_legacy(
        url, LegacyPlan(rows=1_500, profile=Profile.SHORT, nastiness=Nastiness(null_model_used=0.1, null_moral=0.1))
    )
    application = LegacyApplication(url, rate=60)
    application.start()
    try:
        # Slowly, so that much is written to stories that are being moved.
        migrate_up(url, options=MigrationOptions(until_expand=True, pace=Pace(max_rate=700, rows=100)))
        time.sleep(0.5)
        application.knows_old_columns = False
        time.sleep(0.5)
        migrate_up(url)
    finally:
        application.stop()

    assert application.problems() == []
    assert sum(len(ledger.stories) for ledger in application.ledgers) > 300
    assert sum(len(ledger.deleted) for ledger in application.ledgers) > 50
    assert current_revision(url) == newest_revision()
    assert verify(url).problems == ()


async def test_what_the_migration_does_itself_is_nobody_elses_work(database: Database) -> None:
    database.execute("create sequence public.naps")
    database.execute("""
        create function public.nap(most integer) returns integer language sql
        return (select case when nextval('public.naps') <= 20 then 1 else 0 end from pg_sleep(0.1))
    """)
    with migrator(database.owner_url) as connection:
        runner = StepRunner(connection)
        # In one of some rounds: autovacuum is others' work indeed, and what it commits comes in bursts. What is not
        # told from others' work would be found in each.
        for _ in range(5):
            database.execute("alter sequence public.naps restart")
            Batches(database.owner_url, Pace()).repeat(runner, Step("nap", "", "public.nap"))
            looked_at = runner.others.looked_at
            await until(lambda seen=looked_at: runner.others.look(connection) or runner.others.looked_at > seen)
            if not runner.others.is_going_on:
                break

    assert not runner.others.is_going_on


@pytest.mark.parametrize("table", ["stories", "generations"])
async def test_a_step_that_waits_for_autovacuum_holds_up_nobody(
    legacy_database: Database, table: LiteralString
) -> None:
    story = add_story(legacy_database, add_user(legacy_database))
    stop_at(legacy_database, "contract")
    waiting: LiteralString = "select from pg_locks where relation = 'tales." + table + "'::regclass and not granted"
    with ThreadPoolExecutor(1) as threads, transaction(legacy_database) as vacuum:
        vacuum.execute("lock table tales." + table + " in share update exclusive mode")
        migrating = threads.submit(migrate_up, legacy_database.owner_url)
        await until(lambda: legacy_database.rows(waiting))
        with transaction(legacy_database) as old_application:
            old_application.execute("set local lock_timeout = 1")
            old_application.execute("update tales.stories set rating = 3, moral = 'courage' where id = %s", [story])
            old_application.commit()
        vacuum.rollback()
        await asyncio.wrap_future(migrating)

    assert current_revision(legacy_database.owner_url) == newest_revision()


@pytest.mark.parametrize(
    ("step", "table", "modes"),
    [
        ("ratings_table", "generations", ["ShareRowExclusiveLock", "AccessExclusiveLock"]),
        ("family_indexes", "children", ["AccessExclusiveLock"]),
        ("family_indexes", "heroes", ["AccessExclusiveLock"]),
    ],
)
async def test_a_step_that_waits_for_stories_keeps_nobody_from_what_a_writer_of_them_needs(
    legacy_database: Database, step: str, table: LiteralString, modes: list[str]
) -> None:
    story = add_story(legacy_database, add_user(legacy_database))
    stop_at(legacy_database, step)
    waiting = "select from pg_locks where relation = 'tales.stories'::regclass and not granted"
    held = "select mode from pg_locks where relation = %s::regclass and granted and mode = any (%s)"
    with ThreadPoolExecutor(1) as threads, transaction(legacy_database) as writer:
        writer.execute("update tales.stories set title = 'New' where id = %s", [story])
        migrating = threads.submit(migrate_up, legacy_database.owner_url)
        await until(lambda: legacy_database.rows(waiting))
        assert legacy_database.rows(held, "tales." + table, modes) == []
        writer.commit()
        await asyncio.wrap_future(migrating)


def test_what_a_publication_of_everything_shows_can_be_changed_at_every_step(legacy_database: Database) -> None:
    """Without a key, or another identity, PostgreSQL refuses to change a row of a published table."""
    add_story(legacy_database, add_user(legacy_database))
    unidentified = """
        select c.oid::regclass::text as name from pg_class as c
        where relkind = 'r' and relnamespace = 'tales'::regnamespace
            and relreplident <> 'f' and not exists (select from pg_index where indrelid = c.oid and indisprimary)
    """
    found: set[tuple[str, str]] = set()

    def look(step: str, _moved: int) -> None:
        found.update((step, row["name"]) for row in legacy_database.rows(unidentified))

    migrate_up(legacy_database.owner_url, options=MigrationOptions(report=look))

    assert found == set()
