"""Real processes, killed and stopped: nothing is lost, nothing is called twice, every generation ends."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import pytest

from tales.simulator.server import Simulator
from tests.fixtures.databases import Database

SECRET = "a secret for tests, and long enough"
COMMAND = (sys.executable, "-m", "tales.interfaces.cli.main")


class Place:
    """A database and a provider, for processes that a test starts and ends."""

    def __init__(self, database: Database, simulator: Simulator) -> None:
        self.database = database
        self.simulator = simulator

    def start(
        self, model: str, *arguments: str, output: int = subprocess.DEVNULL, **variables: str
    ) -> subprocess.Popen[str]:
        """Start `tales ...`, with settings beside those of every test."""
        environment = os.environ | {
            "TALES_DATABASE_URL": self.database.owner_url,
            "TALES_LLM_BASE_URL": self.simulator.url,
            "TALES_MODELS": model,
            "TALES_JWT_SECRET": SECRET,
        }
        environment |= variables
        return subprocess.Popen(
            [*COMMAND, *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
        )

    @contextmanager
    def serving(
        self, model: str, *options: str, **variables: str
    ) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
        """A server that answers; killed at the end if it still runs."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        process = self.start(model, "serve", "--port", str(port), *options, **variables)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                until(lambda: answers(client), seconds=30)
                yield process, client
        finally:
            process.kill()
            process.wait()

    def attempts(self) -> list[dict[str, Any]]:
        """All attempts, in order."""
        return self.database.rows(
            "select attempt_number, status, error_type, error_message, started_at from tales.generations "
            "order by created_at, attempt_number"
        )


@pytest.fixture
def place(database: Database, background_simulator: Simulator) -> Place:
    """A migrated database, and a provider that plays scripts."""
    return Place(database, background_simulator)


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def sign_in(client: httpx.Client) -> None:
    """Open an account, and bring its token along from now on."""
    account = {"email": "ada@example.org", "password": "correct horse"}
    client.post("/api/v3/auth/signup", json=account)
    form = {"username": account["email"], "password": account["password"]}
    client.headers["Authorization"] = f"Bearer {client.post('/api/v3/auth/token', data=form).json()['access_token']}"


def ask(client: httpx.Client) -> None:
    """Ask for a story about a new child."""
    child = client.post("/api/v3/children", json={"name": "Mia", "age": 6}).json()["id"]
    wish = {"story_type": "child", "child_id": child, "moral": "kindness", "story_length": 1}
    assert client.post("/api/v3/generations", json=wish).status_code == 202


@pytest.mark.timeout(90)
def test_a_server_killed_during_the_call_loses_the_attempt_and_not_the_story(place: Place) -> None:
    with place.serving("sim/hang-ok") as (process, client):
        sign_in(client)
        ask(client)
        until(lambda: len(place.simulator.requests) == 1, seconds=10)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [attempt["status"] for attempt in place.attempts()] == ["pending"]

    with place.serving("sim/hang-ok"):
        until(lambda: len(place.database.rows("select from tales.stories")) == 1, seconds=40)

    lost, second = place.attempts()
    assert (lost["status"], lost["error_type"]) == ("timeout", "worker_lost")
    assert lost["error_message"].startswith("worker lost")
    assert second["status"] == "success"
    assert len(place.simulator.requests) == 2


@pytest.mark.timeout(60)
def test_a_server_that_is_stopped_finishes_its_story_first(place: Place) -> None:
    with place.serving("sim/slow-10") as (process, client):
        sign_in(client)
        ask(client)
        until(lambda: len(place.simulator.requests) == 1, seconds=10)
        process.terminate()

        assert process.wait(timeout=20) == 0
    assert [attempt["status"] for attempt in place.attempts()] == ["success"]


@pytest.mark.timeout(90)
def test_two_servers_on_one_database_call_the_model_once_for_each_attempt(place: Place) -> None:
    with place.serving("sim/slow-2") as (_, first), place.serving("sim/slow-2"):
        sign_in(first)
        for _ in range(8):
            ask(first)
        until(lambda: len(place.database.rows("select from tales.stories")) == 8, seconds=40)

    assert [attempt["status"] for attempt in place.attempts()] == ["success"] * 8
    assert len(place.simulator.requests) == 8


