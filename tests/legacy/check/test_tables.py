"""Keys, indexes, foreign keys, health and names of the tables."""

from __future__ import annotations

import pytest

from tales.legacy.report import Severity
from tests.fixtures.databases import Database
from tests.legacy.check.looking import findings, look, the_finding

pytestmark = pytest.mark.sampled(3)


def _mend(database: Database, statements: tuple[str, ...]) -> None:
    for statement in statements:
        database.execute(statement)


@pytest.mark.parametrize(
    ("name", "breaking"),
    [
        ("index_missing", "drop index tales.stories_user_id_created_at_idx"),
        ("index_missing", "drop index tales.stories_child_id_idx"),
        ("foreign_key_missing", "alter table tales.stories drop constraint stories_hero_id_fkey"),
        ("trigger_disabled", "alter table tales.stories disable trigger user_trigger"),
        ("autovacuum_off", "alter table tales.stories set (autovacuum_enabled = off)"),
    ],
)
def test_a_weakness_is_told_and_mended_by_its_statement(legacy_database: Database, name: str, breaking: str) -> None:
    legacy_database.execute(
        "create trigger user_trigger before update on tales.stories for each row"
        " execute function suppress_redundant_updates_trigger()"
    )
    assert findings(look(legacy_database), name) == []
    legacy_database.execute(breaking)
    report = look(legacy_database)
    finding = the_finding(report, name)
    assert (finding.severity, report.problems) == (Severity.WARNING, ())
    _mend(legacy_database, finding.statements)
    assert findings(look(legacy_database), name) == []


def test_an_index_on_what_is_there_alone_is_enough(legacy_database: Database) -> None:
    legacy_database.execute("drop index tales.stories_child_id_idx")
    legacy_database.execute("create index on tales.stories (child_id) where child_id is not null")
    assert findings(look(legacy_database), "index_missing") == []


def test_a_foreign_key_that_was_never_validated_or_deletes_otherwise_is_told(legacy_database: Database) -> None:
    legacy_database.execute("alter table tales.stories drop constraint stories_user_id_fkey")
    legacy_database.execute(
        "alter table tales.stories add constraint owner foreign key (user_id) references auth.users not valid"
    )
    report = look(legacy_database)
    _mend(legacy_database, the_finding(report, "foreign_key_not_valid").statements)
    _mend(legacy_database, the_finding(report, "foreign_key_rule").statements)
    report = look(legacy_database)
    assert findings(report, "foreign_key_rule") == []
    _mend(legacy_database, the_finding(report, "foreign_key_not_valid").statements)
    assert findings(look(legacy_database), "foreign_key_not_valid") == []


def test_a_switched_off_foreign_key_is_told(legacy_database: Database) -> None:
    legacy_database.execute("alter table tales.children disable trigger all")
    found = findings(look(legacy_database), "trigger_disabled")
    assert found
    assert all("children" in finding.sentence for finding in found)


@pytest.mark.parametrize("table", ["stories", "children"])
def test_a_table_without_a_key_is_a_problem(legacy_database: Database, table: str) -> None:
    legacy_database.execute(f"alter table tales.{table} drop constraint {table}_pkey cascade")
    report = look(legacy_database)
    finding = the_finding(report, "no_key")
    assert finding.sentence in report.problems
    _mend(legacy_database, finding.statements)
    assert look(legacy_database).problems == ()


def test_users_who_are_kept_elsewhere_are_a_problem(legacy_database: Database) -> None:
    legacy_database.execute("alter table auth.users rename to people")
    report = look(legacy_database)
    assert the_finding(report, "no_users").sentence in report.problems


def test_a_table_that_others_inherit_from_is_a_problem(legacy_database: Database) -> None:
    legacy_database.execute("create table tales.long_stories () inherits (tales.stories)")
    report = look(legacy_database)
    assert report.problems == (the_finding(report, "table_divided").sentence,)


def test_a_partitioned_table_is_a_problem(legacy_database: Database) -> None:
    legacy_database.execute("alter table tales.stories rename to old_stories")
    legacy_database.execute(
        "create table tales.stories (like tales.old_stories including defaults) partition by hash (id)"
    )
    legacy_database.execute(
        "create table tales.stories_0 partition of tales.stories for values with (modulus 1, remainder 0)"
    )
    report = look(legacy_database)
    assert the_finding(report, "table_divided").sentence in report.problems


def test_dead_rows_are_told(legacy_database: Database) -> None:
    legacy_database.execute("alter table tales.stories set (autovacuum_enabled = off)")
    with legacy_database.connect() as connection:
        connection.execute("insert into tales.stories (title, content) select 'a', 'b' from generate_series(1, 3000)")
        connection.execute("update tales.stories set title = 'c'")
        connection.execute("select pg_stat_force_next_flush()")
        connection.execute("select 1")
    assert "50%" in the_finding(look(legacy_database), "dead_rows").sentence


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("create publication told for table tales.stories", "published"),
        ("create publication told for all tables", "published"),
        ("alter table tales.stories replica identity full", "replica_identity"),
    ],
)
def test_what_goes_to_subscribers_is_told(legacy_database: Database, statement: str, name: str) -> None:
    legacy_database.execute(statement)
    report = look(legacy_database)
    assert the_finding(report, name).severity is Severity.WARNING
    assert report.problems == ()


@pytest.mark.parametrize(
    "statement",
    [
        "create table tales.generations (id int)",
        "create view tales.accounts as select 1 as one",
        "create sequence tales.generations_user_id_idx",
        "create function tales.is_sealed(text) returns boolean language sql return true",
    ],
)
def test_a_name_that_is_needed_is_a_problem(legacy_database: Database, statement: str) -> None:
    legacy_database.execute(statement)
    report = look(legacy_database)
    assert report.problems == (the_finding(report, "name_taken").sentence,)


def test_an_archive_of_an_earlier_way_back_is_not_in_the_way(legacy_database: Database) -> None:
    legacy_database.execute("create table tales.generations_archive (story_id uuid)")
    assert look(legacy_database).problems == ()
