"""Which story a generation carries on: of the same family, as long as there is that story, and across migrations."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from tales.legacy.migrate import ARCHIVE_TABLE, migrate_down, migrate_up
from tests.fixtures.actors import SERVICE, acting, admin, refused, user
from tests.fixtures.databases import Database
from tests.fixtures.rows import Connection, Row, add_user, attempt, ended, insert, story

SEQUELS = "select * from tales.sequels order by generation_id"


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection


def told(connection: Connection, parent: UUID) -> UUID:
    """A story of the family."""
    made: UUID = insert(connection, "stories", story(insert(connection, "generations", ended(parent))))["id"]
    return made


def sequel(connection: Connection, parent: UUID, earlier: UUID) -> Row:
    """A generation in flight that is to carry it on."""
    new = insert(connection, "generations", attempt(parent))
    return {"generation_id": new["generation_id"], "user_id": parent, "sequel_of": earlier}


def test_a_family_carries_on_its_own_story_once(connection: Connection) -> None:
    parent = add_user(connection)
    row = sequel(connection, parent, told(connection, parent))
    with acting(connection, user(parent)):
        insert(connection, "sequels", row)
    with refused("sequels_pkey"), acting(connection, user(parent)):
        insert(connection, "sequels", row)
    assert connection.execute(SEQUELS).fetchall() == [row]


@pytest.mark.parametrize("whose", ["story", "generation", "nobody's story", "nobody's generation"])
def test_another_familys_story_cannot_be_carried_on_nor_by_its_generation(connection: Connection, whose: str) -> None:
    parent, other = add_user(connection), add_user(connection)
    row = sequel(connection, parent, told(connection, parent))
    theirs = sequel(connection, other, told(connection, other))
    row |= {
        "story": {"sequel_of": theirs["sequel_of"]},
        "generation": {"generation_id": theirs["generation_id"]},
        "nobody's story": {"sequel_of": uuid4()},
        "nobody's generation": {"generation_id": uuid4()},
    }[whose]
    with refused("sequels_one_family"), acting(connection, user(parent)):
        insert(connection, "sequels", row)
    with refused("sequels_one_family"):
        insert(connection, "sequels", row)


def test_nobody_writes_or_reads_another_familys(connection: Connection) -> None:
    parent, other = add_user(connection), add_user(connection)
    row = sequel(connection, parent, told(connection, parent))
    for visitor in (user(other), admin(), SERVICE):
        with refused(error=psycopg.Error), acting(connection, visitor):
            insert(connection, "sequels", row)
    insert(connection, "sequels", row)
    with acting(connection, user(other)):
        assert connection.execute(SEQUELS).fetchall() == []


def test_it_is_forgotten_with_the_earlier_story_and_erased_with_the_family(connection: Connection) -> None:
    parent, other = add_user(connection), add_user(connection)
    for family in (parent, other):
        insert(connection, "sequels", sequel(connection, family, told(connection, family)))
    with acting(connection, user(parent)):
        connection.execute("delete from tales.stories")
    assert [row["user_id"] for row in connection.execute(SEQUELS)] == [other]
    assert connection.execute("select from tales.generations where user_id = %s", [parent]).rowcount == 2
    with acting(connection, SERVICE):
        connection.execute("delete from auth.users where id = %s", [other])
    assert connection.execute(SEQUELS).fetchall() == []


def test_it_outlives_the_way_back_to_the_legacy_schema(database: Database) -> None:
    with database.connect() as connection:
        parent = add_user(connection)
        insert(connection, "sequels", sequel(connection, parent, told(connection, parent)))
    before = database.rows(SEQUELS)

    migrate_down(database.owner_url, "014", ARCHIVE_TABLE)
    (kept,) = database.rows("select relacl, relrowsecurity from pg_class where oid = 'tales.sequels'::regclass")
    assert kept["relrowsecurity"]
    assert not {"authenticated", "service_role"} & set(str(kept["relacl"]).split("="))
    migrate_up(database.owner_url)

    assert database.rows(SEQUELS) == before
    (found,) = database.rows("select relforcerowsecurity from pg_class where oid = 'tales.sequels'::regclass")
    assert found["relforcerowsecurity"]


def test_it_goes_with_the_stories_below_them(database: Database) -> None:
    with database.connect() as connection:
        parent = add_user(connection)
        insert(connection, "sequels", sequel(connection, parent, told(connection, parent)))
    migrate_down(database.owner_url, "000")
    assert database.rows("select to_regnamespace('tales') as schema") == [{"schema": None}]


def test_a_story_about_a_ready_made_hero_keeps_it_across_migrations(database: Database) -> None:
    with database.connect() as connection:
        parent = add_user(connection)
        (luna,) = connection.execute("select id from tales.heroes where name = 'Luna the Owl'").fetchall()
        made = insert(connection, "generations", ended(parent, story_type="hero", hero_id=luna["id"]))
        insert(connection, "stories", story(made, hero_id=luna["id"]))

    migrate_down(database.owner_url, "014", ARCHIVE_TABLE)
    migrate_up(database.owner_url)

    assert [row["hero_id"] for row in database.rows("select hero_id from tales.stories")] == [luna["id"]]
    assert [row["hero_id"] for row in database.rows("select hero_id from tales.generations")] == [luna["id"]]
