"""What the new service would stumble over after the migration is named before it, with a statement that mends it."""

from __future__ import annotations

from typing import Any

import pytest

from tales.legacy.migrate import migrate_up
from tales.legacy.report import Severity
from tests.fixtures.databases import Database
from tests.fixtures.managed import ManagedDatabase
from tests.fixtures.rows import add_user as add_user_row
from tests.fixtures.rows import child, hero, insert
from tests.legacy.check.looking import findings, look, the_finding
from tests.legacy.library import add_family, add_story, add_user

pytestmark = pytest.mark.sampled(3)

_FUNCTION = "create function tales.f() returns trigger language plpgsql as '{}'"
_TRIGGER = "create trigger t {} on tales.{} for each row execute function tales.f()"

LATER = {
    "column_missing": ("alter table tales.heroes drop column appearance",),
    "column_domain": (
        "create domain tales.word as text not null",
        "alter table tales.heroes add column word tales.word default 'x'",
        "alter table tales.heroes alter column word drop default",
    ),
    "column_computed": (
        "alter table tales.heroes drop column appearance",
        "alter table tales.heroes add column appearance text generated always as (name) stored",
    ),
    "policy_open": ("create policy door on tales.stories using (auth.jwt() ->> 'role' = 'authenticated')",),
    "policy_restrictive": ("create policy few on tales.stories as restrictive using (rating > 1)",),
    "policy_name_taken": (
        'drop policy "users add their own children" on tales.children',
        'create policy "users add their own children" on tales.children for select to anon using (false)',
    ),
    "trigger_reads_dropped": (
        _FUNCTION.format("begin new.moral := lower(new.moral); return new; end"),
        _TRIGGER.format("before insert", "stories"),
    ),
    "trigger_lacks_rights": (
        "create table tales.log (what text)",
        _FUNCTION.format("begin insert into tales.log values (tg_op); return null; end"),
        _TRIGGER.format("after insert", "children"),
    ),
    "check_refuses": ("alter table tales.stories add constraint five check (rating <= 5) not valid",),
    "foreign_key_elsewhere": (
        "create table tales.profiles (id uuid primary key)",
        "alter table tales.children add foreign key (user_id) references tales.profiles (id) not valid",
    ),
    "foreign_key_rule": (
        "alter table tales.stories drop constraint stories_child_id_fkey",
        "alter table tales.stories add foreign key (child_id) references tales.children (id)",
    ),
    "unique_index": ("create unique index one_name on tales.heroes (user_id, name)",),
    "family_row_incomplete": (
        "alter table tales.children alter column interests drop not null",
        "update tales.children set interests = null",
    ),
}
"""By finding: what stops the new service alone, so that `up --until expand` may go on."""

NOW = {
    "default_privileges": ("alter default privileges in schema tales grant insert on tables to authenticated",),
    "auth_function_missing": ("drop function auth.uid() cascade",),
    "auth_closed": ("revoke usage on schema auth from authenticated",),
    "no_replica_identity": (
        "create table tales.reactions (story_id uuid references tales.stories (id) on delete cascade)",
        "create publication shelf for table tales.stories, tales.reactions",
    ),
    "half_replica_identity": (
        "alter table tales.stories add column letters integer generated always as (length(title)) stored",
        "alter table tales.stories replica identity full",
        "create publication shelf for table tales.stories",
    ),
    "rule": ("create rule twice as on insert to tales.stories do also notify written",),
    "trigger_skips": (
        _FUNCTION.format("begin return null; end"),
        _TRIGGER.format("before delete", "stories"),
    ),
    "unlogged": (
        "alter table tales.stories drop constraint stories_hero_id_fkey",
        "alter table tales.heroes set unlogged",
    ),
    "name_taken": ("create unlogged table tales.live_text ()",),
    "column_type": ("alter table tales.stories alter column content type varchar(4000)",),
}
"""By finding: what stops the migration itself."""


