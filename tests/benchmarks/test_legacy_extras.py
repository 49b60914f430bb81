"""What a legacy database has beside the specification's columns."""

from __future__ import annotations

import psycopg
import pytest
from benchmarks.legacy import Extras, LegacyPlan, Nastiness, Profile, add_extras, fill_legacy

from tests.fixtures.databases import Database

EVERYTHING = frozenset(Extras)


def test_all_extras_go_together_and_their_columns_are_filled(legacy_database: Database) -> None:
    fill_legacy(legacy_database.owner_url, LegacyPlan(rows=200, profile=Profile.SHORT, extras=EVERYTHING))
    (row,) = legacy_database.rows("""
        select count(child_name) as names, count(child_age) as ages, count(audio_url) as audio,
            count(audio_duration) as durations, count(distinct language) as languages, count(moral_length) as morals,
            count(tenant) as tenants
        from tales.stories
    """)
    assert 100 < row["names"] == row["ages"] < 200
    assert 0 < row["audio"] == row["durations"] < 100
    assert row["languages"] == 5
    assert row["morals"] > 190
    assert row["tenants"] == 200
    assert legacy_database.rows("select count(*) from tales.story_overview") == [{"count": 200}]
    assert legacy_database.rows("select sum(stories)::int as sum from tales.stories_by_model") == [{"sum": 200}]


@pytest.mark.parametrize("extra", Extras)
def test_each_can_be_added_to_a_database_with_stories(legacy_database: Database, extra: Extras) -> None:
    fill_legacy(legacy_database.owner_url, LegacyPlan(rows=9))
    with legacy_database.connect() as connection:
        add_extras(connection, {extra})
    assert legacy_database.rows("select count(*) from tales.stories") == [{"count": 9}]


@pytest.mark.parametrize("table", ["stories", "children", "heroes"])
def test_the_strict_ones_refuse_a_row_that_does_not_fill_them(legacy_database: Database, table: str) -> None:
    with legacy_database.connect() as connection:
        add_extras(connection, {Extras.STRICT})
        (null,) = connection.execute(
            "select is_nullable, column_default from information_schema.columns where column_name = 'tenant' "
            "and table_name = %s",
            [table],
        ).fetchall()
    assert null == {"is_nullable": "NO", "column_default": None}


@pytest.mark.parametrize("column", ["model_used", "moral", "story_type"])
def test_what_depends_on_an_old_column_stands_in_the_way_of_its_drop(legacy_database: Database, column: str) -> None:
    with legacy_database.connect() as connection:
        add_extras(connection, {Extras.DEPENDENTS})
        with pytest.raises(psycopg.errors.DependentObjectsStillExist):
            connection.execute(f"alter table tales.stories drop column {column}".encode())


def test_functions_that_the_catalog_knows_nothing_of_work_until_then(legacy_database: Database) -> None:
    plan = LegacyPlan(rows=30, users=1, nastiness=Nastiness(), extras=frozenset({Extras.DEPENDENTS}))
    fill_legacy(legacy_database.owner_url, plan)
    (row,) = legacy_database.rows("""
        select tales.favourite_model(user_id) as model, tales.cost_of(id) as cost,
            tales.stories_with_moral(moral) as same
        from tales.stories where model_used = 'openai/gpt-4o-mini' limit 1
    """)
    assert row["model"]
    assert row["cost"] > 0
    assert row["same"] > 0


def test_an_update_touches_the_time_of_change(legacy_database: Database) -> None:
    fill_legacy(legacy_database.owner_url, LegacyPlan(rows=5, extras=frozenset({Extras.DEPENDENTS})))
    legacy_database.execute("update tales.stories set rating = 3")
    recent = "select from tales.stories where updated_at > now() - interval '1 hour'"
    assert len(legacy_database.rows(recent)) == 5
