"""Where the service's writes cannot be tried, that is said; and whoever works on the tables feels nothing of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tales.legacy.check import trial
from tales.legacy.migrate import MigrationOptions, migrate_up
from tales.legacy.report import Severity
from tests.fixtures import rows
from tests.fixtures.databases import Database
from tests.fixtures.managed import ManagedDatabase
from tests.fixtures.server import APP_PASSWORD, Server
from tests.fixtures.waiting import until
from tests.legacy.check.looking import findings, look, the_finding
from tests.legacy.concurrency import transaction
from tests.legacy.library import add_family, add_story, add_user

pytestmark = pytest.mark.sampled(3)

# Of this database: other tests have their own.
_WAITING = """
    select pid from pg_locks
    where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())
"""
_WAITS = """
    create function tales.wait() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(7); return new; end
    $$;
    create trigger wait after insert on tales.{} for each row when (current_user in ('authenticated', 'service_role'))
        execute function tales.wait();
"""


def _not_tried(database: Database, url: str | None = None) -> str:
    """Why the writes were not tried."""
    report = look(database, url)
    finding = the_finding(report, "writes_not_tried")
    assert finding.severity is Severity.WARNING
    assert finding.sentence not in report.problems
    return finding.sentence


def test_a_role_that_may_only_read_is_told_that_nothing_was_tried(server: Server, legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database))
    role = f"{legacy_database.name}_reader"
    legacy_database.execute(f"create role {role} login bypassrls password '{APP_PASSWORD}'")
    legacy_database.execute(f"grant usage on schema tales to {role}")
    legacy_database.execute(f"grant select on tales.stories, tales.children, tales.heroes to {role}")
    url = server.url(legacy_database.name, role, APP_PASSWORD)
    assert f"{role} may not write tales.children, tales.heroes, tales.stories" in _not_tried(legacy_database, url)
    migrate_up(legacy_database.owner_url)
    sentence = the_finding(look(legacy_database, url), "writes_not_tried").sentence
    assert f"{role} may not take on authenticated, service_role, tales_requester" in sentence
    legacy_database.execute(f"drop owned by {role}")
    legacy_database.execute(f"drop role {role}")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("default_transaction_read_only = on", "read-only"),
        ("session_replication_role = replica", "session_replication_role mutes the triggers"),
    ],
)
def test_a_server_that_takes_or_does_nothing_is_told(legacy_database: Database, setting: str, words: str) -> None:
    legacy_database.execute(f"alter database {legacy_database.name} set {setting}")
    assert words in _not_tried(legacy_database)


def test_a_platforms_database_without_a_user_has_nobody_to_try_with(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    assert "there is no user" in _not_tried(managed_database)
    with psycopg.connect(managed_database.superuser_url, autocommit=True) as platform:
        user = rows.add_user(platform)
    add_story(managed_database, user)
    assert findings(look(managed_database), "writes_not_tried") == []


@pytest.mark.parametrize("place", ["legacy", "in the middle", "after"])
def test_an_ordinary_owner_tries_as_the_services_roles(managed_database: ManagedDatabase, place: str) -> None:
    migrate_up(managed_database.owner_url, "014")
    with psycopg.connect(managed_database.superuser_url, autocommit=True) as platform:
        user = rows.add_user(platform)
    add_story(managed_database, user)
    if place != "legacy":
        migrate_up(managed_database.owner_url, options=MigrationOptions(until_expand=place == "in the middle"))
    assert findings(look(managed_database), "writes_not_tried") == []
    managed_database.execute(
        "create function tales.f() returns trigger language plpgsql as"
        " $$ begin raise exception 'no' using detail = current_user; end $$"
    )
    managed_database.execute(
        "create trigger t before insert on tales.stories for each row when (current_user = 'service_role')"
        " execute function tales.f()"
    )
    assert "trigger t on tales.stories refuses" in the_finding(look(managed_database), "write_refused").sentence


def test_before_the_migrations_grant_it_the_owner_writes_in_the_place_of_the_service(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database))
    legacy_database.execute("revoke all on tales.stories, tales.children from authenticated, service_role")
    assert findings(look(legacy_database), "writes_not_tried") == []
    legacy_database.execute(
        "create function tales.f() returns trigger language plpgsql as"
        " $$ begin new.user_id := auth.uid(); return new; end $$"
    )
    legacy_database.execute("create trigger t before insert on tales.stories for each row execute function tales.f()")
    assert "changes user_id" in the_finding(look(legacy_database), "write_changed").sentence


def test_a_move_that_waits_between_the_old_columns_and_the_queue_is_told(legacy_database: Database) -> None:
    migrate_up(legacy_database.owner_url, "019")
    assert "Run `tales migrate up` first" in _not_tried(legacy_database)


def test_whoever_wants_no_trial_says_so(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database))
    legacy_database.execute(
        "create function tales.f() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$"
    )
    legacy_database.execute("create trigger t before insert on tales.stories for each row execute function tales.f()")
    report = look(legacy_database, tries_writes=False)
    assert "--no-trial" in the_finding(report, "writes_not_tried").sentence
    assert findings(report, "write_refused") == []


def test_a_table_that_lacks_a_column_leaves_the_others_to_be_tried(legacy_database: Database) -> None:
    legacy_database.execute("alter table tales.children drop column gender")
    legacy_database.execute("alter table tales.heroes add constraint latin check (name ~ '^[A-Za-z]+$')")
    report = look(legacy_database)
    assert "check latin" in the_finding(report, "write_refused").sentence
    assert findings(report, "writes_not_tried") == []


def test_a_platforms_database_without_a_column_of_users_is_told(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    managed_database.execute("alter table tales.children drop column user_id cascade")
    assert "a table lacks a column" in _not_tried(managed_database)


def test_a_lock_of_somebody_is_not_waited_for(legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database))
    with transaction(legacy_database) as other:
        other.execute("lock table tales.stories in share mode")
        assert "somebody has locked what they need" in _not_tried(legacy_database)


def test_a_trigger_that_takes_long_is_given_up(legacy_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    add_story(legacy_database, add_user(legacy_database))
    legacy_database.execute(
        "create function tales.f() returns trigger language plpgsql as 'begin perform pg_sleep(60); return new; end'"
    )
    legacy_database.execute("create trigger t before insert on tales.stories for each row execute function tales.f()")
    monkeypatch.setattr(trial, "SECONDS", 1.0)
    assert "longer than 1 s" in _not_tried(legacy_database)


@pytest.mark.parametrize("place", ["legacy", "in the middle"])
@pytest.mark.parametrize("table", ["children", "stories"])
async def test_the_old_application_writes_and_reads_beside_a_trial_and_waits_for_nothing(
    legacy_database: Database, monkeypatch: pytest.MonkeyPatch, table: str, place: str
) -> None:
    user = add_user(legacy_database)
    child = add_family(legacy_database, "children", user)
    story = add_story(legacy_database, user, child_id=child)
    if place == "in the middle":
        migrate_up(legacy_database.owner_url, options=MigrationOptions(until_expand=True))
    legacy_database.execute(_WAITS.format(table))
    # Long enough to look at it.
    monkeypatch.setattr(trial, "LOCK_TIMEOUT", "60s")
    monkeypatch.setattr(trial, "SECONDS", 60.0)
    with ThreadPoolExecutor(1) as threads, transaction(legacy_database) as holder:
        holder.execute("select pg_advisory_xact_lock(7)")
        looking = threads.submit(look, legacy_database)
        await until(lambda: legacy_database.rows(_WAITING))
        held: list[dict[str, Any]] = legacy_database.rows(
            """
            select distinct mode from pg_locks as l join pg_class as c on c.oid = l.relation
            where pid = ("""
            + _WAITING
            + """)
                and c.relnamespace in (to_regnamespace('tales'), to_regnamespace('auth'))
        """
        )
        with psycopg.connect(legacy_database.owner_url, autocommit=True) as old:
            old.execute("set lock_timeout = '2s'")
            old.execute("insert into tales.stories (title, content, user_id) values ('t', 'c', %s)", [user])
            old.execute("update tales.stories set rating = 7, moral = 'haste' where id = %s", [story])
            old.execute("update tales.children set age = 9 where id = %s", [child])
            old.execute("insert into auth.users (id) values (%s)", [uuid4()])
            old.execute("delete from tales.stories where id = %s", [story])
        holder.rollback()
        assert findings(looking.result(), "writes_not_tried") == []
    weak = {"AccessShareLock", "RowShareLock", "RowExclusiveLock"}
    assert {row["mode"] for row in held} <= weak
