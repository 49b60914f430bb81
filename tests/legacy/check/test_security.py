"""What lies open, and roles that do not see everything."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tales.legacy.migrate import migrate_up
from tales.legacy.report import Severity
from tests.fixtures import rows
from tests.fixtures.databases import Database
from tests.fixtures.managed import ManagedDatabase
from tests.fixtures.server import APP_PASSWORD, Server
from tests.legacy.check.looking import findings, look, the_finding
from tests.legacy.library import add_story, add_user

pytestmark = pytest.mark.sampled(3)


@pytest.fixture
def reader(server: Server, legacy_database: Database) -> Iterator[str]:
    """The URL of a role that may read the families' tables, as far as the policies let it."""
    role = f"{legacy_database.name}_reader"
    legacy_database.execute(f"create role {role} login password '{APP_PASSWORD}'")
    legacy_database.execute(f"grant usage on schema tales to {role}")
    legacy_database.execute(f"grant select on tales.stories, tales.children, tales.heroes to {role}")
    yield server.url(legacy_database.name, role, APP_PASSWORD)
    legacy_database.execute(f"drop owned by {role}")
    legacy_database.execute(f"drop role {role}")


def test_a_role_from_which_rows_are_hidden_counts_nothing(legacy_database: Database, reader: str) -> None:
    add_story(legacy_database, None)
    report = look(legacy_database, reader)
    assert (report.rows, report.causes, report.estimate) == (None, (), None)
    assert len(findings(report, "rows_hidden")) == 3
    assert len(report.problems) == 3
    assert "BYPASSRLS" in report.problems[0]


def test_a_role_that_may_not_read_is_told_so(legacy_database: Database, reader: str) -> None:
    role = f"{legacy_database.name}_reader"
    legacy_database.execute(f"revoke select on tales.children from {role}")
    legacy_database.execute(f"alter role {role} bypassrls")
    report = look(legacy_database, reader)
    assert report.problems == (the_finding(report, "not_readable").sentence,)
    assert report.rows is None


def test_a_role_that_sees_all_rows_is_enough(legacy_database: Database, reader: str) -> None:
    legacy_database.execute(f"alter role {legacy_database.name}_reader bypassrls")
    add_story(legacy_database, add_user(legacy_database))
    with legacy_database.connect():
        report = look(legacy_database, reader)
    assert (report.rows, report.problems) == (1, ())
    assert the_finding(report, "sessions_concealed").severity is Severity.NOTE
    assert findings(report, "right_missing")
    assert report.recognised_by == "shape"


def test_a_database_of_supabases_shape_is_checked_the_same(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    with psycopg.connect(managed_database.superuser_url, autocommit=True) as platform:
        user = rows.add_user(platform)
    add_story(managed_database, user)
    add_story(managed_database, None)
    managed_database.execute("create view tales.morals as select moral from tales.stories")
    report = look(managed_database, orphans="quarantine")
    assert report.rows == 2
    assert [cause.name for cause in report.causes] == ["user_id_missing"]
    assert [dependent.name for dependent in report.dependents] == ["tales.morals"]
    assert findings(report, "right_missing") == []
    assert look(managed_database, orphans="quarantine", until_expand=True).problems == ()


def test_an_owner_whom_the_policies_bind_hears_how_to_see(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    managed_database.execute("alter table tales.stories force row level security")
    finding = the_finding(look(managed_database), "rows_hidden")
    assert finding.statements == ("alter table tales.stories no force row level security;",)


def test_users_that_nobody_vouches_for_are_a_problem(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    managed_database.execute("alter table tales.stories drop constraint stories_user_id_fkey")
    report = look(managed_database)
    assert report.problems == (the_finding(report, "users_unknown").sentence,)


def test_a_view_that_reads_as_the_bound_owner_would_find_nothing(managed_database: ManagedDatabase) -> None:
    migrate_up(managed_database.owner_url, "014")
    managed_database.execute("create view tales.titles as select title from tales.stories")
    managed_database.execute("create materialized view tales.kept as select title from tales.stories")
    managed_database.execute("create view tales.safe with (security_invoker) as select title from tales.stories")
    found = findings(look(managed_database), "view_blinded")
    assert [finding.statements[0].split(" set ")[0] for finding in found] == [
        "alter materialized view tales.kept owner to service_role;",
        "alter view tales.titles",
    ]


@pytest.mark.parametrize("clause", ["for select using (true)", "for insert with check (true)", "using (true)"])
@pytest.mark.parametrize("table", ["stories", "children", "heroes"])
def test_an_open_policy_is_told(legacy_database: Database, table: str, clause: str) -> None:
    legacy_database.execute(f'create policy "open ""door""" on tales.{table} {clause}')
    report = look(legacy_database)
    finding = the_finding(report, "policy_open")
    assert "public" in finding.sentence
    assert report.problems == (finding.sentence,)
    assert look(legacy_database, until_expand=True).problems == ()
    for statement in finding.statements:
        legacy_database.execute(statement)
    assert findings(look(legacy_database), "policy_open") == []


def test_a_policy_that_only_narrows_or_serves_the_service_is_no_open_door(legacy_database: Database) -> None:
    legacy_database.execute("create policy narrow on tales.stories as restrictive using (true)")
    legacy_database.execute("create policy service on tales.stories to service_role using (true)")
    assert findings(look(legacy_database), "policy_open") == []


def test_a_table_without_row_security_is_told(legacy_database: Database) -> None:
    legacy_database.execute("alter table tales.heroes disable row level security")
    finding = the_finding(look(legacy_database), "no_row_security")
    assert finding.statements == ("alter table tales.heroes enable row level security;",)
