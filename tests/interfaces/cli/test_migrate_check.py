"""`tales migrate check`: what an operator reads, and with what status it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tales.domain.errors import InvalidInput
from tales.interfaces.cli.migrate import app
from tales.interfaces.cli.migrate_report import show
from tales.legacy.migrate import migrate_up
from tales.legacy.report import MOVED_COLUMNS_JOIN, Estimate, Report
from tests.fixtures.databases import Database
from tests.legacy.check.looking import unqualified
from tests.legacy.library import add_story, add_user

Check = Callable[..., Result]


def _over(database: Database) -> Check:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["check", *arguments], env={"TALES_DATABASE_URL": database.owner_url})

    return run


@pytest.fixture
def check(legacy_database: Database) -> Check:
    """The command over a legacy database."""
    return _over(legacy_database)


def _json(ran: Result) -> Any:
    return json.loads(ran.stdout)


def test_a_database_that_can_be_migrated(check: Check, legacy_database: Database) -> None:
    add_story(legacy_database, add_user(legacy_database), moral=None)
    ran = check()
    assert ran.exit_code == 0
    for words in ("stands at 014", "create generations table", "They get 'unknown'", "Everything has a rule"):
        assert words in ran.stdout


def test_a_database_that_needs_choices(check: Check, legacy_database: Database) -> None:
    orphan = add_story(legacy_database, None)
    add_story(legacy_database, add_user(legacy_database), story_length=0)
    ran = check()
    assert ran.exit_code == 1
    for words in (str(orphan), "Choose --orphans quarantine", "Choose --invalid null", "2 without a rule"):
        assert words in ran.stdout
    assert check("--orphans", "quarantine", "--invalid", "null").exit_code == 0


def test_what_depends_on_a_dropped_column_stops_only_what_drops_it(check: Check, legacy_database: Database) -> None:
    legacy_database.execute('create view tales."Mo[red]rals" as select moral from tales.stories')
    ran = check()
    assert ran.exit_code == 1
    for words in ('tales."Mo[red]rals"', "stops the dropping", "up --until expand"):
        assert words in ran.stdout
    definition = '    CREATE VIEW tales."Mo[red]rals" AS\n     SELECT moral\n       FROM tales.stories;\n'
    assert definition in unqualified(ran.stdout)
    assert ran.stdout.count(MOVED_COLUMNS_JOIN) == 1
    assert check("--until", "expand").exit_code == 0


def test_the_manual_names_the_same_join_as_the_report() -> None:
    manual = Path(__file__).parents[3] / "docs" / "migration.md"
    assert f"join {MOVED_COLUMNS_JOIN}\n" in manual.read_text(encoding="utf-8")


def test_extras_and_warnings_are_told(check: Check, legacy_database: Database) -> None:
    for statement in (
        "alter table tales.stories add column tenant text not null",
        "alter table tales.stories alter hero_id set not null",
        "create index stories_tenant_idx on tales.stories (tenant)",
        "create policy door on tales.stories to pg_read_all_stats using (true)",
    ):
        legacy_database.execute(statement)
    ran = check()
    assert ran.exit_code == 1
    for words in (
        "stories.tenant",
        "does not know it",
        "writes NULL",
        "with --yes",
        "policy door",
        "Stays as it is",
    ):
        assert words in ran.stdout
    assert "index tales.stories_tenant_idx" in ran.stdout
    legacy_database.execute("alter table tales.stories alter hero_id drop not null")
    assert check().exit_code == 0


def test_machines_get_json(check: Check, legacy_database: Database) -> None:
    orphan = add_story(legacy_database, None)
    legacy_database.execute("create index morals on tales.stories (moral)")
    ran = check("--json", "--statement-timeout", "30")
    report = _json(ran)
    assert ran.exit_code == 1
    assert (report["revision"], report["rows"], len(report["problems"])) == ("014", 1, 1)
    assert report["causes"][0]["examples"] == [str(orphan)]
    assert report["estimate"]["rows"] == 1
    (index,) = report["dependents"]
    assert (index["kind"], index["name"], index["columns"], index["impact"], index["statements"]) == (
        *("index", "tales.morals", ["moral"], "lost", []),
    )
    assert index["definition"] == "CREATE INDEX morals ON tales.stories USING btree (moral)"
    assert {step["number"] for step in report["steps"]} >= {"015", "016", "017"}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [((1.0, 89.0), "1 s to 89 s"), ((90.0, 5399.0), "2 min to 90 min"), ((5400.0, 36000.0), "1.5 h to 10.0 h")],
)
def test_an_estimate_is_readable_at_any_size(
    capsys: pytest.CaptureFixture[str], seconds: tuple[float, float], told: str
) -> None:
    estimate = Estimate(2_000_000, 2000, 0.5, seconds, 999, 6000.0, (5_000, 7_000_000), (8 * 10**9, 3 * 10**15), None)
    show(Report("014", "shape", rows=2_000_000, estimate=estimate))
    printed = capsys.readouterr().out
    for words in ("2,000,000", told, "999 B", "5 kB to 7 MB", "8 GB to 3000.0 TB", "unknown from here"):
        assert words in printed


def test_what_is_migrated_already_is_said_so(database: Database) -> None:
    ran = _over(database)()
    assert (ran.exit_code, "migrated already" in ran.stdout) == (0, True)
    assert _json(_over(database)("--json"))["nothing_to_move"]


def test_a_database_is_said_to_be_legacy_by_hand(check: Check, legacy_database: Database) -> None:
    legacy_database.execute("update tales_internal.schema_version set version_num = '017'")
    assert check("--from", "014").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "016"), "A legacy database stands at 014"),
        (("--until", "contract"), "--until is not expand"),
        (("--orphans", "drop"), "--orphans is neither"),
        (("--orphans", "assign=nobody"), "--orphans is neither"),
        (("--invalid", "drop"), "--invalid is neither"),
        (("--statement-timeout", "-1"), "in seconds"),
    ],
)
def test_a_wrong_choice_is_refused_in_a_sentence(check: Check, arguments: tuple[str, ...], sentence: str) -> None:
    refused = check(*arguments).exception
    assert isinstance(refused, InvalidInput)
    assert sentence in refused.message


def test_between_expand_and_contract_the_rest_is_told(check: Check, legacy_database: Database) -> None:
    migrate_up(legacy_database.owner_url, "016")
    ran = check()
    assert ran.exit_code == 0
    assert "stands at 016" in ran.stdout
    assert "create generations table" not in ran.stdout
