"""What a database does to a service, over real sockets and servers: nothing hangs, and all goes on by itself."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from tales.infrastructure.embedded.server import allow_app_login, start_embedded, stop_embedded
from tales.legacy.migrate import migrate_up
from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.processes import Place, ask, sign_in, until
from tests.fixtures.proxy import proxied
from tests.fixtures.server import run_folder


@pytest.fixture
def home() -> Iterator[Path]:
    """A server of the test's own, to be stopped and changed."""
    home = run_folder() / f"moods-{uuid4().hex[:8]}"
    server = start_embedded(home, durable=False)
    migrate_up(server.owner_url)
    allow_app_login(server.owner_url)
    yield home
    stop_embedded(home)


@pytest.fixture
def own_place(home: Path, background_simulator: Simulator) -> Place:
    server = start_embedded(home, durable=False)
    return Place(Database("tales", server.owner_url, server.app_url), background_simulator)


def alter_system(home: Path, statement: str) -> None:
    with psycopg.connect(start_embedded(home, durable=False).owner_url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute(statement.encode())
        connection.execute("select pg_reload_conf()")


def is_ready(client: httpx.Client) -> bool:
    return client.get("/health/ready").status_code == 200


def stories(place: Place) -> int:
    return len(place.database.rows("select from tales.stories"))


@pytest.mark.timeout(120)
def test_a_read_only_time_is_told_and_waited_for(home: Path, own_place: Place) -> None:
    with own_place.serving("sim/slow-3") as (_, client):
        sign_in(client)
        ask(client)
        until(lambda: len(own_place.simulator.requests) == 1, seconds=10)

        alter_system(home, "alter system set default_transaction_read_only = on")
        until(lambda: not is_ready(client), seconds=10)
        refused = client.post("/api/v3/children", json={"name": "Mia", "age": 6})
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        assert refused.json()["code"] == "unavailable"

        alter_system(home, "alter system reset default_transaction_read_only")
        until(lambda: is_ready(client), seconds=10)
        until(lambda: stories(own_place) == 1, seconds=30)
        ask(client)
        until(lambda: stories(own_place) == 2, seconds=30)
    assert [attempt["status"] for attempt in own_place.attempts()] == ["success", "success"]


@pytest.mark.timeout(120)
def test_after_a_restart_of_the_database_a_long_call_keeps_no_other_story_waiting(home: Path, own_place: Place) -> None:
    with own_place.serving("sim/hang-ok", TALES_MODELS="sim/hang,sim/ok") as (_, client):
        sign_in(client)
        ask(client)
        until(lambda: len(own_place.simulator.requests) == 1, seconds=10)

        stop_embedded(home)
        start_embedded(home, durable=False)
        until(lambda: is_ready(client), seconds=15)

        child = client.post("/api/v3/children", json={"name": "Tom", "age": 4}).json()["id"]
        request = {"story_type": "child", "child_id": child, "moral": "kindness", "model": "sim/ok"}
        begun = time.monotonic()
        assert client.post("/api/v3/generations", json=request).status_code == 202
        until(lambda: stories(own_place) == 1, seconds=20)
        assert time.monotonic() - begun < 10


@pytest.mark.timeout(120)
def test_connections_that_keep_silent_are_given_up(place: Place) -> None:
    with (
        proxied(place.database.owner_url) as (proxy, url),
        place.serving("sim/ok", TALES_DATABASE_URL=url) as (_, client),
    ):
        client.timeout = httpx.Timeout(40)
        sign_in(client)
        ask(client)
        until(lambda: stories(place) == 1, seconds=20)

        assert proxy.silence() >= 2
        begun = time.monotonic()
        # The last answer was good for a second.
        until(lambda: not is_ready(client), seconds=8)
        assert time.monotonic() - begun < 8
        proxy.let_new_ones_speak()
        until(lambda: is_ready(client), seconds=40)
        ask(client)
        until(lambda: stories(place) == 2, seconds=30)


def test_a_pooler_that_passes_no_notices_is_refused_in_a_sentence(place: Place) -> None:
    with proxied(place.database.owner_url, drops_notices=True) as (_, url):
        process = place.start("sim/ok", "serve", "--port", "0", output=subprocess.PIPE, TALES_DATABASE_URL=url)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "transaction pooler" in output
        assert "TALES_QUEUE_DATABASE_URL" in output
        assert "Traceback" not in output

        through = {"TALES_DATABASE_URL": url, "TALES_QUEUE_DATABASE_URL": place.database.owner_url}
        with place.serving("sim/ok", **through) as (_, client):
            sign_in(client)
            ask(client)
            until(lambda: stories(place) == 1, seconds=20)
