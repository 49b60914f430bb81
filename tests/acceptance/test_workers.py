"""Workers as processes of their own, beside servers that have none: killed, stopped, asked to stop, and shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.fixtures.depth import DEEP, more_when_deep
from tests.fixtures.processes import Place, Process, ask, sign_in, until

GENERATIONS = int(os.environ.get("GENERATIONS", "60" if DEEP else "24"))
"""`make bench-workers` takes more."""

AT_A_TIME = max(4, GENERATIONS // 60)
SECONDS = max(120, GENERATIONS // 4)
"""How long two workers may take for all of them, beside a provider that shares their processors."""
UNLIMITED = {"TALES_DAILY_GENERATIONS": "0", "TALES_CONCURRENT_GENERATIONS": "0", "TALES_REQUESTS_PER_MINUTE": "0"}
"""One user asks for all of them."""
LEASE = 10.0
_IN_HAND = """
    select w.process_id, count(g.worker_id) as in_hand
    from tales.workers as w
    left join tales.generations as g on g.worker_id = w.id and g.status = 'pending'
    where w.heartbeat_at > now() - interval '10 seconds'
    group by w.process_id
"""


@contextmanager
def working(place: Place, model: str, concurrency: int = 4, **variables: str) -> Iterator[Process]:
    """A worker that has said that it lives; killed at the end if it still runs."""
    # Nobody reads what it writes until it has ended: a full pipe would stop it.
    variables = {"TALES_LOG_LEVEL": "warning"} | variables
    process = place.start(model, "worker", "--concurrency", str(concurrency), output=subprocess.PIPE, **variables)
    try:
        until(lambda: process.pid in in_hand(place), seconds=30)
        yield process
    finally:
        process.kill()
        process.communicate()


def in_hand(place: Place) -> dict[int, int]:
    """The processes of the workers that are alive, and how many attempts each has in hand."""
    return {row["process_id"]: row["in_hand"] for row in place.database.rows(_IN_HAND)}


def workers(place: Place) -> dict[int, dict[str, Any]]:
    """What `tales workers` shows to machines, by process."""
    command = place.start("sim/ok", "workers", "--json", output=subprocess.PIPE)
    shown, _ = command.communicate(timeout=60)
    assert command.returncode == 0, shown
    found: list[dict[str, Any]] = json.loads(shown)
    return {worker["process_id"]: worker for worker in found}


def stories(place: Place) -> int:
    return len(place.database.rows("select from tales.stories"))


def statuses(place: Place) -> list[str]:
    return [attempt["status"] for attempt in place.attempts()]


def ask_for(client: httpx.Client, count: int) -> list[UUID]:
    """So many generations about one child, asked for at once; their ids."""
    child = client.post("/api/v3/children", json={"name": "Mia", "age": 6}).json()["id"]
    wish = {"story_type": "child", "child_id": child, "moral": "kindness", "story_length": 1}

    def one(_: int) -> UUID:
        answer = client.post("/api/v3/generations", json=wish)
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["generation_id"])

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(one, range(count)))


@pytest.mark.timeout(120 + SECONDS)
def test_no_generation_is_lost_or_written_twice_whatever_becomes_of_workers(place: Place) -> None:
    model = "sim/slow-10"
    with ExitStack() as stack:
        servers = [stack.enter_context(place.serving(model, "--no-worker", **UNLIMITED))[1] for _ in range(2)]
        killed, stopped, left = (stack.enter_context(working(place, model, AT_A_TIME)) for _ in range(3))
        sign_in(servers[0])
        servers[1].headers["Authorization"] = servers[0].headers["Authorization"]
        asked = ask_for(servers[0], GENERATIONS // 2) + ask_for(servers[1], GENERATIONS // 2)

        # Each has all that it can have in hand, and each of those calls has been made.
        until(lambda: in_hand(place) == dict.fromkeys((killed.pid, stopped.pid, left.pid), AT_A_TIME), seconds=30)
        until(lambda: len(place.simulator.requests) >= len(claimed(place)), seconds=10)
        stopped.send_signal(signal.SIGSTOP)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        theirs = in_hands_of(place, killed) | in_hands_of(place, stopped)
        assert theirs

        # Past its lease its attempts are others'.
        until(lambda: not in_hands_of(place, stopped) and not in_hands_of(place, killed), seconds=60)
        shown = workers(place)
        assert {process: worker["alive"] for process, worker in shown.items()} == {
            killed.pid: False,
            stopped.pid: False,
            left.pid: True,
        }
        stopped.send_signal(signal.SIGCONT)
        until(lambda: stopped.pid in in_hand(place), seconds=20)
        until(lambda: stories(place) == GENERATIONS, seconds=SECONDS)

        for process in (stopped, left):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(timeout=60) for process in (stopped, left)] == [0, 0]

    rows = place.database.rows(
        "select generation_id, attempt_number, status, error_type from tales.generations"
        " order by generation_id, attempt_number"
    )
    ends = {row["generation_id"]: row["status"] for row in rows}
    assert ends == dict.fromkeys(asked, "success"), "none is lost"
    lost = {(row["generation_id"], row["attempt_number"]) for row in rows if row["status"] != "success"}
    assert lost <= theirs, "nobody else's attempt was taken away"
    assert {row["error_type"] for row in rows if row["status"] != "success"} <= {"worker_lost"}
    told = place.database.rows("select generation_id from tales.stories")
    assert sorted(row["generation_id"] for row in told) == sorted(asked), "each has one story"
    assert Counter(row["generation_id"] for row in rows if row["status"] == "success") == Counter(asked)
    assert len(place.simulator.requests) == len(rows), "each attempt is one call"


def claimed(place: Place) -> set[tuple[UUID, int]]:
    """The attempts that some worker has ever had in hand."""
    query = "select generation_id, attempt_number from tales.generations where worker_id is not null"
    return {(row["generation_id"], row["attempt_number"]) for row in place.database.rows(query)}


def in_hands_of(place: Place, process: Process) -> set[tuple[UUID, int]]:
    """The attempts that are a worker's own as the database has it."""
    query = (
        "select generation_id, attempt_number from tales.generations as g join tales.workers as w on w.id = g.worker_id"
        " where w.process_id = %s and g.status = 'pending'"
    )
    return {(row["generation_id"], row["attempt_number"]) for row in place.database.rows(query, process.pid)}


