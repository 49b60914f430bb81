"""The embedded server outlives its starter, and whatever is done to it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest

from tales.infrastructure.embedded.cluster import Cluster
from tales.infrastructure.embedded.data_folder import EmbeddedUnavailable
from tales.infrastructure.embedded.server import allow_app_login, start_embedded, stop_embedded
from tales.infrastructure.embedded.server_user import server_user
from tales.infrastructure.migrations.prepare import prepare_schema
from tales.infrastructure.postgres.database import find_database, find_ready_database
from tests.fixtures.server import run_folder

_START = """
import sys
from pathlib import Path
from tales.infrastructure.embedded.server import start_embedded
print(start_embedded(Path(sys.argv[1]), durable=False).owner_url)
"""


@pytest.fixture(scope="module")
def made_home() -> Path:
    """A home whose server has been made and stopped, to be copied."""
    home = run_folder() / f"made-{uuid4().hex}"
    start_embedded(home, durable=False)
    stop_embedded(home)
    return home


@pytest.fixture
def new_home() -> Iterator[Path]:
    """A home that does not exist yet."""
    home = run_folder() / f"embedded-{uuid4().hex[:8]}"
    yield home
    stop_embedded(home)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def home(made_home: Path, new_home: Path) -> Path:
    """A home whose server does not run."""
    subprocess.run(["cp", "-a", made_home, new_home], check=True)
    return new_home


def _postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def _kill_everything(home: Path) -> None:
    postmaster = psutil.Process(_postmaster(home))
    for process in [postmaster, *postmaster.children()]:
        process.kill()


def _remember(url: str, value: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table remembered (value integer)")
        connection.execute("insert into remembered values (%s)", [value])


def test_the_first_start_makes_the_database(new_home: Path) -> None:
    server = start_embedded(new_home, durable=False)
    with psycopg.connect(server.owner_url) as connection:
        row = connection.execute("select current_database(), current_user, current_setting('server_version_num')::int")
        database, user, version = row.fetchone() or ()
    assert (database, user, version // 10000) == ("tales", "postgres", 18)


def test_a_server_is_safe_against_a_crash_unless_asked_otherwise(home: Path) -> None:
    with psycopg.connect(start_embedded(home).owner_url) as connection:
        assert connection.execute("select current_setting('fsync')").fetchone() == ("on",)


def test_it_outlives_its_starter_and_is_found_running(home: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", _START, home], stdout=subprocess.PIPE, start_new_session=True)
    url = (starter.communicate()[0]).decode().strip()
    postmaster = _postmaster(home)

    assert start_embedded(home, durable=False).owner_url == url
    assert _postmaster(home) == postmaster


def test_two_commands_that_start_it_at_once_find_the_same_server(new_home: Path) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", _START, new_home], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    urls = {starter.communicate()[0] for starter in starters}
    assert [starter.returncode for starter in starters] == [0, 0]
    assert len(urls) == 1


def test_it_is_found_ready_while_it_runs_with_its_schema(home: Path) -> None:
    assert find_ready_database(home, None, None) is None
    database = find_database(home, None, None)
    prepare_schema(database)

    assert find_ready_database(home, None, None) == database

    stop_embedded(home)
    assert find_ready_database(home, None, None) is None


def test_it_is_stopped_once(home: Path) -> None:
    start_embedded(home, durable=False)
    assert stop_embedded(home)
    assert not stop_embedded(home)


def test_to_stop_what_never_was_makes_nothing(new_home: Path) -> None:
    assert not stop_embedded(new_home)
    assert not new_home.exists()


def test_it_keeps_what_was_committed_when_everything_is_killed(home: Path) -> None:
    url = start_embedded(home).owner_url
    _remember(url, 7)
    _kill_everything(home)
    with psycopg.connect(start_embedded(home).owner_url) as connection:
        assert connection.execute("select value from remembered").fetchall() == [(7,)]


def test_it_comes_back_when_only_its_head_was_killed(home: Path) -> None:
    start_embedded(home, durable=False)
    os.kill(_postmaster(home), signal.SIGKILL)
    with psycopg.connect(start_embedded(home, durable=False).owner_url) as connection:
        assert connection.execute("select 7").fetchone() == (7,)


def test_it_is_waited_for_while_it_does_not_answer_yet(home: Path) -> None:
    start_embedded(home, durable=False)
    postmaster = _postmaster(home)
    os.kill(postmaster, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(start_embedded, home)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        os.kill(postmaster, signal.SIGCONT)
        waiting.result(timeout=30)
    assert _postmaster(home) == postmaster


def test_a_dead_servers_number_may_be_another_process_now(home: Path) -> None:
    start_embedded(home, durable=False)
    _kill_everything(home)
    user = server_user(home / "postgres")
    with subprocess.Popen(["sleep", "60"], user=None if user.is_present else user.uid) as stranger:
        pid_file = home / "postgres" / "postmaster.pid"
        _, *rest = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text(f"{stranger.pid}\n{''.join(rest)}")
        try:
            assert not stop_embedded(home)
            start_embedded(home, durable=False)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_first_start_that_was_killed_leaves_nothing_behind(new_home: Path) -> None:
    half_made = new_home / "postgres-new-half"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    start_embedded(new_home, durable=False)
    assert sorted(path.name for path in new_home.iterdir()) == ["postgres", "postgres.lock"]


def test_data_that_were_deleted_under_a_running_server_are_made_anew(home: Path) -> None:
    start_embedded(home, durable=False)
    deleted = psutil.Process(_postmaster(home))
    shutil.rmtree(home / "postgres")
    start_embedded(home, durable=False)
    assert not deleted.is_running() or deleted.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("name", ["with spaces, a comma and 'quotes'", "long-" + "x" * 120])
def test_it_works_in_a_folder_with_an_awkward_name(new_home: Path, made_home: Path, name: str) -> None:
    home = new_home / name
    new_home.mkdir()
    subprocess.run(["cp", "-a", made_home, home], check=True)
    server = start_embedded(home, durable=False)
    try:
        with psycopg.connect(server.owner_url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        assert stop_embedded(home)
    assert not Cluster(home / "postgres").socket_dir.exists() or Cluster(home / "postgres").socket_dir.parent == home


def test_nobody_else_reaches_its_socket(home: Path) -> None:
    start_embedded(home, durable=False)
    folder = home / "postgres"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) == 0o700
    with psycopg.connect(start_embedded(home).owner_url) as connection:
        assert connection.execute("select current_setting('listen_addresses')").fetchone() == ("",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_started_by_root_it_opens_roots_folders_to_nobody_else(home: Path) -> None:
    home.chmod(0o700)
    start_embedded(home, durable=False)
    assert subprocess.run(["ls", home], user="nobody", group="nogroup", capture_output=True, check=False).returncode
    assert psutil.Process(_postmaster(home)).uids().real != 0


def test_the_services_role_signs_in_once_it_is_allowed_to(home: Path) -> None:
    server = start_embedded(home, durable=False)
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        connection.execute("create role tales_app nologin noinherit")
    for _ in range(2):
        allow_app_login(server.owner_url)
    with psycopg.connect(server.app_url) as connection:
        assert connection.execute("select current_user").fetchone() == ("tales_app",)


def test_nobodys_words_get_into_its_log(home: Path) -> None:
    server = start_embedded(home, durable=False)
    with psycopg.connect(server.owner_url, autocommit=True) as connection:
        connection.execute("create table words (word text check (word <> 'secret dragon'))")
        for statement in ("insert into words values ('secret dragon')", "select 'secret dragon' ::integer"):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)
    assert "secret dragon" not in (home / "postgres" / "log").read_text()


def test_a_folder_that_cannot_be_written_to_is_named(new_home: Path) -> None:
    new_home.touch()
    with pytest.raises(EmbeddedUnavailable, match="TALES_HOME"):
        start_embedded(new_home)
    new_home.unlink()


def test_a_server_that_does_not_start_names_its_log(home: Path) -> None:
    (home / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(EmbeddedUnavailable, match=str(home / "postgres" / "log")):
        start_embedded(home, durable=False)


def test_data_of_another_major_version_are_refused_in_words(home: Path) -> None:
    (home / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedUnavailable, match="PostgreSQL 17's"):
        start_embedded(home, durable=False)


def test_a_path_that_its_programs_cannot_take_is_refused_in_words(new_home: Path) -> None:
    with pytest.raises(EmbeddedUnavailable, match="TALES_HOME"):
        start_embedded(new_home / "a$b")
    shutil.rmtree(new_home)


@pytest.fixture
def precious() -> Iterator[Path]:
    """A file of the starter's, which must be the same afterwards."""
    file = run_folder() / f"precious-{uuid4().hex}"
    file.write_text("1\nprecious\n")
    before = file.stat()
    yield file
    assert (file.read_text(), file.stat().st_uid) == ("1\nprecious\n", before.st_uid)
    assert file.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("name", ["tales.conf", "postmaster.pid", "log", "PG_VERSION"])
