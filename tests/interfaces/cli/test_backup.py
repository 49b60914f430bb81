"""`tales backup` and `tales restore`: to another database, and all goes on there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.databases import Database, copy_of
from tests.fixtures.server import Server
from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA


@pytest.fixture
def file(tales: Tales, tmp_path: Path) -> Path:
    """A backup of a database with a story in it."""
    tales(*MIA)
    file = tmp_path / "tales.backup"
    ran = tales("backup", str(file))
    assert (ran.status, ran.out) == (0, "")
    assert "(stories: 1, attempts: 1)" in ran.err
    assert "Mia" not in ran.err
    return file


@pytest.fixture
def elsewhere(server: Server) -> Iterator[Database]:
    """A database without anything."""
    with copy_of(server, "template1") as database:
        yield database


def test_what_was_restored_goes_on(tales: Tales, file: Path, elsewhere: Database) -> None:
    before = tales("stories", "list", "--json").json
    tales.set(TALES_DATABASE_URL=elsewhere.owner_url)

    ran = tales("restore", str(file))

    assert (ran.status, ran.out) == (0, "")
    assert "(stories: 1, attempts: 1)" in ran.err
    assert tales("stories", "list", "--json").json == before
    assert all(step["applied"] for step in tales("migrate", "status", "--json").json)
    tales.set(TALES_DATABASE_URL=elsewhere.app_url)
    assert tales("write", "Mia").status == 0, "the service's role has its rights, and the family its child"
    assert len(tales("stories", "list", "--json").json) == 2


def test_a_second_backup_or_restore_is_refused_in_a_sentence(tales: Tales, file: Path) -> None:
    again, over = tales("backup", str(file)), tales("restore", str(file))

    assert (again.status, "exists already" in again.err) == (1, True)
    assert (over.status, "holds users' rows already" in over.err) == (1, True)


def test_a_backup_of_a_later_version_is_refused(
    tales: Tales, file: Path, database: Database, elsewhere: Database
) -> None:
    database.execute("update tales_internal.schema_version set version_num = '999'")
    later = file.with_name("later")
    assert tales("backup", str(later)).status == 0
    tales.set(TALES_DATABASE_URL=elsewhere.owner_url)

    ran = tales("restore", str(later))

    assert (ran.status, "is of migration 999, which this version of Tales does not know" in ran.err) == (1, True)
    assert elsewhere.rows("select to_regnamespace('tales')::text as name") == [{"name": None}]