def ask_to_stop(place: Place, process: Process, name: str, *, again: bool) -> None:
    """Send the signal; `again` and again until the story is told, as a terminal and its shell may do both."""
    while stories(place) == 0:
        process.send_signal(signal.Signals[name])
        if not again:
            return
        time.sleep(0.1)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "again"), more_when_deep([("SIGHUP", True), ("SIGINT", False)], [("SIGTERM", True), ("SIGHUP", False)])
)
def test_a_worker_that_is_asked_to_stop_finishes_what_it_has_in_hand(place: Place, name: str, *, again: bool) -> None:
    with (
        place.serving("sim/slow-10", "--no-worker") as (_, client),
        working(place, "sim/slow-10", concurrency=1) as process,
    ):
        sign_in(client)
        ask_for(client, 2)
        until(lambda: len(place.simulator.requests) == 1, seconds=20)
        ask_to_stop(place, process, name, again=again)
        output, _ = process.communicate(timeout=60)

        assert process.returncode == 0, output
        assert "Traceback" not in output
        assert sorted(statuses(place)) == ["pending", "success"], "nothing new was begun"
        assert process.pid not in in_hand(place), "it has signed off"
        with working(place, "sim/slow-10"):
            until(lambda: stories(place) == 2, seconds=30)
    assert statuses(place) == ["success", "success"], "what waited has lost nothing"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("name", "again"), more_when_deep([("SIGTERM", True)], [("SIGHUP", False), ("SIGHUP", True)]))
