"""A database that is restarted again and again under stories in flight: each is written once, by the same processes.

Between the restarts one connection falls silent, and for a while the database is read-only.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from tales.infrastructure.embedded.server import allow_app_login, start_embedded, stop_embedded
from tales.legacy.migrate import migrate_up
from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.depth import DEEP
from tests.fixtures.processes import Place, Process, sign_in, until
from tests.fixtures.proxy import Proxy, proxied
from tests.fixtures.server import run_folder

RESTARTS, STORIES = (20, 200) if DEEP else (3, 24)
WITHOUT_LIMITS: dict[str, Any] = {"TALES_DAILY_GENERATIONS": "100000", "TALES_CONCURRENT_GENERATIONS": "100000"}
PATIENCE = 10.0
"""Seconds for which a server may call itself ready though it takes no story."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a client saw at one moment."""

    at: float
    is_ready: bool
    is_taken: bool


class Family:
    """Asks for stories, each with a key of its own until it is taken, and looks whether the server is ready."""

    def __init__(self, client: httpx.Client) -> None:
        sign_in(client)
        self._client = client
        self._child = client.post("/api/v3/children", json={"name": "Mia", "age": 6}).json()["id"]
        self.asked: set[UUID] = set()
        self.observations: list[Observation] = []

    def ask(self, count: int) -> None:
        wanted, key = len(self.asked) + count, str(uuid4())
        while len(self.asked) < wanted:
            is_ready, taken = self._is_ready(), self._take(key)
            self.observations.append(Observation(time.monotonic(), is_ready, taken is not None))
            if taken is None:
                time.sleep(0.1)
            else:
                self.asked.add(taken)
                key = str(uuid4())

    def _is_ready(self) -> bool:
        try:
            return self._client.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def _take(self, key: str) -> UUID | None:
        request = {"story_type": "child", "child_id": self._child, "moral": "kindness", "story_length": 1}
        try:
            answer = self._client.post("/api/v3/generations", json=request, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return None
        assert answer.status_code in {202, 503}, answer.status_code
        return UUID(answer.json()["generation_id"]) if answer.status_code == 202 else None


def seconds_of_false_readiness(observations: list[Observation]) -> float:
    """The longest time for which a server called itself ready in a stretch in which it took nothing."""
    worst, since = 0.0, None
    for one in observations:
        if one.is_taken or not one.is_ready:
            since = None
        else:
            since = since or one.at
            worst = max(worst, one.at - since)
    return worst


@contextmanager
def running(place: Place, *arguments: str, **variables: Any) -> Iterator[Process]:
    process = place.start("sim/slow-2", *arguments, **WITHOUT_LIMITS, **variables)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def restart(home: Path, *, crash: bool) -> None:
    if crash:
        postmaster = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGQUIT)  # as a crash: nobody is told, nothing is written
        until(lambda: not (home / "postgres" / "postmaster.pid").exists(), seconds=20)
    else:
        stop_embedded(home)
    start_embedded(home)


def be_read_only(home: Path, *, yes: bool) -> None:
    with psycopg.connect(start_embedded(home).owner_url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        statement = "set default_transaction_read_only = on" if yes else "reset default_transaction_read_only"
        connection.execute(f"alter system {statement}".encode())
        connection.execute("select pg_reload_conf()")


def trouble(home: Path, proxy: Proxy, family: Family) -> None:
    """Restart the database; half of each share of stories is asked for before, half while it happens."""
    share = STORIES // RESTARTS
    for number in range(RESTARTS):
        family.ask(share // 2)
        with ThreadPoolExecutor(1) as threads:
            asking = threads.submit(family.ask, share - share // 2)
            if number == RESTARTS // 3:
                proxy.silence_one()
            if number == 2 * RESTARTS // 3:
                be_read_only(home, yes=True)
                until(lambda: not family.observations[-1].is_ready, seconds=PATIENCE)
                be_read_only(home, yes=False)
            restart(home, crash=number % 2 == 1)
            asking.result(timeout=60)


@pytest.fixture
def home() -> Iterator[Path]:
    """A server of the test's own, to be stopped and changed."""
    home = run_folder() / f"restarts-{uuid4().hex[:8]}"
    server = start_embedded(home)
    migrate_up(server.owner_url)
    allow_app_login(server.owner_url)
    yield home
    stop_embedded(home)


@pytest.mark.timeout(900 if DEEP else 120)
def test_each_story_is_written_once_and_no_process_is_started_again(
    home: Path, background_simulator: Simulator
) -> None:
    server = start_embedded(home)
    place = Place(Database("tales", server.owner_url, server.app_url), background_simulator)
    with ExitStack() as stack:
        proxy, url = stack.enter_context(proxied(server.owner_url))
        through: dict[str, Any] = {"TALES_DATABASE_URL": url}
        served, client = stack.enter_context(place.serving("sim/slow-2", **through, **WITHOUT_LIMITS))
        worker = stack.enter_context(running(place, "worker", "--concurrency", "8", **through))
        client.timeout = httpx.Timeout(40)
        until(lambda: len(place.database.rows("select from tales.workers")) == 2, seconds=20)
        family = Family(client)
        trouble(home, proxy, family)
        assert len(family.asked) == STORIES

        pending = "select from tales.generations where status = 'pending'"
        until(lambda: not place.database.rows(pending), seconds=120)
        assert (served.poll(), worker.poll()) == (None, None), "no process ended"

    stories = Counter(row["generation_id"] for row in place.database.rows("select generation_id from tales.stories"))
    assert stories == Counter(family.asked), "none is lost, none is double"
    ended = place.database.rows("select generation_id from tales.generations where status = 'success'")
    assert Counter(row["generation_id"] for row in ended) == Counter(family.asked)
    assert seconds_of_false_readiness(family.observations) < PATIENCE
