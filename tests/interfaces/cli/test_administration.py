"""`tales migrate`, `tales db`, settings: what operators type."""

from __future__ import annotations

import socket
from pathlib import Path

import psycopg
import pytest

from tales.infrastructure.embedded.server import stop_embedded
from tales.infrastructure.migrations.steps import newest_revision
from tests.fixtures.databases import Database
from tests.fixtures.environment import home_folder
from tests.interfaces.cli.conftest import Tales


@pytest.fixture
def over(bare_tales: Tales, empty_database: Database) -> Tales:
    """The command line over an empty database."""
    bare_tales.set(TALES_DATABASE_URL=empty_database.owner_url)
    return bare_tales


def test_migrations_go_up_and_down_and_say_where_they_stand(over: Tales) -> None:
    assert not any(step["applied"] for step in over("migrate", "status", "--json").json)

    up = over("migrate", "up")
    assert (up.status, f"at migration {newest_revision()}" in up.err) == (0, True)
    assert all(step["applied"] for step in over("migrate", "status", "--json").json)

    down = over("migrate", "down", "--to", "014")
    assert (down.status, "at migration 014" in down.err) == (0, True)
    assert [s["number"] for s in over("migrate", "status", "--json").json if s["applied"]][-1] == "014"

    assert over("migrate", "up", "--to", "016").status == 0
    assert "yes" in over("migrate", "status").out


def test_a_legacy_database_is_not_moved_by_the_way(over: Tales) -> None:
    over("migrate", "up", "--to", "014")

    ran = over("generations", "list")

    assert ran.status == 1
    assert "stands at migration 014" in ran.err
    assert "tales migrate up" in ran.err


def test_an_empty_database_gets_its_schema_by_itself(over: Tales) -> None:
    assert over("generations", "list", "--json").json == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("up", "--to", "999"), "There is no migration 999."),
        (("down", "--to", "abc"), "There is no migration abc."),
        (("up", "--orphans", "drop"), "--orphans is neither"),
        (("up", "--invalid", "drop"), "--invalid is neither"),
    ],
)
def test_a_wrong_choice_is_refused_in_a_sentence(over: Tales, arguments: tuple[str, ...], sentence: str) -> None:
    ran = over("migrate", *arguments)

    assert ran.status == 1
    assert sentence in ran.err


def test_a_server_that_does_not_answer_is_named(bare_tales: Tales) -> None:
    bare_tales.set(TALES_DATABASE_URL="postgresql://nobody@127.0.0.1:9/nowhere")

    ran = bare_tales("generations", "list")

    assert ran.status == 1
    assert "TALES_DATABASE_URL" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/db", "postgresql://user:hunter2@host:port/db"])
def test_what_is_no_url_of_a_database_is_refused_and_not_repeated(bare_tales: Tales, url: str) -> None:
    bare_tales.set(TALES_DATABASE_URL=url)

    for command in (("generations", "list"), ("migrate", "status"), ("db", "url")):
        ran = bare_tales(*command)
        assert (ran.status, ran.out) == (1, "")
        assert "TALES_DATABASE_URL is no URL of a PostgreSQL database." in ran.err
        assert "hunter2" not in ran.err


def test_a_port_that_is_taken_is_named(bare_tales: Tales) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = bare_tales("serve", "--port", str(port))

    assert ran.status == 1
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use." in ran.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TALES_MAX_ATTEMPTS", "many"),
        ("TALES_ATTEMPT_TIMEOUT", "-1"),
        ("TALES_LLM_BASE_URL", "openrouter"),
        ("TALES_JWT_SECRET", "short-secret"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_not_repeated(bare_tales: Tales, name: str, value: str) -> None:
    bare_tales.set(**{name: value})

    ran = bare_tales("write", "Mia", "--age", "6")

    assert ran.status == 1
    assert name in ran.err
    assert "short-secret" not in ran.err


def test_another_service_needs_the_names_of_its_models(bare_tales: Tales) -> None:
    bare_tales.set(TALES_LLM_BASE_URL="http://127.0.0.1:9/v1")

    ran = bare_tales("write", "Mia", "--age", "6")

    assert ran.status == 1
    assert "TALES_MODELS" in ran.err


def test_the_embedded_database_outlives_the_command_that_started_it(bare_tales: Tales) -> None:
    home = home_folder()
    bare_tales.set(TALES_HOME=str(home))
    try:
        url = bare_tales("db", "url").out.splitlines()[-1]
        with psycopg.connect(url) as connection:
            assert connection.execute("select count(*) from tales.generations").fetchone() == (0,)
        assert bare_tales("db", "url").out.splitlines()[-1] == url
        assert "is stopped" in bare_tales("db", "stop").err
        assert "was not running" in bare_tales("db", "stop").err
        assert sorted(path.name for path in Path(home).iterdir()) == ["postgres", "postgres.lock"]
    finally:
        stop_embedded(home)


def test_psql_is_the_owners(tales: Tales) -> None:
    assert tales("db", "psql", "-Atc", "select count(*) from tales.stories").status == 0
    assert tales("db", "psql", "-Atc", "select from nowhere").status != 0


def test_the_version_is_told(bare_tales: Tales) -> None:
    ran = bare_tales("--version")

    assert (ran.status, ran.out.startswith("tales ")) == (0, True)


def test_the_steps_of_the_simulator_are_listed(bare_tales: Tales) -> None:
    assert "drop-mid-stream" in bare_tales("simulate", "--steps").out
