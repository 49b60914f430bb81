"""Whatever gets in a migration's way ends in one clear sentence, and the next run finishes what is left."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from benchmarks.legacy import LegacyPlan, Nastiness, Profile, fill_legacy
from psycopg import sql

from tales.domain.errors import TalesError
from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.migrations.steps import newest_revision
from tales.legacy.migrate import migrate_up
from tales.legacy.verify import verify
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.managed import ManagedDatabase
from tests.fixtures.server import Server, run_prefix
from tests.legacy.concurrency import QUARANTINE, transaction
from tests.legacy.library import add_story, add_user

pytestmark = pytest.mark.sampled(3)

OTHERS = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


@pytest.fixture
def library(legacy_database: Database) -> Database:
    """Some hundred stories, nasty ones among them."""
    plan = LegacyPlan(rows=300, profile=Profile.SHORT, nastiness=Nastiness.each(0.05), huge_bytes=10_000)
    fill_legacy(legacy_database.owner_url, plan)
    return legacy_database


def finish(database: Database) -> None:
    """The same command again does the rest."""
    migrate_up(database.owner_url, options=QUARANTINE)
    assert current_revision(database.owner_url) == newest_revision()
    assert verify(database.owner_url).problems == ()


def fail(database: Database, sentence: str) -> None:
    """A migration that ends in one sentence."""
    with pytest.raises(TalesError, match=sentence) as failure:
        migrate_up(database.owner_url, options=QUARANTINE)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    "step", ["whole", "copy", "expand", "link", "index", "validate", "resolve", "contract", "not_null"]
)
def test_a_lost_connection(library: Database, step: str) -> None:
    def cut(name: str, _moved: int) -> None:
        if name == step:
            library.execute("select pg_terminate_backend(pid) " + OTHERS)

    with pytest.raises(TalesError, match=r"^[^\n]*(terminating connection|connection .* was lost)[^\n]*$"):
        migrate_up(library.owner_url, options=replace(QUARANTINE, report=cut))
    finish(library)


def test_a_statement_that_an_operator_cancels(library: Database) -> None:
    def cancel() -> None:
        while not library.rows("select pg_cancel_backend(pid) " + OTHERS + " and wait_event_type = 'Lock'"):
            time.sleep(0.02)

    with transaction(library) as reader:
        reader.execute("select from tales.stories")
        operator = threading.Thread(target=cancel)
        operator.start()
        fail(library, r"^01\d_.*canceling statement due to user request.*run the same command again")
        operator.join()
    finish(library)


def test_timeouts_that_are_set_for_everybody(library: Database) -> None:
    name = sql.Identifier(library.name)
    library.execute(sql.SQL("alter database {} set statement_timeout = '15ms'").format(name))
    library.execute(sql.SQL("alter database {} set idle_in_transaction_session_timeout = '15ms'").format(name))

    migrate_up(library.owner_url, "017", QUARANTINE)

    finish(library)


def test_a_second_migrator(library: Database) -> None:
    seen: list[str] = []

    def report(name: str, _moved: int) -> None:
        if name == "copy" and not seen:
            with pytest.raises(TalesError, match="Another migration of this database is running") as refused:
                migrate_up(library.owner_url, options=QUARANTINE)
            seen.append(str(refused.value))

    migrate_up(library.owner_url, options=replace(QUARANTINE, report=report))

    assert len(seen) == 1
    finish(library)


def test_a_second_migrator_waits_for_one_that_is_about_to_leave(library: Database) -> None:
    with library.connect() as first:
        first.execute("select pg_advisory_lock(%s)", [0x7A1E5])
        leave = threading.Timer(0.5, lambda: library.execute("select pg_terminate_backend(%s)", first.info.backend_pid))
        leave.start()
        finish(library)


def test_a_role_that_lacks_a_right(managed_database: ManagedDatabase) -> None:
    url, owner = managed_database.owner_url, f"{managed_database.name}_owner"
    migrate_up(url, "014")
    managed_database.as_platform(f"grant insert, select on auth.users to {owner}")
    managed_database.as_platform(f"create policy everybody on auth.users to {owner} using (true) with check (true)")
    add_story(managed_database, add_user(managed_database))
    managed_database.as_platform(f"revoke references on auth.users from {owner}")

    fail(managed_database, r"^015_.*permission denied for table users.*run the same command again")
    assert current_revision(url) == "014"

    managed_database.as_platform(f"grant references on auth.users to {owner}")
    migrate_up(url)
    assert verify(managed_database.superuser_url).problems == ()
    # From 017 on the policies bind the owner, too.
    with pytest.raises(TalesError, match="does not see every family's stories"):
        verify(url)


def test_files_that_grow_too_large_while_stories_are_moved(library: Database) -> None:
    name = sql.Identifier(library.name)
    # Only a join by hashes grows out of so little memory.
    small = ("temp_file_limit = '8kB'", "work_mem = '64kB'", "hash_mem_multiplier = 1")
    for setting in (*small, "enable_mergejoin = off", "enable_nestloop = off"):
        library.execute(sql.SQL("alter database {} set {}").format(name, sql.SQL(setting)))

    fail(library, r"^01[67]_.*temporary file size exceeds.*run the same command again")

    library.execute(sql.SQL("alter database {} reset all").format(name))
    finish(library)


@contextmanager
def small_disk(server: Server) -> Iterator[tuple[Path, sql.Identifier]]:
    """A disk of 2 MB, and the tablespace that lies on it. It needs the right to mount one."""
    with psycopg.connect(server.superuser_url) as connection:
        (data,) = connection.execute("select current_setting('data_directory')").fetchall()[0]
    if not Path(data).is_dir() or os.geteuid() != 0:
        pytest.skip("nobody but root may mount a disk, beside a server of this machine")
    name = f"{run_prefix()}small_disk"
    folder, space = Path(data).with_name(name), sql.Identifier(name)
    folder.mkdir()
    owner = Path(data).stat()
    try:
        if not mount(folder, f"size=2m,mode=700,uid={owner.st_uid},gid={owner.st_gid}"):
            pytest.skip("this machine does not let root mount a disk")
        server.execute(sql.SQL("create tablespace {} location {}").format(space, sql.Literal(str(folder))))
        yield folder, space
        # What was dropped lies there until then.
        server.execute(sql.SQL("checkpoint"))
        server.execute(sql.SQL("drop tablespace {}").format(space))
    finally:
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)
        folder.rmdir()


def mount(folder: Path, options: str) -> bool:
    """Whether a disk in memory lies at `folder` now."""
    command: list[str | Path] = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_full_disk(server: Server, legacy_template: str) -> None:
    with small_disk(server) as (disk, space), copy_of(server, legacy_template) as database:
        fill_legacy(database.owner_url, LegacyPlan(rows=600, nastiness=Nastiness()))
        name = sql.Identifier(database.name)
        database.execute(sql.SQL("alter database {} set default_tablespace = {}").format(name, space))

        kept = r"failed; what it has moved stays: .*No space left on device"
        fail(database, rf"^016_.*\(copy\).*{kept}.*run the same command again")

        assert mount(disk, "remount,size=100m")
        finish(database)