def test_what_the_servers_user_has_linked_is_refused(home: Path, precious: Path, name: str) -> None:
    user = server_user(home / "postgres")
    link = ["ln", "-sfn", precious, home / "postgres" / name]
    subprocess.run(link, check=True, user=None if user.is_present else user.uid)

    with pytest.raises(EmbeddedUnavailable, match=f"{name} is a link, or not the database's own. Nothing was written"):
        start_embedded(home, durable=False)
    (home / "postgres" / name).unlink()


def test_a_lock_that_is_a_link_is_refused(home: Path, precious: Path) -> None:
    (home / "postgres.lock").unlink()
    (home / "postgres.lock").symlink_to(precious)

    for command in (start_embedded, stop_embedded):
        with pytest.raises(EmbeddedUnavailable, match=r"cannot use .*postgres\.lock"):
            command(home)
    (home / "postgres.lock").unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's files are not the database's own")
def test_another_name_of_a_file_is_as_little_the_databases_own(home: Path, precious: Path) -> None:
    data = home / "postgres"
    for name in ("tales.conf", "tales.conf.new", "postmaster.pid"):
        (data / name).unlink(missing_ok=True)
        (data / name).hardlink_to(precious)

    with pytest.raises(EmbeddedUnavailable, match=r"postmaster\.pid is a link, or not"):
        start_embedded(home, durable=False)
    (data / "postmaster.pid").unlink()
    start_embedded(home, durable=False)


def test_a_pipe_in_a_files_place_keeps_nobody_waiting(home: Path) -> None:
    os.mkfifo(home / "postgres" / "postmaster.pid")

    with pytest.raises(EmbeddedUnavailable, match="is a link, or not the database's own"):
        start_embedded(home, durable=False)
    (home / "postgres" / "postmaster.pid").unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands folders over")
def test_a_folder_is_handed_over_only_by_its_owner_and_through_no_link(home: Path, tmp_path: Path) -> None:
    user = server_user(home / "postgres")
    others = tmp_path / "others"
    others.mkdir()
    (tmp_path / "link").symlink_to(others)
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        user.own(tmp_path / "link")
    os.chown(others, 65534, 65534)
    with pytest.raises(PermissionError, match="somebody else's"):
        user.own(others)
    assert others.stat().st_uid == 65534