@pytest.mark.parametrize("name", [*LATER, *NOW])
def test_what_stops_the_first_use_is_named_and_mended_by_its_statement(legacy_database: Database, name: str) -> None:
    user = add_user(legacy_database)
    add_family(legacy_database, "children", user)
    add_story(legacy_database, user)
    assert look(legacy_database).problems == ()
    (server,) = legacy_database.rows("select current_setting('server_version_num')::int as version")
    if name == "half_replica_identity" and server["version"] < 180000:
        pytest.skip("before PostgreSQL 18 nothing is refused")
    for statement in LATER.get(name) or NOW[name]:
        legacy_database.execute(statement)

    finding = the_finding(look(legacy_database), name)
    assert finding.severity is Severity.PROBLEM
    assert (the_finding(look(legacy_database, until_expand=True), name).severity is Severity.WARNING) == (name in LATER)
    for statement in finding.statements:
        legacy_database.execute(statement)
    assert findings(look(legacy_database), name) == []


@pytest.mark.parametrize(
    ("table", "changes", "words", "is_mended"),
    [
        ("children", {"created_at": "infinity"}, "created_at that no calendar has", True),
        ("heroes", {"created_at": "0044-03-15 BC"}, "created_at that no calendar has", True),
        ("stories", {"updated_at": "56972-06-11"}, "updated_at that no calendar has", True),
        ("children", {"name": "x" * 81}, "name of more than 80 characters", False),
        ("heroes", {"appearance": "x" * 401}, "appearance of more than 400 characters", False),
        ("stories", {"title": "x" * 121}, "title of more than 120 characters", False),
        ("children", {"interests": ["dragons", None]}, "interests that are no list", False),
        ("children", {"interests": [["a"], ["b"]]}, "interests that are no list", False),
        ("children", {"interests": ["x"] * 13}, "interests that are no list", False),
    ],
)
def test_rows_that_the_service_shows_and_would_not_take_are_counted_with_examples(
    legacy_database: Database, table: str, changes: dict[str, Any], words: str, is_mended: bool
) -> None:
    with legacy_database.connect() as connection:
        user = add_user_row(connection)
        make = {"children": child, "heroes": hero}.get(table)
        id_ = insert(connection, table, make(user) | changes)["id"] if make else None
    if id_ is None:
        id_ = add_story(legacy_database, user, **changes)
    report = look(legacy_database)
    finding = the_finding(report, "family_row_odd")
    assert report.problems == ()
    assert f"1 rows of tales.{table} have {words}" in finding.sentence
    assert str(id_) in finding.sentence
    assert bool(finding.statements) == is_mended
    for statement in finding.statements:
        legacy_database.execute(statement)
    assert bool(findings(look(legacy_database), "family_row_odd")) != is_mended


def test_what_018_grants_is_said(legacy_database: Database) -> None:
    legacy_database.execute("revoke insert on tales.stories from service_role")
    assert "tales.stories to service_role" in the_finding(look(legacy_database), "rights_given").sentence


@pytest.mark.parametrize(
    "statement",
    [
        "alter table tales.stories add constraint kind check (rating between 0 and 10)",
        "alter table tales.children add constraint grown check (age < 18)",
        "create unique index one_each on tales.stories (id, user_id)",
        "create policy mine on tales.heroes using (user_id = auth.uid())",
        "alter default privileges in schema tales revoke execute on functions from public",
    ],
)
def test_what_refuses_nothing_is_no_problem(legacy_database: Database, statement: str) -> None:
    add_story(legacy_database, add_user(legacy_database))
    legacy_database.execute(statement)
    assert look(legacy_database).problems == ()


def test_a_trigger_that_writes_as_the_bound_owner_would_write_nothing(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    managed_database.execute(
        _FUNCTION.format("begin update tales.children set age = age where id = new.child_id; return null; end")
        + " security definer"
    )
    managed_database.execute(_TRIGGER.format("after insert", "stories"))
    finding = the_finding(look(managed_database), "trigger_writes_in_vain")
    assert finding.severity is Severity.PROBLEM
    assert "tales.children" in finding.sentence
    for statement in finding.statements:
        managed_database.execute(statement)
    assert look(managed_database).problems == ()
