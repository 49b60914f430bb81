"""What one generation may ask of the database at 32 clients: the budgets of the map, counted by the server's own log.

Counted is all that the process sends meanwhile, what its worker asks while it waits, its heartbeat and its progress
included. Nothing is subtracted.
"""

from __future__ import annotations

import os
import re
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from benchmarks.generations.service import Service, provider, service
from benchmarks.measuring import bench_server

from tales.infrastructure.embedded.server import allow_app_login
from tales.legacy.migrate import migrate_up

CLIENTS = 32
GENERATIONS = 400
"""So many that rounds which come by the clock weigh little, also where the machine is busy."""

WIDE = {
    "TALES_DAILY_GENERATIONS": "1000000",
    "TALES_CONCURRENT_GENERATIONS": "1000",
    "TALES_REQUESTS_PER_MINUTE": "60000",
}
"""Limits that one user who asks for all of them does not meet, and that are looked at as any others."""

STATEMENTS = 8
COMMITS = 3

_ENTRY = re.compile(
    r"^\d{4}-\d\d-\d\d [^\[\n]*\[(\d+)\] LOG:  (?:statement|execute [^:\n]+):(.*(?:\n(?!\d{4}-).*)*)", re.MULTILINE
)
"""Who has sent a statement, and what it was: its further lines too."""


@dataclass(frozen=True, slots=True)
class Place:
    """A service over a server of its own that logs each statement."""

    service: Service
    url: str
    log: Path


@pytest.fixture
def place() -> Iterator[Place]:
    with bench_server() as server, provider() as provider_url:
        server.execute("create database {}", "budget")
        url = server.url("budget")
        migrate_up(url)
        allow_app_login(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter role tales_app in database budget set log_statement = 'all'")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        app_url = url.replace("//postgres@", "//tales_app@", 1)
        with service(app_url, provider_url, server.home, port, **WIDE) as served:
            yield Place(served, url, server.home / "postgres" / "log")


def statements(log: str) -> list[tuple[str, str]]:
    """The process that served each statement, and the words of the statement."""
    return [(process, " ".join(text.split())) for process, text in _ENTRY.findall(log)]


def kinds(sent: list[tuple[str, str]]) -> dict[str, float]:
    """How often each kind of statement was sent for a generation: by the function that it calls, or how it begins."""
    called = (re.search(r"tales\.\w+\(", text) or re.match(r".{0,60}", text) for _, text in sent)
    counts = Counter(found[0] for found in called if found)
    return {kind: round(count / GENERATIONS, 3) for kind, count in counts.most_common()}


def transactions(sent: list[tuple[str, str]]) -> int:
    """How many transactions these statements were: those between BEGIN and its end, and each other by itself."""
    count = 0
    within: set[str] = set()
    for process, text in sent:
        if text.upper().startswith("BEGIN"):
            within.add(process)
        elif text.upper() in {"COMMIT", "ROLLBACK"}:
            within.discard(process)
            count += 1
        elif process not in within:
            count += 1
    return count


@pytest.mark.timeout(240)
def test_a_generation_keeps_to_its_budget(place: Place) -> None:
    warm = place.service.measure(CLIENTS, 60.0, count=4 * CLIENTS)
    assert warm["wrong"] == 0, warm
    with place.log.open(encoding="utf-8") as log:
        log.seek(0, os.SEEK_END)
        figures = place.service.measure(CLIENTS, 180.0, count=GENERATIONS)
        sent = statements(log.read())

    assert (figures["answers"], figures["wrong"]) == (GENERATIONS, 0), figures
    with psycopg.connect(place.url) as connection:
        rows = connection.execute(
            "select count(*), count(distinct generation_id), count(*) filter (where status = 'success'),"
            " (select count(*) from tales.stories) from tales.generations"
        ).fetchone()
    assert rows == (GENERATIONS + 4 * CLIENTS,) * 4, "each wish is one attempt, and each attempt one story"
    assert len(sent) > GENERATIONS / CLIENTS, "the server has logged them"
    assert len(sent) / GENERATIONS <= STATEMENTS, kinds(sent)
    assert transactions(sent) / GENERATIONS <= COMMITS, kinds(sent)


def test_the_log_is_read_as_it_is_written() -> None:
    log = """2026-03-20 11:00:00.000 UTC [12] LOG:  statement: BEGIN
2026-03-20 11:00:00.000 UTC [13] LOG:  execute <unnamed>: select * from tales.claim_attempts($1,
\t$2)
2026-03-20 11:00:00.000 UTC [12] LOG:  execute _pg3_0: select set_config('role', $1, true)
2026-03-20 11:00:00.000 UTC [12] LOG:  statement: COMMIT
2026-03-20 11:00:00.000 UTC [12] LOG:  statement: begin
2026-03-20 11:00:00.000 UTC [12] LOG:  statement: ROLLBACK
2026-03-20 11:00:00.000 UTC [13] LOG:  statement: ;
2026-03-20 11:00:00.000 UTC [14] ERROR:  statement: no
"""
    sent = statements(log)
    assert [process for process, _ in sent] == ["12", "13", "12", "12", "12", "12", "13"]
    assert sent[1][1] == "select * from tales.claim_attempts($1, $2)"
    assert transactions(sent) == 4
