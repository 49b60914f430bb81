"""What a legacy table has beside ours survives, and what stands in the way is named before anything is lost."""

from __future__ import annotations

import pytest

from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.infrastructure.migrations.steps import newest_revision
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database
from tests.legacy.library import add_story, add_user, stories

RELAX = MigrationOptions(drops_not_null=True)


@pytest.fixture
def strict(legacy_database: Database) -> Database:
    """A legacy database whose stories have a column that every row must fill."""
    legacy_database.execute("alter table tales.stories add column child_name text not null default ''")
    legacy_database.execute("alter table tales.stories alter column child_name drop default")
    return legacy_database


def is_not_null(database: Database, column: str) -> bool:
    """Whether a column of stories refuses NULL."""
    (row,) = database.rows(
        "select attnotnull from pg_attribute where attrelid = 'tales.stories'::regclass and attname = %s", column
    )
    return bool(row["attnotnull"])


def definitions(database: Database) -> list[dict[str, object]]:
    """How the columns of stories are defined."""
    return database.rows(
        "select attname, format_type(atttypid, atttypmod) as type, attnotnull, pg_get_expr(adbin, adrelid) as default "
        "from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum "
        "where attrelid = 'tales.stories'::regclass and attnum > 0 and not attisdropped order by attname"
    )


def test_extra_columns_indexes_and_triggers_go_up_and_down_unchanged(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    for statement in (
        "alter table tales.stories add column language text default 'en', add column audio_url text",
        "create index stories_language_idx on tales.stories (language)",
        (
            "create function tales.touch() returns trigger language plpgsql as "
            "'begin new.updated_at := now(); return new; end'"
        ),
        "create trigger touch before update on tales.stories for each row execute function tales.touch()",
    ):
        legacy_database.execute(statement)
    add_story(legacy_database, user, language="de", audio_url="a.mp3")
    add_story(legacy_database, user, created_at=None)
    before = stories(legacy_database)

    migrate_up(legacy_database.owner_url)
    kept = legacy_database.rows("select language, audio_url, updated_at from tales.stories order by id")
    assert kept == [{name: row[name] for name in ("language", "audio_url", "updated_at")} for row in before]
    migrate_down(legacy_database.owner_url, "014")

    assert stories(legacy_database) == before
    assert len(legacy_database.rows("select from pg_indexes where indexname = 'stories_language_idx'")) == 1
    assert len(legacy_database.rows("select from pg_trigger where tgname = 'touch' and tgenabled = 'O'")) == 1


def test_a_column_that_would_refuse_every_new_story_is_named_and_needs_consent(strict: Database) -> None:
    with pytest.raises(MigrationFailed, match=r"tales\.stories\.child_name is NOT NULL.*--yes"):
        migrate_up(strict.owner_url)

    migrate_up(strict.owner_url, options=RELAX)
    assert not is_not_null(strict, "child_name")


def test_a_relaxed_column_is_not_null_again_on_the_way_back(strict: Database) -> None:
    add_story(strict, add_user(strict), child_name="Mia")
    migrate_up(strict.owner_url, options=RELAX)

    assert migrate_down(strict.owner_url, "014") == ()
    assert is_not_null(strict, "child_name")


def test_a_relaxed_column_stays_so_where_rows_have_nothing_there_and_that_is_said(strict: Database) -> None:
    story = add_story(strict, add_user(strict), child_name="Mia")
    migrate_up(strict.owner_url, options=RELAX)
    strict.execute("update tales.stories set child_name = null where id = %s", story)

    (warning,) = migrate_down(strict.owner_url, "014")

    assert "tales.stories.child_name stays without NOT NULL: 1 rows" in warning
    assert not is_not_null(strict, "child_name")
    assert current_revision(strict.owner_url) == "014"


def test_a_view_over_a_column_that_goes_is_named_and_mended_without_starting_again(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    add_story(legacy_database, user)
    legacy_database.execute("create view tales.overview as select title, model_used from tales.stories")

    with pytest.raises(MigrationFailed, match=r"view tales\.overview depends on column model_used"):
        migrate_up(legacy_database.owner_url)
    legacy_database.execute("drop view tales.overview")
    migrate_up(legacy_database.owner_url)

    assert current_revision(legacy_database.owner_url) == newest_revision()


def test_a_column_that_was_dropped_comes_back_as_it_was_defined(legacy_database: Database) -> None:
    legacy_database.execute(
        "alter table tales.stories alter column story_type drop not null, alter column story_type drop default, "
        "alter column moral type varchar(80), alter column moral set default 'kindness', "
        "alter column story_length type smallint"
    )
    add_story(legacy_database, add_user(legacy_database), story_type=None)
    add_story(legacy_database, add_user(legacy_database))
    before, defined = stories(legacy_database), definitions(legacy_database)

    migrate_up(legacy_database.owner_url, options=MigrationOptions({"tales.invalid": "quarantine"}))
    migrate_down(legacy_database.owner_url, "014")

    assert stories(legacy_database) == before
    assert definitions(legacy_database) == defined


def test_grants_and_comments_of_the_columns_that_are_dropped_come_back(legacy_database: Database) -> None:
    for statement in (
        "grant select (moral), update (moral) on tales.stories to authenticated with grant option",
        "grant select (model_used) on tales.stories to public",
        "comment on column tales.stories.moral is 'What the story''s about'",
    ):
        legacy_database.execute(statement)
    before = catalog(legacy_database.owner_url)

    migrate_up(legacy_database.owner_url)
    migrate_down(legacy_database.owner_url, "014")

    assert catalog(legacy_database.owner_url) == before


def test_a_grant_to_a_role_that_is_gone_does_not_stop_the_way_back(legacy_database: Database) -> None:
    legacy_database.execute("drop role if exists storyteller")
    legacy_database.execute("create role storyteller")
    legacy_database.execute("grant select (moral) on tales.stories to storyteller")
    migrate_up(legacy_database.owner_url)
    legacy_database.execute("drop role storyteller")

    warnings = migrate_down(legacy_database.owner_url, "014")

    assert any("a role that was granted" in warning.lower() for warning in warnings)