@pytest.mark.timeout(60)
def test_a_client_that_leaves_while_it_waits_stops_nothing(place: Place) -> None:
    with place.serving("sim/slow-3") as (_, client):
        sign_in(client)
        with socket.create_connection((client.base_url.host, client.base_url.port)) as leaving:
            leaving.sendall(_waiting_request(client))
            until(lambda: len(place.simulator.requests) == 1, seconds=10)
            # It goes without a word: the other end hears of it by a reset.
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        until(lambda: len(place.database.rows("select from tales.stories")) == 1, seconds=20)
        assert client.get("/health/ready").status_code == 200
    assert [attempt["status"] for attempt in place.attempts()] == ["success"]
    assert len(place.simulator.requests) == 1


def _waiting_request(client: httpx.Client) -> bytes:
    """A wish of a client that waits for the story, as bytes."""
    child = client.post("/api/v3/children", json={"name": "Mia", "age": 6}).json()["id"]
    wish = {"story_type": "child", "child_id": child, "moral": "kindness", "story_length": 1}
    request = client.build_request("POST", "/api/v3/generations", json=wish, headers={"Prefer": "wait=60"})
    lines = [b"POST /api/v3/generations HTTP/1.1", *(name + b": " + value for name, value in request.headers.raw)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + request.content


@pytest.mark.timeout(60)
def test_a_story_that_is_interrupted_at_the_terminal_is_cancelled(place: Place) -> None:
    process = place.start("sim/hang", "write", "Mia", "--age", "6", output=subprocess.PIPE)
    until(lambda: len(place.simulator.requests) == 1, seconds=20)
    process.send_signal(signal.SIGINT)

    output, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Traceback" not in output
    assert [(a["status"], a["error_type"]) for a in place.attempts()] == [("failed", "cancelled")]


@pytest.mark.timeout(90)
def test_a_story_whose_terminal_was_killed_is_written_by_a_server(place: Place) -> None:
    process = place.start("sim/hang-ok", "write", "Mia", "--age", "6")
    until(lambda: len(place.simulator.requests) == 1, seconds=20)
    process.send_signal(signal.SIGKILL)
    process.wait()

    with place.serving("sim/hang-ok"):
        until(lambda: len(place.database.rows("select from tales.stories")) == 1, seconds=50)

    assert [attempt["status"] for attempt in place.attempts()] == ["timeout", "success"]


@pytest.mark.timeout(60)
def test_langfuse_6594_a_process_that_exits_has_kept_its_call(place: Place) -> None:
    process = place.start("sim/ok", "write", "Mia", "--age", "6", "--json")

    assert process.wait(timeout=30) == 0
    assert [attempt["status"] for attempt in place.attempts()] == ["success"]


@pytest.mark.timeout(90)
def test_a_local_model_that_is_killed_writes_the_next_stories(place: Place) -> None:
    with place.serving("", TALES_LLM_BASE_URL="") as (process, client):
        sign_in(client)
        models = [
            child for child in psutil.Process(process.pid).children() if "local_model_process" in str(child.cmdline())
        ]
        assert len(models) == 1
        models[0].kill()

        ask(client)
        until(lambda: len(place.database.rows("select from tales.stories")) == 1, seconds=60)

    first, *others = place.attempts()
    assert first["error_type"] in {"connection", "provider_unavailable"}
    assert others[-1]["status"] == "success"


@pytest.mark.timeout(60)
def test_a_server_that_is_stopped_ends_its_streams_and_finishes_their_stories(place: Place) -> None:
    with place.serving("sim/slow-20") as (process, client):
        sign_in(client)
        ask(client)
        (generation,) = client.get("/api/v3/generations").json()["items"]
        with client.stream("GET", f"/api/v3/generations/{generation['generation_id']}/events") as stream:
            lines = stream.iter_lines()
            next(line for line in lines if line == "event: delta")
            process.terminate()
            stopped = time.monotonic()
            rest = list(lines)
        assert time.monotonic() - stopped < 3
        assert "event: end" not in rest
        assert process.wait(timeout=20) == 0
    assert [attempt["status"] for attempt in place.attempts()] == ["success"]
