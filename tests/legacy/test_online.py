"""While stories are migrated, the old application writes and reads on. `benchmarks` measures how long it waits."""

from __future__ import annotations

import time

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


def test_what_the_migration_does_itself_is_nobody_elses_work(database: Database) -> None:
    database.execute("create sequence public.naps")
    database.execute("""
        create function public.nap(most integer) returns integer language sql
        return (select case when nextval('public.naps') <= 20 then 1 else 0 end from pg_sleep(0.1))
    """)
    with migrator(database.owner_url) as connection:
        runner = StepRunner(connection)
        Batches(database.owner_url, Pace()).repeat(runner, Step("nap", "", "public.nap"))
        assert runner.others.own_commits > 20
        # The next look, which forgets what was counted before it.
        while runner.others.own_commits > 20:
            runner.others.look(connection)

    assert not runner.others.is_going_on
