"""A migrator that is killed at any moment, and run again, comes to the same end."""

from __future__ import annotations

from random import Random

import pytest
from benchmarks.interruptions import end, kill, start_migrator, wait_for_a_moment
from benchmarks.legacy import LegacyPlan, Nastiness, Profile, fill_legacy

from tales.legacy.migrate import migrate_up
from tales.legacy.verify import verify
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.server import Server
from tests.legacy.checksums import NEW_TABLES, OLD_TABLES, checksums
from tests.legacy.concurrency import QUARANTINE

SCHEMAS = ("tales", "auth", "tales_internal")
PLAN = LegacyPlan(rows=1_500, profile=Profile.SHORT, nastiness=Nastiness.each(0.03), huge_bytes=10_000)


@pytest.fixture
def library(legacy_database: Database) -> Database:
    """More stories than fit into a batch."""
    fill_legacy(legacy_database.owner_url, PLAN)
    return legacy_database


@pytest.mark.parametrize("seed", [1, 2])
def test_the_way_up(server: Server, legacy_template: str, library: Database, seed: int) -> None:
    rng, kills = Random(seed), 0
    with copy_of(server, legacy_template) as undisturbed:
        fill_legacy(undisturbed.owner_url, PLAN)
        migrate_up(undisturbed.owner_url, options=QUARANTINE)
        expected = catalog(undisturbed.owner_url, SCHEMAS), checksums(undisturbed, NEW_TABLES)

    while kills < 4:
        process = start_migrator(library.owner_url)
        wait_for_a_moment(process, rng, 0.5)
        if not kill(process)[0]:
            break
        kills += 1
    assert end(start_migrator(library.owner_url))[:2] == (0, "")

    assert kills
    assert verify(library.owner_url).problems == ()
    assert (catalog(library.owner_url, SCHEMAS), checksums(library, NEW_TABLES)) == expected


def test_the_way_back(library: Database) -> None:
    url, rng = library.owner_url, Random(3)
    before = catalog(url), checksums(library, OLD_TABLES)
    migrate_up(url, options=QUARANTINE)
    migrated = catalog(url, SCHEMAS), checksums(library, NEW_TABLES)

    for _ in range(4):
        process = start_migrator(url, "down")
        wait_for_a_moment(process, rng, 0.15)
        if not kill(process)[0]:
            break
        # The server may still be taking it back.
        assert end(start_migrator(url))[:2] == (0, "")
        assert (catalog(url, SCHEMAS), checksums(library, NEW_TABLES)) == migrated
    assert end(start_migrator(url, "down"))[:2] == (0, "")

    assert (catalog(url), checksums(library, OLD_TABLES)) == before
