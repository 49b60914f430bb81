"""Whether the server and the role could run `up`."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text

from tales.legacy.check import rights
from tales.legacy.check.rights import judge_version
from tales.legacy.migrate import migrate_up
from tales.legacy.report import Severity
from tests.fixtures.databases import Database
from tests.fixtures.managed import ManagedDatabase
from tests.legacy.check.looking import findings, look, the_finding

pytestmark = pytest.mark.sampled(3)


@pytest.mark.parametrize(
    ("version", "expected"),
    [(14, [Severity.PROBLEM]), (15, []), (18, []), (19, [Severity.WARNING])],
)
def test_versions(version: int, expected: list[Severity]) -> None:
    assert [finding.severity for finding in judge_version(version)] == expected


def test_an_owner_of_everything_lacks_nothing(legacy_database: Database) -> None:
    report = look(legacy_database)
    assert findings(report, "right_missing") == []
    assert findings(report, "trigger_not_muted") == []


def test_an_ordinary_owner_hears_of_what_it_lacks(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    owner = f"{managed_database.name}_owner"
    for statement in (
        f"revoke references on auth.users from {owner}",
        f"alter schema tales owner to postgres; alter database {managed_database.name} owner to postgres",
        f"grant usage on schema tales to {owner}",
        "alter table tales.heroes owner to service_role",
        f"grant select on tales.heroes to {owner}",
        "alter table tales.heroes disable row level security",
    ):
        for part in statement.split(";"):
            managed_database.as_platform(part)
    with psycopg.connect(managed_database.superuser_url) as platform:
        platform.execute(f"revoke service_role from {owner}")
        platform.commit()
    report = look(managed_database)
    told = " ".join(finding.sentence for finding in findings(report, "right_missing"))
    for lacking in ("own the table tales.heroes", "create in the schema", "create schemas", "refer to auth.users"):
        assert lacking in told
    assert findings(report, "right_missing")[0].severity is Severity.WARNING
    managed_database.as_platform(f"grant service_role to {owner}")


def test_a_trigger_that_the_migration_may_not_mute_is_told(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    managed_database.execute(
        "create trigger touched before update on tales.stories for each row"
        " execute function suppress_redundant_updates_trigger()"
    )
    finding = the_finding(look(managed_database), "trigger_not_muted")
    assert "touched" in finding.sentence
    for statement in finding.statements:
        managed_database.as_platform(statement)
    assert findings(look(managed_database), "trigger_not_muted") == []
    managed_database.as_platform(f"revoke set on parameter session_replication_role from {managed_database.name}_owner")


@pytest.mark.parametrize(
    ("setting", "name"),
    [("session_replication_role = replica", "replication_role"), ("default_transaction_read_only = on", "read_only")],
)
def test_a_server_that_is_set_otherwise_is_told(legacy_database: Database, setting: str, name: str) -> None:
    legacy_database.execute(f"alter database {legacy_database.name} set {setting}")
    assert the_finding(look(legacy_database), name).severity is Severity.WARNING


def test_roles_that_are_missing_are_told_as_the_migrations_make_them(
    managed_database: ManagedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_up(managed_database.owner_url, "014")
    # Roles belong to the cluster, so that none of ours can be dropped for a test.
    missing = "wanted.name in ('service_role', 'tales_requester', 'tales_app')"
    monkeypatch.setattr(
        rights, "_RIGHTS", text(rights._RIGHTS.text.replace("to_regrole(wanted.name) is null", missing))
    )
    owner = f"{managed_database.name}_owner"
    assert the_finding(look(managed_database), "right_missing").statements == (
        "create role service_role nologin noinherit;",
        f"grant service_role to {owner};",
        "create role tales_requester nologin inherit;",
        "grant authenticated to tales_requester;",
        f"grant tales_requester to {owner};",
        "create role tales_app nologin noinherit;",
        "grant anon, authenticated, service_role, tales_requester to tales_app;",
        f"grant tales_app to {owner};",
    )
