"""Real processes, killed and stopped: nothing is lost, nothing is called twice, every generation ends."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import time
from urllib.parse import quote

import httpx
import psutil
import pytest

from tests.fixtures.processes import Place, ask, sign_in, until


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


def assert_server_is_not_named(client: httpx.Client) -> None:
    """Neither where something is, nor where nothing is, nor to what is no request at all."""
    for address in ("/health/live", "/", "/nothing/here"):
        assert "Server" not in client.get(address).headers, address
    with socket.create_connection((client.base_url.host, client.base_url.port)) as raw:
        raw.sendall(b"What is this?\r\n\r\n")
        said = b"".join(iter(lambda: raw.recv(4096), b"")).lower()
    assert b" 400 " in said
    assert b"\r\nserver:" not in said
    assert b"uvicorn" not in said


@pytest.mark.timeout(60)
def test_a_server_that_is_stopped_finishes_its_story_first(place: Place) -> None:
    with place.serving("sim/slow-10") as (process, client):
        assert_server_is_not_named(client)
        sign_in(client)
        ask(client)
        until(lambda: len(place.simulator.requests) == 1, seconds=10)
        process.terminate()

        assert process.wait(timeout=60) == 0
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


def test_no_password_is_among_the_arguments_of_psql(place: Place) -> None:
    database = place.database
    secret = "a \"password\" with\\ 'marks'"
    place.database.execute("alter role tales_app login")
    url = database.owner_url.replace("postgres@", f"postgres:{quote(secret, safe='')}@", 1)
    command = place.start("", "db", "psql", "-c", "select pg_sleep(60)", TALES_DATABASE_URL=url)
    asleep = "select pid from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(60)'"
    try:
        until(lambda: bool(database.rows(asleep)), seconds=30)
        for process in (shell := psutil.Process(command.pid), *shell.children(recursive=True)):
            assert secret not in " ".join(process.cmdline())
        (psql,) = shell.children()
        assert psql.environ()["PGPASSWORD"] == secret
    finally:
        database.rows(f"select pg_terminate_backend(pid) from ({asleep}) as those")
        assert command.wait(timeout=10) == 2


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

    output, _ = process.communicate(timeout=60)

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

    assert process.wait(timeout=60) == 0
    assert [attempt["status"] for attempt in place.attempts()] == ["success"]


@pytest.mark.deep
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
        assert process.wait(timeout=60) == 0
    assert [attempt["status"] for attempt in place.attempts()] == ["success"]


@pytest.mark.timeout(60)
def test_a_server_outlives_what_it_was_told_to_ignore(place: Place) -> None:
    """As `nohup` ignores a closed terminal, and a script's `&` the Ctrl-C that is meant for the script."""
    with place.serving("sim/ok", ignoring=("HUP", "INT")) as (process, client):
        for number in (signal.SIGHUP, signal.SIGINT):
            process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        assert client.get("/health/ready").status_code == 200
        process.terminate()

        assert process.wait(timeout=60) == 0


@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_server_without_work_ends_when_its_terminal_says_so(place: Place, number: signal.Signals) -> None:
    with place.serving("sim/ok") as (process, _):
        process.send_signal(number)

        assert process.wait(timeout=60) == 0
