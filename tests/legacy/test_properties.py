"""Whatever a legacy database holds goes up, comes back exactly, and goes up again the same."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from benchmarks.legacy import Extras, LegacyPlan, Nastiness, Profile, fill_legacy
from benchmarks.legacy.plan import kinds
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tales.legacy.migrate import ARCHIVE_TABLE, MigrationOptions, migrate_down, migrate_up
from tales.legacy.verify import verify
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.depth import DEEP
from tests.fixtures.rows import add_user, ended, insert, retry, story
from tests.fixtures.server import Server
from tests.legacy.checksums import NEW_TABLES, OLD_TABLES, checksum, checksums
from tests.legacy.concurrency import transaction

TITLE = "A story that no legacy database has"
SHARES = st.dictionaries(
    # Without NOT NULL in story_type it is another schema.
    st.sampled_from([kind for kind in kinds() if kind != "null_story_type"]),
    st.sampled_from([0.05, 0.4, 1.0]),
    max_size=8,
)
EXTRAS = st.sampled_from([frozenset[Extras](), frozenset({Extras.COLUMNS}), frozenset({Extras.STRICT})])
PROPERTY = settings(
    max_examples=30 if DEEP else 3,
    deadline=None,
    # To shrink an example takes longer than to read it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True, slots=True)
class Library:
    """A legacy database, and what its operator chooses for rows without a place."""

    plan: LegacyPlan
    assigns: bool = False
    forgets_lengths: bool = False

    def fill(self, database: Database) -> MigrationOptions:
        """Fill the database; how it is to be migrated."""
        fill_legacy(database.owner_url, self.plan)
        (user,) = database.rows("select min(id::text) as id from auth.users")
        choices = {
            "tales.orphans": f"assign={user['id']}" if self.assigns else "quarantine",
            "tales.invalid": "null" if self.forgets_lengths else "quarantine",
        }
        return MigrationOptions(choices, drops_not_null=True)


@st.composite
def libraries(draw: st.DrawFn) -> Library:
    """Small ones of every kind."""
    nastiness = Nastiness(**draw(SHARES))
    plan = LegacyPlan(
        rows=draw(st.sampled_from([0, 1, 30, 120])),
        seed=draw(st.integers(0, 1000)),
        users=3,
        profile=Profile.SHORT,
        nastiness=nastiness,
        huge_bytes=10_000,
        extras=draw(EXTRAS),
    )
    return Library(plan, draw(st.booleans()), draw(st.booleans()) and not nastiness.unknown_type)


def nasty(share: float) -> LegacyPlan:
    """Everything at once."""
    return LegacyPlan(rows=150, users=3, profile=Profile.SHORT, huge_bytes=10_000, nastiness=Nastiness.each(share))


def write_by_the_new_application(database: Database) -> None:
    """A story at the second attempt, and an attempt that failed."""
    with database.connect() as connection:
        user = add_user(connection)
        first = insert(connection, "generations", ended(user, "failed"))
        success = ended(user) | {"attempt_number": retry(first)["attempt_number"]}
        second = insert(connection, "generations", success | {"generation_id": first["generation_id"]})
        insert(connection, "stories", story(second, title=TITLE))
        insert(connection, "generations", ended(user, "timeout"))


@given(libraries())
@example(Library(nasty(0.1), assigns=True))
@example(Library(nasty(0.1)))
@example(Library(nasty(1.0), assigns=True))
@PROPERTY
def test_up_and_down_gives_back_every_row_and_up_again_is_the_same(
    server: Server, legacy_template: str, library: Library
) -> None:
    with copy_of(server, legacy_template) as database:
        options, url = library.fill(database), database.owner_url
        before = checksums(database, OLD_TABLES)
        migrate_up(url, options=options)
        assert verify(url).problems == ()
        migrated = checksums(database, NEW_TABLES), catalog(url)

        migrate_down(url, "014", ARCHIVE_TABLE)
        assert checksums(database, OLD_TABLES) == before

        migrate_up(url, options=options)
        assert (checksums(database, NEW_TABLES), catalog(url)) == migrated


@given(libraries())
@example(Library(nasty(0.1)))
@PROPERTY
def test_so_does_what_the_new_application_has_written_meanwhile(
    server: Server, legacy_template: str, library: Library
) -> None:
    with copy_of(server, legacy_template) as database:
        options, url = library.fill(database), database.owner_url
        with database.connect() as connection:
            before = checksum(connection, "tales.stories")
        migrate_up(url, options=options)
        write_by_the_new_application(database)
        migrated = checksums(database, NEW_TABLES)

        migrate_down(url, "014", ARCHIVE_TABLE)
        # The legacy table holds all of it; without it, it is as it was.
        with transaction(database) as connection:
            written = connection.execute("delete from tales.stories where title = %s", [TITLE]).rowcount
            assert (written, checksum(connection, "tales.stories")) == (1, before)

        migrate_up(url, options=options)
        assert checksums(database, NEW_TABLES) == migrated


CHANGES = (
    "moral = 'haste', full_response = 'null', generation_info = null, story_length = null",
    "rating = 1, title = 'Another'",
    "model_used = null, story_type = 'hero', relationship_description = ''",
    "created_at = null",
    "created_at = 'infinity'",
    "user_id = (select id from auth.users where id <> stories.user_id limit 1)",
    "user_id = null",
    "story_type = 'saga', story_length = -1",
)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("at", ["014", "016", "expand"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_story_of_the_new_application_may_be_changed_by_the_old_one_after_the_way_back(
    database: Database, change: str, at: str
) -> None:
    url, options = database.owner_url, MigrationOptions({"tales.orphans": "quarantine", "tales.invalid": "quarantine"})
    with database.connect() as connection:
        add_user(connection)
    write_by_the_new_application(database)
    migrate_down(url, "014", ARCHIVE_TABLE)
    if at == "expand":
        migrate_up(url, options=MigrationOptions(until_expand=True))
    elif at != "014":
        migrate_up(url, at)
    assert database.execute("update tales.stories set " + change) == 1
    columns = (
        "model_used, full_response, generation_info, story_type, story_length, moral, user_id, created_at::text, title"
    )
    changed = database.rows(f"select {columns}, relationship_description, rating from tales.stories")
    if change.startswith("created_at") and at == "expand":
        assert changed[0]["created_at"] not in {None, "infinity"}
        changed[0]["created_at"] = "infinity" if "infinity" in change else None

    migrate_up(url, options=options)
    assert verify(url).problems == ()
    assert len(database.rows("select from tales.generations where origin = 'live'")) == 3
    migrate_down(url, "014", ARCHIVE_TABLE)

    assert database.rows(f"select {columns}, relationship_description, rating from tales.stories") == changed
