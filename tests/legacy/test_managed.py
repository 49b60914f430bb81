"""The migrations need no superuser, and leave the `auth` schema of Supabase as it is."""

from __future__ import annotations

import re

import psycopg

from tales.infrastructure.migrations.steps import newest_revision, revisions
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tales.legacy.verify import verify
from tests.fixtures import rows
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database
from tests.fixtures.managed import ManagedDatabase
from tests.legacy.library import add_story, add_user, add_varied_stories, stories


def test_an_ordinary_owner_goes_up_and_down_and_up(managed_database: ManagedDatabase) -> None:
    url = managed_database.owner_url
    migrate_up(url, "014")
    legacy = catalog(url)
    migrate_up(url)
    newest = catalog(url)
    migrate_down(url, "014")
    assert catalog(url) == legacy
    migrate_up(url)
    assert catalog(url) == newest


def test_the_schema_is_that_of_a_superuser(managed_database: ManagedDatabase, database: Database) -> None:
    migrate_up(managed_database.owner_url)
    owner = f"{managed_database.name}_owner"
    theirs = [line.replace(owner, "postgres") for line in catalog(managed_database.owner_url, ("tales",))]
    ours = catalog(database.owner_url, ("tales",))
    assert sorted(map(_sorted_grants, theirs)) == sorted(map(_sorted_grants, ours))


def _sorted_grants(line: str) -> str:
    """The owner's name comes elsewhere in the alphabet."""
    return re.sub(r"(?<=grants )[^;]*", lambda grants: ", ".join(sorted(grants[0].split(", "))), line)


def test_auth_stays_as_the_platform_made_it(managed_database: ManagedDatabase) -> None:
    before = catalog(managed_database.superuser_url, ("auth",))
    migrate_up(managed_database.owner_url)
    migrate_down(managed_database.owner_url, "000")
    assert catalog(managed_database.superuser_url, ("auth",)) == before


def test_an_ordinary_owner_moves_every_familys_stories(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    with psycopg.connect(managed_database.superuser_url, autocommit=True) as platform:
        users = [rows.add_user(platform) for _ in range(2)]
    for user in users:
        add_varied_stories(managed_database, user)
    add_story(managed_database, None)
    before = stories(managed_database)

    migrate_up(managed_database.owner_url, options=MigrationOptions({"tales.orphans": "quarantine"}))
    moved = Database(managed_database.name, managed_database.superuser_url, "").rows("select from tales.generations")
    assert len(moved) == len(before) - 1
    migrate_down(managed_database.owner_url, "014")
    assert stories(managed_database) == before


def test_an_ordinary_owner_copies_the_ratings_that_there_were(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    platform = Database(managed_database.name, managed_database.superuser_url, managed_database.app_url)
    story = add_story(platform, add_user(platform), rating=7)
    migrate_up(managed_database.owner_url)

    (kept,) = platform.rows(
        "select r.rating from tales.ratings as r join tales.stories as s using (generation_id) where s.id = %s", story
    )
    assert kept == {"rating": 7}


def push(database: ManagedDatabase, *, after: str, to: str) -> None:
    """Run files as Supabase's command line does, with a choice in a copy of 016."""
    for revision in revisions():
        if after < revision.number <= to:
            choice = b"set tales.orphans = 'quarantine';\n" if revision.number == "016" else b""
            with psycopg.connect(database.owner_url) as owner:
                owner.execute(choice + revision.path.read_bytes())


def test_each_file_can_be_pushed_in_one_transaction(managed_database: ManagedDatabase) -> None:
    push(managed_database, after="000", to="014")
    with psycopg.connect(managed_database.superuser_url, autocommit=True) as platform:
        add_varied_stories(managed_database, rows.add_user(platform))
        add_story(managed_database, None)
    before = stories(managed_database)

    push(managed_database, after="014", to=newest_revision())
    migrate_up(managed_database.owner_url)

    assert verify(managed_database.superuser_url).problems == ()
    migrate_down(managed_database.owner_url, "014")
    assert stories(managed_database) == before
