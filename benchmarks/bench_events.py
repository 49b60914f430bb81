"""How long a token takes from a worker to the clients that follow it, and what following costs.

Three processes, as in production: one that works, one that serves, and the clients. A worker's tokens hold the time at
which they were written, so a client knows how old each of them is. Beside it, what a notice costs a commit.
"""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import aiohttp
import psutil
import psycopg
import structlog
import uvicorn
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from benchmarks.measuring import bench_server, say_machine, say_table
from tales.bootstrap import running_app
from tales.domain.generation import Attempt, AttemptId, AttemptRequest
from tales.domain.repositories.attempt_queue import NOBODY
from tales.domain.story_spec import StoryType
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.events.progress_publisher import ProgressPublisher
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.interfaces.api.app import create_app
from tales.legacy.migrate import migrate_up
from tales.settings import Settings

SECRET = "a secret for benchmarks, and long enough"
SECONDS = 10
TOKENS_A_SECOND = 20
STREAMS = (1, 50, 200)
COMMIT_SECONDS = 4
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run has shown. Ages in milliseconds, processor time in seconds a second."""

    streams: int
    ages: list[float]
    events: int
    serving: float
    transactions: float

    def row(self) -> tuple[object, ...]:
        """A line of the table."""
        cuts = statistics.quantiles(self.ages, n=100)
        return (
            self.streams,
            f"{cuts[49]:.0f}",
            f"{cuts[98]:.0f}",
            f"{self.events / SECONDS:,.0f}",
            f"{self.serving:.0%}",
            f"{self.transactions:,.0f}",
        )


def main() -> None:
    """Run the part that the command line names; without one, all of it."""
    match sys.argv[1:]:
        case ["serve", url, port]:
            asyncio.run(_serve(url, int(port)))
        case ["work", url, *ids]:
            asyncio.run(_work(url, [AttemptId.parse(id_) for id_ in ids]))
        case _:
            asyncio.run(_measure())


def _settings(url: str) -> Settings:
    return Settings(
        database_url=url, llm_base_url="http://127.0.0.1:9/v1", models=("none",), jwt_secret=SecretStr(SECRET)
    )


async def _serve(url: str, port: int) -> None:
    async with running_app(_settings(url), with_worker=False) as app:
        config = uvicorn.Config(create_app(app.services), port=port, log_config=None, lifespan="off")
        await uvicorn.Server(config).serve()


async def _work(url: str, attempts: list[AttemptId]) -> None:
    """Write tokens for each attempt, as models would."""
    engine = make_engine(url)
    transactions = SqlTransactions(engine, SystemClock())
    log = structlog.get_logger()
    publisher = ProgressPublisher(transactions, ProgressHub(transactions, log), log)

    async def write(attempt: Attempt) -> None:
        publisher.begin(attempt)
        for _ in range(SECONDS * TOKENS_A_SECOND):
            publisher.publish(attempt.id, f"{time.monotonic_ns()} ")
            await asyncio.sleep(1 / TOKENS_A_SECOND)

    async with transactions.as_service() as work:
        found = [await work.generations.get_attempt(attempt) for attempt in attempts]
    async with publisher.running(), asyncio.TaskGroup() as writers:
        for number, attempt in enumerate(filter(None, found)):
            writers.create_task(write(attempt))
            await asyncio.sleep(1 / TOKENS_A_SECOND / (number + 1))
    await engine.dispose()


async def _measure() -> None:
    with bench_server() as place:
        say_machine(place)
        place.execute("create database {}", "events")
        url = place.url("events")
        await asyncio.to_thread(migrate_up, url)
        rows = [(await _follow(url, streams)).row() for streams in STREAMS]
        print(f"{TOKENS_A_SECOND} tokens a second in each of the streams, for {SECONDS} s:\n")
        head = ("streams", "p50 ms", "p99 ms", "events/s", "processor of the server", "transactions/s")
        say_table(head, rows)
        print(f"Durable commits a second by {CONNECTIONS} connections, each of one row:\n")
        say_table(
            ("a notice in each", "commits/s"), [(notice, f"{_commits(url, notice):,.0f}") for notice in _STATEMENTS]
        )


async def _follow(url: str, streams: int) -> Figures:
    """`streams` clients, each with a generation of its own."""
    token, attempts = await _begin(url, streams)
    with _process("serve", url, str(port := _free_port())) as server:
        headers = {"Authorization": f"Bearer {token}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers, connector=connector) as session:
            await _until_ready(session)
            ages: list[float] = []
            reading = [asyncio.create_task(_read(session, attempt, ages)) for attempt in attempts]
            await asyncio.sleep(2)
            before, commits = psutil.Process(server.pid).cpu_times(), _transactions(url)
            with _process("work", url, *map(str, attempts)) as worker:
                await asyncio.to_thread(worker.wait)
            after = psutil.Process(server.pid).cpu_times()
            commits = _transactions(url) - commits
            for task in reading:
                task.cancel()
            events = sum(result for result in await asyncio.gather(*reading) if result)
    used = (after.user + after.system) - (before.user + before.system)
    return Figures(streams, ages, events, used / SECONDS, commits / SECONDS)


async def _begin(url: str, count: int) -> tuple[str, list[AttemptId]]:
    """A family with so many attempts in flight, and its token."""
    async with running_app(_settings(url), with_worker=False) as app:
        actor = await app.services.sign_in.local_user()
        token = app.services.tokens.issue(actor)
    engine = make_engine(url)
    attempts = [AttemptId(uuid7(), 1) for _ in range(count)]
    queue = SqlAttemptQueue(SqlTransactions(engine, SystemClock()), SystemClock())
    worker_id = uuid7()
    async with queue.running():
        for attempt in attempts:
            request = AttemptRequest(
                id=attempt,
                user_id=actor.user_id,
                model_used="none",
                prompt="Write.",
                prompt_version="bench",
                queue="bench",
                story_type=StoryType.CHILD,
                moral="patience",
            )
            await queue.enqueue(actor, request, NOBODY, worker_id)
    await engine.dispose()
    return token, attempts


async def _read(session: aiohttp.ClientSession, attempt: AttemptId, ages: list[float]) -> int:
    """Follow one generation until cancelled; how many events came."""
    events = 0
    try:
        async with session.get(f"/api/v3/generations/{attempt.generation_id}/events") as answer:
            async for line in answer.content:
                if line.startswith(b"data:"):
                    events += 1
                    now = time.monotonic_ns()
                    written = json.loads(line[5:]).get("text", "").split()
                    ages += [(now - int(moment)) / 1e6 for moment in written]
    except asyncio.CancelledError:
        pass
    return events


async def _until_ready(session: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get("/health/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "benchmarks.bench_events", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _transactions(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        query = "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


_STATEMENTS: dict[str, LiteralString] = {
    "no": "insert into public.commits values (1)",
    "yes": "insert into public.commits select 1 from pg_notify('tales_live', gen_random_uuid()::text)",
}


def _commits(url: str, notice: str) -> float:
    """Commits a second, each with a notice or not, while somebody listens."""
    counts: list[int] = []

    def commit() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            end, count = time.monotonic() + COMMIT_SECONDS, 0
            while time.monotonic() < end:
                connection.execute(_STATEMENTS[notice])
                count += 1
        counts.append(count)

    with psycopg.connect(url, autocommit=True) as listening:
        listening.execute("create table if not exists public.commits (n integer)")
        listening.execute("listen tales_live")
        threads = [threading.Thread(target=commit) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return sum(counts) / COMMIT_SECONDS


if __name__ == "__main__":
    main()
