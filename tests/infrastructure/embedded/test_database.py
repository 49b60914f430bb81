"""The service finds the schema that it needs, makes it in an empty database, and touches nothing else."""

from __future__ import annotations

import pytest

from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.migrations.prepare import SchemaTooOld, prepare_schema
from tales.infrastructure.migrations.steps import newest_revision
from tales.infrastructure.postgres.database import Database, bypasses_rls, find_database, find_ready_database
from tales.legacy.migrate import migrate_up
from tests.fixtures import databases
from tests.fixtures.environment import home_folder
from tests.fixtures.managed import ManagedDatabase


def over(url: str) -> Database:
    """What an operator's URL names."""
    return find_database(home_folder(), url, None)


def test_a_url_names_the_database_for_everybody_unless_workers_have_their_own() -> None:
    found = find_database(home_folder(), "postgresql://pooler/tales", "postgresql://direct/tales")

    assert (found.owner_url, found.app_url, found.queue_url) == (
        "postgresql://pooler/tales",
        "postgresql://pooler/tales",
        "postgresql://direct/tales",
    )


def test_a_database_with_todays_schema_is_ready_as_it_is(database: databases.Database) -> None:
    found = find_ready_database(home_folder(), database.app_url, "postgresql://direct/tales")

    assert found == Database(database.app_url, database.app_url, "postgresql://direct/tales", is_embedded=False)


def test_one_without_a_schema_or_with_an_old_one_is_not(
    empty_database: databases.Database, legacy_database: databases.Database
) -> None:
    assert find_ready_database(home_folder(), empty_database.owner_url, None) is None
    assert find_ready_database(home_folder(), legacy_database.owner_url, None) is None


def test_to_look_for_a_server_that_never_was_makes_nothing() -> None:
    home = home_folder()

    assert find_ready_database(home, None, None) is None
    assert not home.exists()


def test_an_empty_database_gets_its_schema(empty_database: databases.Database) -> None:
    prepare_schema(over(empty_database.owner_url))

    assert current_revision(empty_database.owner_url) == newest_revision()


def test_a_legacy_database_is_left_to_its_operator(legacy_database: databases.Database) -> None:
    with pytest.raises(SchemaTooOld, match="tales migrate up"):
        prepare_schema(over(legacy_database.owner_url))

    assert current_revision(legacy_database.owner_url) == "014"


def test_the_services_own_role_sees_that_all_is_well(empty_database: databases.Database) -> None:
    migrate_up(empty_database.owner_url)
    empty_database.execute(f"alter role tales_app login password '{databases.APP_PASSWORD}'")

    prepare_schema(over(empty_database.app_url))


def test_a_login_that_could_go_round_the_policies_is_told_from_one_that_cannot(
    database: databases.Database, managed_database: ManagedDatabase
) -> None:
    migrate_up(managed_database.owner_url)

    assert bypasses_rls(database.owner_url)
    assert bypasses_rls(managed_database.owner_url), "an owner may lift what binds it"
    assert not bypasses_rls(database.app_url)
    assert not bypasses_rls(managed_database.app_url)