def test_a_server_that_is_asked_to_stop_finishes_its_story_first(place: Place, name: str, *, again: bool) -> None:
    with place.serving("sim/slow-10") as (process, client):
        sign_in(client)
        ask(client)
        until(lambda: len(place.simulator.requests) == 1, seconds=20)
        ask_to_stop(place, process, name, again=again)

        assert process.wait(timeout=60) == 0
    assert statuses(place) == ["success"]
    assert len(place.simulator.requests) == 1


@pytest.mark.timeout(120)
def test_a_worker_hands_back_what_does_not_end_in_time(place: Place) -> None:
    with (
        place.serving("sim/hang-ok", "--no-worker") as (_, client),
        working(place, "sim/hang-ok", concurrency=1) as process,
    ):
        sign_in(client)
        ask_for(client, 1)
        until(lambda: len(place.simulator.requests) == 1, seconds=20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert statuses(place) == ["timeout", "pending"], "it is nobody's, and waits for another"
        assert place.attempts()[0]["error_type"] == "worker_lost"

        with working(place, "sim/hang-ok"):
            until(lambda: stories(place) == 1, seconds=30)
    assert statuses(place) == ["timeout", "success"]
    assert len(place.simulator.requests) == 2


@pytest.mark.timeout(120)
def test_a_worker_never_answers_for_another_providers_models(place: Place) -> None:
    """Both providers have a model of this name."""
    elsewhere = place.simulator.url.replace("127.0.0.1", "localhost")
    with (
        place.serving("sim/ok", "--no-worker") as (_, client),
        place.serving("sim/ok", "--no-worker", TALES_LLM_BASE_URL=elsewhere) as (_, other),
        working(place, "sim/ok", TALES_LLM_BASE_URL=elsewhere) as process,
    ):
        sign_in(client)
        other.headers["Authorization"] = client.headers["Authorization"]
        (mine,) = ask_for(client, 1)
        ask_for(other, 3)
        until(lambda: stories(place) == 3, seconds=30)

        query = "select status, worker_id from tales.generations where generation_id = %s"
        assert place.database.rows(query, mine) == [{"status": "pending", "worker_id": None}]
        with working(place, "sim/ok") as its_own:
            until(lambda: stories(place) == 4, seconds=30)
            shown = workers(place)
    assert {shown[process.pid]["queue"], shown[its_own.pid]["queue"]} == {
        place.simulator.url.split("/")[2],
        elsewhere.split("/")[2],
    }
    assert statuses(place) == ["success"] * 4


@pytest.mark.timeout(120)
def test_workers_are_shown_with_what_they_have_in_hand(place: Place) -> None:
    with (
        place.serving("sim/hang", "--no-worker") as (_, client),
        working(place, "sim/hang", concurrency=3) as process,
        place.serving("sim/hang") as (server, _),
    ):
        sign_in(client)
        ask_for(client, 2)
        until(lambda: len(place.simulator.requests) == 2, seconds=20)
        shown = workers(place)
        table = place.start("sim/ok", "workers", output=subprocess.PIPE)
        lines, _ = table.communicate(timeout=60)

    assert set(shown) == {process.pid, server.pid}, "a server without a worker is none"
    facts = {"id", "queue", "host", "process_id", "concurrency", "started_at", "heartbeat_at", "in_hand", "alive"}
    assert set(shown[process.pid]) == facts
    assert shown[process.pid]["concurrency"] == 3
    assert sum(worker["in_hand"] for worker in shown.values()) == 2
    assert all(worker["alive"] for worker in shown.values())
    assert table.returncode == 0
    for worker in shown.values():
        assert worker["id"] in lines
        assert str(worker["process_id"]) in lines


@pytest.mark.timeout(60)
def test_a_worker_without_a_database_says_so(place: Place) -> None:
    process = place.start(
        "sim/ok", "worker", output=subprocess.PIPE, TALES_DATABASE_URL="postgresql://nobody@127.0.0.1:9/nowhere"
    )
    output, _ = process.communicate(timeout=50)
    assert process.returncode == 1
    assert "Traceback" not in output
    assert "database" in output
