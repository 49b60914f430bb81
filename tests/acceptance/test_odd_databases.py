"""Databases that are set up in another way than ours: it works, or one true sentence says what is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import sql

from tales.infrastructure.embedded.server import stop_embedded
from tales.legacy.migrate import migrate_up
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.depth import more_when_deep
from tests.fixtures.environment import home_folder
from tests.fixtures.processes import Place, ask, sign_in, until
from tests.fixtures.server import Server
from tests.fixtures.simulator import Simulator

pytestmark = pytest.mark.sampled(3)

SETTINGS: dict[str, LiteralString] = {
    "isolation": "default_transaction_isolation = 'serializable'",
    "dates": "datestyle = 'German, DMY'",
    "intervals": "intervalstyle = 'sql_standard'",
    "search path": "search_path = 'nowhere'",
    "names": "quote_all_identifiers = on",
    "time zone": "timezone = 'Asia/Kathmandu'",
}


def writes_a_story(place: Place) -> None:
    with place.serving("sim/ok") as (_, client):
        sign_in(client)
        for count in range(1, 4):
            ask(client)
            until(lambda count=count: len(place.database.rows("select from tales.stories")) == count, seconds=20)
        (story, *_) = client.get("/api/v3/stories").json()["items"]
        assert story["created_at"].endswith("Z")


@pytest.mark.parametrize("names", more_when_deep([tuple(SETTINGS)], [(name,) for name in SETTINGS]), ids="+".join)
def test_what_a_database_sets_for_everybody_changes_nothing(place: Place, names: tuple[str, ...]) -> None:
    database = sql.Identifier(place.database.name)
    for name in names:
        place.database.execute(sql.SQL("alter database {} set ").format(database) + sql.SQL(SETTINGS[name]))

    writes_a_story(place)


def test_rights_that_are_not_granted_by_default_are_granted(
    empty_database: Database, background_simulator: Simulator
) -> None:
    for what in ("functions", "types", "tables", "sequences"):
        empty_database.execute(sql.SQL("alter default privileges revoke all on {} from public").format(sql.SQL(what)))
    migrate_up(empty_database.owner_url)
    empty_database.execute("alter role tales_app login")

    writes_a_story(Place(empty_database, background_simulator))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_story_is_refused_before_anything_is_written(
    server: Server, background_simulator: Simulator, encoding: str
) -> None:
    with copy_of(server, "template1") as database:
        server.execute(sql.SQL("drop database {}").format(sql.Identifier(database.name)))
        server.execute(
            sql.SQL("create database {} encoding {} locale 'C' template template0").format(
                sql.Identifier(database.name), sql.Literal(encoding)
            )
        )
        command = Place(database, background_simulator).start("sim/ok", "migrate", "up", output=subprocess.PIPE)
        output, _ = command.communicate(timeout=60)
        assert command.returncode == 1
        assert f"stores text as {encoding}" in output
        assert "Traceback" not in output
        assert database.rows("select from pg_namespace where nspname like 'tales%'") == []


WRONG = {
    "no such database": ("postgresql://postgres@/nowhere?host={host}", "There is no such database"),
    "no such role": ("postgresql://nobody_at_all@/postgres?host={host}", "lets no such role sign in"),
    "no server": ("postgresql://postgres@127.0.0.1:1/tales", "The database does not answer"),
    "no such host": ("postgresql://postgres@no-such-host.invalid/tales", "The host of the database is not known"),
    "another parameter": ("postgresql://postgres@/tales?host={host}&pgbouncer=true", "does not know: pgbouncer"),
    "no URL": ("my database", "is no URL of a PostgreSQL database"),
}


@pytest.mark.parametrize(("url", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_with_a_url_is_said_in_a_sentence(place: Place, url: str, sentence: str) -> None:
    host = place.database.owner_url.partition("host=")[2].partition("&")[0]
    command = place.start(
        "sim/ok", "generations", "list", output=subprocess.PIPE, TALES_DATABASE_URL=url.format(host=host)
    )
    output, _ = command.communicate(timeout=60)

    assert command.returncode == 1
    assert sentence in " ".join(output.split())
    assert "Traceback" not in output


def test_of_several_hosts_the_one_that_answers_is_used(place: Place) -> None:
    host = place.database.owner_url.partition("host=")[2].partition("&")[0]
    url = f"postgresql://postgres@/{place.database.name}?host=/nowhere,{host}&target_session_attrs=read-write"
    command = place.start("sim/ok", "generations", "list", output=subprocess.PIPE, TALES_DATABASE_URL=url)
    output, _ = command.communicate(timeout=60)

    assert command.returncode == 0, output


@pytest.mark.timeout(120)
def test_the_embedded_server_listens_to_none_of_the_shells_variables(background_simulator: Simulator) -> None:
    home = home_folder()
    strange = {
        "PGSERVICE": "nosuch",
        "PGOPTIONS": "-c search_path=nowhere -c nosuch=1",
        "PGHOST": "127.0.0.1",
        "PGPORT": "1",
        "PGUSER": "nobody",
        "PGDATABASE": "nowhere",
        "PGSSLMODE": "verify-full",
        "PGTARGETSESSIONATTRS": "standby",
        "PGCLIENTENCODING": "LATIN1",
        "PGDATA": "/nowhere",
    }
    place = Place(Database("tales", "", ""), background_simulator)
    variables = {"HOME": str(home), "TALES_HOME": str(home / ".tales"), **strange}
    try:
        for arguments in (("generations", "list"), ("migrate", "status"), ("write", "Mia", "--age", "6")):
            command = place.start("sim/ok", *arguments, output=subprocess.PIPE, **variables)
            output, _ = command.communicate(timeout=60)
            assert command.returncode == 0, output
    finally:
        stop_embedded(Path(variables["TALES_HOME"]))
