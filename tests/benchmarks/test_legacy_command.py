"""`python -m benchmarks.legacy`, as a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from benchmarks.legacy import url_as
from benchmarks.legacy.__main__ import main

from tales.infrastructure.embedded.server import start_embedded, stop_embedded
from tales.infrastructure.migrations.migrate import current_revision
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tests.fixtures.catalog import catalog
from tests.fixtures.databases import Database
from tests.fixtures.server import run_folder

ROOT = Path(__file__).parents[2]
# The highest memory that the process ever had, in kB.
_MEASURED = """
import resource, sys
from benchmarks.legacy.__main__ import main
main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def run(arguments: str, url: str, program: tuple[str, ...] = ("-m", "benchmarks.legacy")) -> str:
    """What the command prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    command = [sys.executable, *program, *arguments.split(), "--url", url]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count(database: Database) -> int:
    return int(database.rows("select count(*) from tales.stories")[0]["count"])


def test_an_empty_database_is_migrated_and_filled(empty_database: Database) -> None:
    url = empty_database.owner_url
    told = run("--rows 30 --create --extras --kind orphan=1 --nasty 0", url)
    assert "30 stories" in told
    assert "30 orphan" in told
    assert current_revision(url) == "014"
    assert count(empty_database) == 30
    assert empty_database.rows("select count(*) from tales.story_overview") == [{"count": 30}]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "--url"),
        (["--url", "postgresql:///nowhere", "--users", "0"], "family"),
        (["--url", "postgresql:///nowhere", "--nasty", "2"], "share"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--rows", "5", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_a_kind_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rows", "5", "--kind", "purple=1"])
    assert "purple=1 is not KIND=SHARE" in capsys.readouterr().err


@pytest.mark.deep
def test_memory_does_not_grow_with_the_rows(legacy_database: Database) -> None:
    peaks = []
    for arguments in ("--rows 2000 --seed 1", "--rows 20000 --seed 2"):
        options = f"{arguments} --users 50 --nasty 0 --languages en hi ja --profile short"
        told = run(options, legacy_database.owner_url, program=("-c", _MEASURED))
        peaks.append(int(told.rpartition("peak")[2]))
    # kB; the rows that came on top are 23,000 kB.
    assert peaks[1] - peaks[0] < 5_000
    assert count(legacy_database) == 22_000


@pytest.fixture(scope="module")
def platform_url() -> Iterator[str]:
    """A cluster of its own: roles that bypass policies would change what other tests see."""
    home = run_folder() / f"platform-{uuid4().hex[:8]}"
    yield start_embedded(home, durable=False).owner_url
    stop_embedded(home)
    shutil.rmtree(home, ignore_errors=True)


def test_a_database_like_supabases(platform_url: str) -> None:
    run("--rows 40 --create --supabase project_owner", platform_url)
    owner_url = url_as(platform_url, "project_owner")
    with psycopg.connect(owner_url) as connection:
        rights = "select rolname, rolsuper, rolbypassrls from pg_roles where rolname in (current_user, 'service_role')"
        assert set(connection.execute(rights)) == {("project_owner", False, True), ("service_role", False, True)}
        owners = "select distinct schemaname, tableowner from pg_tables where schemaname in ('auth', 'tales')"
        assert set(connection.execute(owners)) == {("auth", "supabase_auth_admin"), ("tales", "project_owner")}
        assert connection.execute("select count(*) from tales.stories").fetchone() == (40,)
        assert connection.execute("select count(*), count(confirmed_at) from auth.users").fetchone() == (1, 0)

    before = catalog(platform_url, ("auth", "extensions"))
    migrate_up(owner_url, options=MigrationOptions({"tales.orphans": "quarantine", "tales.invalid": "quarantine"}))
    migrate_down(owner_url, "014")
    assert catalog(platform_url, ("auth", "extensions")) == before
