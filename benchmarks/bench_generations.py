"""Whole generations a second over HTTP, beside what the database alone can do: `make bench-generations`.

A client sends a request, waits for the story and sends the next one; the provider answers at once. In one run and in
turns: the specification's plain tables by pgbench (the limit), the statements that the service itself sends by pgbench,
and the service. `--present` measures it once more over so many generations that are there already, `--in-flight` with
so many calls at a time to a provider that takes ten seconds. `--json` keeps the figures, `--page` shows them.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.generations.fill import fill
from benchmarks.generations.limits import OwnStatements, PlainTables
from benchmarks.generations.page import counted, in_flight, present, rates, write_page
from benchmarks.generations.service import Counted, Service, count, provider, service
from benchmarks.measuring import BenchServer, bench_server, machine
from tales.legacy.migrate import migrate_up

CLIENTS = (1, 32, 256)
COUNTED = 2000
"""Generations whose statements, transactions and bytes the server counts."""

SLOW_SECONDS = 10.0
PORT = 9500
_CONNECTIONS = "select count(*) from pg_stat_activity where usename = 'tales_app' and datname = current_database()"


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--present", type=int, nargs="*", default=[])
    parser.add_argument("--in-flight", type=int, nargs="*", default=[])
    parser.add_argument("--json", type=Path, default=None)
    parser.add_argument("--page", type=Path, default=None, help="a document whose tables are to show the figures")
    asked = parser.parse_args()
    with bench_server() as place, ExitStack() as stack:
        figures: dict[str, Any] = {"machine": machine(place)}
        print(figures["machine"])
        url = _database(place, "generations")
        instant = stack.enter_context(provider())
        figures["rates"] = _rates(place, url, instant, asked.rounds, asked.seconds)
        print(rates(figures["rates"]), flush=True)
        figures["counted"] = _counted(place, url, instant)
        print(counted(figures["counted"]), flush=True)
        measured = (_with_present(place, instant, rows, asked.seconds) for rows in asked.present)
        figures["present"] = [one for group in measured for one in group]
        print(present(figures["present"]), flush=True)
        figures["in_flight"] = [_in_flight(place, clients) for clients in asked.in_flight]
        print(in_flight(figures["in_flight"]), flush=True)
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if asked.page is not None:
        write_page(asked.page, figures)


def _database(place: BenchServer, name: str) -> str:
    place.execute("create database {}", name)
    url = place.url(name)
    migrate_up(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("alter role tales_app login")
    return url


def _app_url(url: str) -> str:
    return url.replace("//postgres@", "//tales_app@", 1)


def _rates(place: BenchServer, url: str, provider_url: str, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Each in turn, as often as there are rounds."""
    found: dict[str, list[dict[str, Any]]] = {}
    plain, own = PlainTables(place), OwnStatements(place, url)
    for _ in range(rounds):
        found.setdefault("pgbench, plain tables, 8 clients", []).append(plain.measure(seconds))
        for batch in (1, 8):
            name = f"pgbench, the service's statements, {batch} at a time, 8 clients"
            found.setdefault(name, []).append(own.measure(seconds, batch))
        with service(_app_url(url), provider_url, place.home, PORT) as served:
            served.measure(8, 1.0)  # connections, plans and caches
            for clients in CLIENTS:
                found.setdefault(f"Tales, {clients} clients", []).append(served.measure(clients, seconds))
    return [_summary(name, measured) for name, measured in found.items()]


def _summary(name: str, measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of all rounds."""
    per_second = [one["per_second"] for one in measured]
    return {
        "what": name,
        "per_second": statistics.median(per_second),
        "least": min(per_second),
        "most": max(per_second),
        "p50_ms": statistics.median(one.get("p50_ms", 0.0) for one in measured),
        "p99_ms": statistics.median(one.get("p99_ms", 0.0) for one in measured),
        "wrong": sum(one.get("wrong", 0) for one in measured),
    }


def _counted(place: BenchServer, url: str, provider_url: str) -> dict[str, float]:
    """What one generation costs the server at 32 clients, as it counts itself, the worker's own questions included."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("checkpoint")
        connection.execute("alter database generations set log_statement = 'all'")
    log = place.home / "postgres" / "log"
    try:
        with service(_app_url(url), provider_url, place.home, PORT) as served:
            served.measure(32, 30.0, count=200)
            place_in_log, before = log.stat().st_size, count(url)
            figures = served.measure(32, 120.0, count=COUNTED)
            time.sleep(1.0)  # the server's counters come in once a second
            after = count(url)
            with log.open("rb") as file:
                file.seek(place_in_log)
                statements = len(re.findall(rb"LOG:  (?:statement|execute)", file.read()))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter database generations reset log_statement")
    assert figures["wrong"] == 0, figures
    return _differences(before, after, COUNTED) | {"statements": statements / COUNTED}


def _differences(before: Counted, after: Counted, generations: int) -> dict[str, float]:
    return {
        "transactions": (after.transactions - before.transactions) / generations,
        "log_bytes": (after.log_bytes - before.log_bytes) / generations,
        "disk_bytes": (after.size - before.size) / generations,
    }


def _with_present(place: BenchServer, provider_url: str, rows: int, seconds: float) -> list[dict[str, Any]]:
    """The service over so many generations that are there already."""
    url = _database(place, f"present_{rows}")
    fill(url, rows)
    size = count(url).size
    with service(_app_url(url), provider_url, place.home, PORT) as served:
        served.measure(8, 1.0)
        measured = [served.measure(clients, seconds) for clients in (1, 32)]
    place.execute("drop database {} with (force)", f"present_{rows}")
    return [{"present": rows, "size": size} | one for one in measured]


def _in_flight(place: BenchServer, clients: int) -> dict[str, Any]:
    """So many calls at a time in one process, to a provider that takes its time."""
    url = _database(place, f"in_flight_{clients}")
    with (
        provider(SLOW_SECONDS) as slow,
        service(_app_url(url), slow, place.home, PORT, TALES_CONCURRENCY=str(clients)) as served,
    ):
        watch = _Watch(served, url)
        figures = served.measure(clients, 110.0, count=clients)
        figures |= watch.stop()
    with psycopg.connect(url) as connection:
        states = connection.execute("select status, max(attempt_number), count(*) from tales.generations group by 1")
        figures["attempts"] = [list(row) for row in states]
    place.execute("drop database {} with (force)", f"in_flight_{clients}")
    return figures


class _Watch:
    """Looks at the process now and then: its memory, its connections, and how long it keeps a ping waiting."""

    def __init__(self, served: Service, url: str) -> None:
        self._served = served
        self._url = url
        self._stopped = threading.Event()
        self._figures = {"memory": 0, "blocked_ms": 0.0, "connections": 0}
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> dict[str, Any]:
        """The highest of each."""
        self._stopped.set()
        self._thread.join()
        return self._figures

    def _look(self) -> None:
        while not self._stopped.wait(0.03):
            begun = time.monotonic()
            urllib.request.urlopen(f"http://127.0.0.1:{self._served.port}/health/live", timeout=60).read()
            took = (time.monotonic() - begun) * 1000
            self._figures["blocked_ms"] = max(self._figures["blocked_ms"], took)
            self._figures["memory"] = max(self._figures["memory"], self._served.memory())
            with psycopg.connect(self._url) as connection:
                row = connection.execute(_CONNECTIONS).fetchone()
            self._figures["connections"] = max(self._figures["connections"], row[0] if row else 0)


if __name__ == "__main__":
    main()
