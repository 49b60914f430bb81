"""`tales migrate` on a database with stories of an old application: look, move, compare, agree, go back."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tales.infrastructure.migrations.steps import newest_revision
from tests.fixtures.databases import Database
from tests.fixtures.rows import ended, insert
from tests.interfaces.cli.conftest import Tales
from tests.legacy.library import add_story, add_user


@pytest.fixture
def tales(bare_tales: Tales, legacy_database: Database) -> Tales:
    """The command line over a legacy database with a story."""
    bare_tales.set(TALES_DATABASE_URL=legacy_database.owner_url)
    add_story(legacy_database, add_user(legacy_database))
    return bare_tales


def test_an_operator_looks_moves_compares_and_drops(tales: Tales) -> None:
    assert tales("migrate", "check").status == 0
    assert tales("migrate", "up", "--until", "expand").status == 0

    found = tales("migrate", "verify", "--json").json
    assert (found["stands_at"], found["stories"], found["linked"], found["differing"]) == ("016", 1, 1, 0)
    assert "differing" in tales("migrate", "verify").out

    assert f"at migration {newest_revision()}" in tales("migrate", "up", "--yes").err
    assert tales("migrate", "verify").status == 0


def test_the_point_of_no_return_is_announced_and_asked_for(tales: Tales) -> None:
    ran = tales("migrate", "up")

    assert ran.status == 1
    assert "no longer works" in ran.err
    assert "--yes" in ran.err
    assert [s["number"] for s in tales("migrate", "status", "--json").json if s["applied"]][-1] == "014"


def test_a_story_without_a_user_needs_a_choice(tales: Tales, legacy_database: Database) -> None:
    add_story(legacy_database, None)

    assert tales("migrate", "check").status == 1
    refused = tales("migrate", "up", "--yes")
    assert (refused.status, "--orphans" in refused.err) == (1, True)
    assert tales("migrate", "up", "--yes", "--orphans", "quarantine").status == 0
    assert tales("migrate", "verify", "--json").json["unowned"] == 1


def test_a_comparison_that_fails_leaves_with_1(tales: Tales, legacy_database: Database) -> None:
    tales("migrate", "up", "--until", "expand")
    legacy_database.execute("update tales.generations set moral = 'spoilt'")

    ran = tales("migrate", "verify")

    assert ran.status == 1
    assert "1 stories differ from their attempts." in ran.err


def test_the_way_back_asks_where_to_keep_what_the_old_table_cannot_hold(
    tales: Tales, legacy_database: Database, tmp_path: Path
) -> None:
    tales("migrate", "up", "--yes")
    with legacy_database.connect() as connection:
        insert(connection, "generations", ended(add_user(legacy_database), "failed"))

    refused = tales("migrate", "down", "--to", "014")
    assert (refused.status, "--archive table" in refused.err) == (1, True)
    assert tales("migrate", "down", "--to", "014", "--archive", str(tmp_path / "archive.parquet")).status == 0
    assert tales("migrate", "up", "--yes", "--max-rate", "1000").status == 0
    assert legacy_database.rows("select count(*) from tales.generations") == [{"count": 2}]


def test_what_could_not_be_made_as_it_was_is_said(tales: Tales, legacy_database: Database) -> None:
    legacy_database.execute("alter table tales.stories add column child_name text not null default 'Mia'")
    legacy_database.execute("alter table tales.stories alter column child_name drop default")
    tales("migrate", "up", "--yes")
    legacy_database.execute("update tales.stories set child_name = null")

    ran = tales("migrate", "down", "--to", "014")

    assert ran.status == 0
    assert "child_name stays without NOT NULL" in ran.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("up", "--until", "contract"), "--until is not expand"),
        (("down", "--to", "014", "--archive", "somewhere"), "--archive is neither"),
        (("up", "--yes", "--orphans", f"assign={uuid4()}"), "There is no user"),
    ],
)
def test_a_wrong_choice_is_refused_in_a_sentence(tales: Tales, arguments: tuple[str, ...], sentence: str) -> None:
    ran = tales("migrate", *arguments)

    assert ran.status == 1
    assert sentence in ran.err


def test_an_operator_is_asked_before_the_way_down_is_given_up(tales: Tales) -> None:
    tales("migrate", "up", "--yes")

    refused = tales("migrate", "finish")
    assert (refused.status, "--yes" in refused.err) == (1, True)
    done = tales("migrate", "finish", "--yes")
    assert (done.status, "way down is given up" in done.err) == (0, True)
