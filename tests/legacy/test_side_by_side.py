"""While stories move, the old and the new application both work: what either writes, the other reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.migrations.steps import newest_revision
from tales.legacy.migrate import ARCHIVE_TABLE, MigrationOptions, migrate_down, migrate_up
from tales.legacy.verify import verify
from tests.fixtures.actors import acting, refused
from tests.fixtures.actors import user as signed_in
from tests.fixtures.databases import Database
from tests.fixtures.rows import attempt, change, child, ended, hero, insert
from tests.legacy.check.looking import findings, look
from tests.legacy.concurrency import stop_at
from tests.legacy.library import TOLD, add_family, add_story, add_user, add_varied_stories, stories

pytestmark = pytest.mark.sampled(3)

PARTS: LiteralString = "model_used, full_response, generation_info, story_type, story_length, moral, hero_appearance"
LEGACY: LiteralString = f"select title, content, user_id, created_at, updated_at, rating, {PARTS} from tales.stories"
COPY: LiteralString = "select * from tales.generations where generation_id = tales_migration.generation_id_of(%s)"
REFRESH: LiteralString = "select tales.refresh_rollups(1000)"
CHANGES: list[dict[str, Any]] = [
    {"moral": "courage"},
    {"model_used": None},
    {"story_length": None},
    {"full_response": None},
    # No longer and no shorter than before.
    {"full_response": {"model": "openai/gpt-4o-mini", "usage": {"cost": 0.2, "prompt_tokens": 7}}},
    {"generation_info": {"seed": 4, "tries": [1, 2]}},
    {"story_type": "hero"},
    {"hero_appearance": "", "relationship_description": "rivals"},
]


def expand(database: Database) -> None:
    """Bring it to where both applications work on the same tables."""
    migrate_up(database.owner_url, options=MigrationOptions(until_expand=True))


def update(database: Database, story: UUID, changes: dict[str, Any]) -> None:
    """A write of the old application."""
    sets = ", ".join(f"{name} = %s" for name in changes)
    database.execute(f"update tales.stories set {sets} where id = %s", *changes.values(), story)


def copy_of(database: Database, story: UUID) -> dict[str, Any]:
    """The attempt that a legacy story has."""
    (row,) = database.rows(
        "select * from tales.generations where generation_id = tales_migration.generation_id_of(%s)", story
    )
    return row


def test_a_write_finds_its_copy_by_the_key_however_many_there_are_by_then(legacy_database: Database) -> None:
    story = add_story(legacy_database, add_user(legacy_database))
    legacy_database.execute(
        "insert into tales.stories (title, content, user_id, story_type) select title, content, user_id, 'child'"
        " from tales.stories, generate_series(1, 500) where id = %s",
        story,
    )
    migrate_up(legacy_database.owner_url, "015")
    # An application keeps its sessions, and they keep their plans: from when there was no copy yet.
    with legacy_database.connect() as old_application:
        write: LiteralString = "update tales.stories set moral = moral || '!' where id = %s"
        for _ in range(7):
            old_application.execute(write, [story])
        legacy_database.execute("select tales_migration.write_copies(array(select id from tales.stories))")
        with old_application.transaction():
            old_application.execute(write, [story])
            (read,) = old_application.execute(
                "select idx_tup_fetch + seq_tup_read as rows from pg_stat_xact_user_tables"
                " where relid = 'tales.generations'::regclass"
            ).fetchall()
    assert read["rows"] < 50, "and not all of them"


@pytest.fixture(params=["015", "016", "expand"])
def moving(legacy_database: Database, request: pytest.FixtureRequest) -> Database:
    """A legacy database with some stories, on its way."""
    user = add_user(legacy_database)
    add_varied_stories(legacy_database, user)
    if request.param == "expand":
        expand(legacy_database)
    else:
        migrate_up(legacy_database.owner_url, request.param)
    return legacy_database


def test_a_story_of_the_old_application_gets_its_attempt(moving: Database) -> None:
    story = add_story(moving, add_user(moving))

    assert copy_of(moving, story)["moral"] == "kindness"


def test_a_story_that_has_an_attempt_and_is_written_again_makes_none(moving: Database) -> None:
    story = add_story(moving, add_user(moving))
    moving.execute("""
        create function public.refuse() returns trigger language plpgsql as $$ begin raise 'made again'; end $$;
        create trigger refuse before insert on tales.generations for each row execute function public.refuse()
    """)

    update(moving, story, {"moral": "courage"})

    assert copy_of(moving, story)["moral"] == "courage"


def test_a_new_story_gets_the_attempt_that_a_lost_one_of_its_id_has_left(moving: Database) -> None:
    user = add_user(moving)
    story = add_story(moving, user)
    with moving.connect() as migrator, migrator.transaction():
        migrator.execute("set local tales.own_write = 'on'")
        migrator.execute("delete from tales.stories where id = %s", [story])
    assert copy_of(moving, story)["moral"] == "kindness"

    add_story(moving, user, id=story, moral="courage")

    assert copy_of(moving, story)["moral"] == "courage"


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_what_the_old_application_changes_comes_to_its_attempt_and_back(
    moving: Database, changes: dict[str, Any]
) -> None:
    story = add_story(moving, add_user(moving))
    update(moving, story, {name: Jsonb(value) if isinstance(value, dict) else value for name, value in changes.items()})
    before = stories(moving) if current_revision(moving.owner_url) == "015" else None

    migrate_up(moving.owner_url)
    kept = copy_of(moving, story)
    for name, value in changes.items():
        assert kept[name] == (value if value is not None or name not in {"model_used", "moral"} else "unknown")

    migrate_down(moving.owner_url, "014")
    (row,) = moving.rows("select * from tales.stories where id = %s", story)
    assert {name: row[name] for name in changes} == changes
    assert before is None or stories(moving) == before


def test_a_story_that_the_old_application_gives_to_another_user_goes_with_its_attempt(moving: Database) -> None:
    story, other = add_story(moving, add_user(moving)), add_user(moving)
    update(moving, story, {"user_id": other})

    migrate_up(moving.owner_url)

    assert copy_of(moving, story)["user_id"] == other


def test_a_story_that_gets_another_id_takes_its_attempt_along(moving: Database) -> None:
    before, after = add_story(moving, add_user(moving), moral=None, created_at=None), uuid4()
    (row,) = moving.rows(LEGACY + " where id = %s", before)
    update(moving, before, {"id": after})

    migrate_up(moving.owner_url)
    assert copy_of(moving, after)["moral"] == "unknown"
    assert moving.rows(COPY, before) == []

    migrate_down(moving.owner_url, "014")
    # Between the halves of 017 every story has a time.
    assert moving.rows(LEGACY + " where id = %s", after) == [row | {"created_at": None}]


@pytest.mark.parametrize("name", ["a_first", "zy_last"])
def test_what_a_trigger_of_the_old_application_changes_comes_to_the_attempt(
    moving: Database, name: LiteralString
) -> None:
    story, user = add_story(moving, None), add_user(moving)
    moving.execute(f"""
        create function public.{name}() returns trigger language plpgsql as $$
            begin new.moral := 'by a trigger'; new.user_id := '{user}'; return new; end
        $$;
        create trigger {name} before update on tales.stories for each row execute function public.{name}();
    """)
    update(moving, story, {"rating": 3})
    assert copy_of(moving, story)["moral"] == "by a trigger"

    migrate_up(moving.owner_url)
    assert verify(moving.owner_url).problems == ()


def test_a_story_that_is_deleted_does_not_come_back(moving: Database) -> None:
    story = add_story(moving, add_user(moving))
    moving.execute("delete from tales.stories where id = %s", story)

    migrate_up(moving.owner_url)

    assert moving.rows("select from tales.stories where id = %s", story) == []
    assert (
        moving.rows("select from tales.generations where generation_id = tales_migration.generation_id_of(%s)", story)
        == []
    )


def test_no_statement_of_the_old_application_fails_whatever_it_writes(moving: Database) -> None:
    user = add_user(moving)
    add_story(moving, None)
    add_story(moving, user, story_length=0)
    add_story(moving, user, story_type="saga")

    migrate_up(
        moving.owner_url, options=MigrationOptions({"tales.orphans": "quarantine", "tales.invalid": "quarantine"})
    )

    assert moving.rows("select count(*) from tales.stories_unowned") == [{"count": 1}]
    assert moving.rows("select count(*) from tales.stories_quarantined") == [{"count": 2}]


def test_a_user_is_erased_with_everything(moving: Database) -> None:
    user = add_user(moving)
    child = add_family(moving, "children", user)
    add_story(moving, user, child_id=child)
    moving.execute("delete from auth.users where id = %s", user)

    assert moving.rows("select from tales.stories where user_id = %s", user) == []
    assert moving.rows("select from tales.generations where user_id = %s", user) == []


def test_the_old_application_reads_what_the_new_one_writes(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    expand(legacy_database)
    with legacy_database.connect() as connection:
        row = insert(connection, "generations", ended(user, moral="patience", story_length=7))
    legacy_database.execute(
        "insert into tales.stories (id, title, content, user_id, generation_id, generation_attempt) "
        "values (%s, 't', 'c', %s, %s, 1)",
        story := uuid7(),
        user,
        row["generation_id"],
    )

    (read,) = legacy_database.rows(f"select {PARTS} from tales.stories where id = %s", story)
    assert [read] == legacy_database.rows(f"select {PARTS} from tales.generations")
    assert (read["moral"], read["story_length"]) == ("patience", 7)


def test_a_story_needs_its_success_also_while_both_applications_work(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    expand(legacy_database)
    with legacy_database.connect() as connection:
        row = insert(connection, "generations", attempt(user))

    with pytest.raises(Exception, match="a story needs a successful attempt"):
        legacy_database.execute(
            "insert into tales.stories (title, content, user_id, generation_id, generation_attempt) "
            "values ('t', 'c', %s, %s, 1)",
            user,
            row["generation_id"],
        )


def test_what_the_old_application_changes_of_the_new_ones_story_comes_back(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    expand(legacy_database)
    with legacy_database.connect() as connection:
        row = insert(connection, "generations", ended(user, moral="patience"))
        story = {"id": uuid7(), "title": "t", "content": "c", "user_id": user}
        insert(connection, "stories", story | {"generation_id": row["generation_id"], "generation_attempt": 1})
    update(legacy_database, story["id"], {"moral": "haste", "full_response": None})

    migrate_up(legacy_database.owner_url)
    assert legacy_database.rows("select moral from tales.generations where status = 'success'") == [
        {"moral": "patience"}
    ]
    migrate_down(legacy_database.owner_url, "014", ARCHIVE_TABLE)
    assert legacy_database.rows("select moral, full_response from tales.stories") == [
        {"moral": "haste", "full_response": None}
    ]


def test_reports_follow_what_the_old_application_writes_into_hours_that_were_counted(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    changed, moved = add_story(legacy_database, user), add_story(legacy_database, user)
    expand(legacy_database)
    while legacy_database.rows(REFRESH) != [{"refresh_rollups": 0}]:
        pass

    update(legacy_database, changed, {"model_used": "openai/gpt-4o"})
    update(legacy_database, moved, {"created_at": TOLD + timedelta(hours=3)})
    add_story(legacy_database, user, created_at=TOLD + timedelta(hours=5))
    add_story(legacy_database, user, created_at=TOLD - timedelta(hours=5))
    legacy_database.rows(REFRESH)

    counted = legacy_database.rows(
        "select date_trunc('hour', created_at, 'UTC') as starts_at, model_used, count(*) as attempts"
        " from tales.attempt_facts group by 1, 2 order by 1, 2"
    )
    assert len(counted) == 4
    assert counted == legacy_database.rows(
        "select starts_at, model_used, attempts from tales.rollup_cells"
        " where grain = 'hour' and detail = 'model' order by 1, 2"
    )


def test_stopping_before_the_point_of_no_return_can_go_either_way(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    add_varied_stories(legacy_database, user)
    before = stories(legacy_database)
    expand(legacy_database)
    assert current_revision(legacy_database.owner_url) == "016"
    assert [
        row["title"] for row in legacy_database.rows("select title from tales.stories where generation_id is null")
    ] == []

    migrate_down(legacy_database.owner_url, "014")
    assert stories(legacy_database) == before

    expand(legacy_database)
    migrate_up(legacy_database.owner_url)
    assert current_revision(legacy_database.owner_url) == newest_revision()


@pytest.mark.parametrize("step", ["prove", "drop"])
def test_past_the_point_of_no_return_a_write_of_the_old_application_is_refused_and_not_lost(
    legacy_database: Database, step: str
) -> None:
    story_id = add_story(legacy_database, add_user(legacy_database))
    stop_at(legacy_database, step)

    with pytest.raises(psycopg.errors.UndefinedColumn):
        legacy_database.execute("update tales.stories set moral = 'haste' where id = %s", story_id)
    migrate_up(legacy_database.owner_url)

    assert legacy_database.rows("select moral from tales.generations") == [{"moral": "kindness"}]


def test_the_old_application_writes_values_of_its_own_rules_as_long_as_it_serves(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    expand(legacy_database)
    assert findings(look(legacy_database), "trigger_disabled") == []
    with legacy_database.connect() as connection, acting(connection, signed_in(user)):
        kept = insert(connection, "children", child(user, name="x" * 81, created_at="infinity"))
    add_story(legacy_database, user, title="x" * 500)

    migrate_up(legacy_database.owner_url)

    with legacy_database.connect() as connection:
        with refused("children_name_as_by_the_service"), acting(connection, signed_in(user)):
            insert(connection, "children", child(user, name="x" * 81))
        with acting(connection, signed_in(user)):
            assert change(connection, "children", kept, age=7) == 1
    assert legacy_database.rows("select tgrelid::regclass from pg_trigger where tgenabled <> 'O'") == []


HUGE = "x" * 40_001


def test_texts_beyond_any_applications_are_refused_meanwhile(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    before = add_story(legacy_database, user, title=HUGE)
    expand(legacy_database)
    # The owner's own writes are the migration's.
    told = add_story(legacy_database, user, content=HUGE * 26)
    with legacy_database.connect() as connection:
        kept = insert(connection, "children", child(user, name=HUGE))
        as_user = signed_in(user)
        for table, row, name, value in (
            ("children", child(user), "name", HUGE),
            ("children", child(user), "interests", [HUGE[:60]] * 1000),
            ("heroes", hero(user), "appearance", HUGE),
        ):
            with refused(f"{table}_{name}_size"), acting(connection, as_user):
                insert(connection, table, row | {name: value})
            with acting(connection, as_user):
                insert(connection, table, row | {name: value[:100]})
        for name in ("title", "moral", "model_used", "hero_appearance", "relationship_description"):
            with refused(f"stories_{name}_size"), acting(connection, as_user):
                change(connection, "stories", {"id": told}, **{name: HUGE + "y"})
        # What was there before is rated and renamed as any other.
        with acting(connection, as_user):
            assert change(connection, "stories", {"id": before}, rating=5) == 1
            assert change(connection, "children", kept, age=7) == 1

    migrate_up(legacy_database.owner_url)

    assert legacy_database.rows("select from pg_trigger where tgname like '%check_sizes'") == []
