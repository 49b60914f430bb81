"""Whole generations a second over HTTP, beside what the database alone can do: `make bench-generations`.

A client sends a request, waits for the story and sends the next one; the provider answers at once. In one run and in
turns: the specification's plain tables by pgbench (the limit), the statements that the service itself sends by pgbench,
and the service. `--present` measures it once more over so many generations that are there already, `--in-flight` with
so many calls at a time to a provider that takes ten seconds. `--json FILE` keeps the figures.
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
from benchmarks.generations.service import Counted, Service, count, provider, service
from benchmarks.measuring import Workshop, say_machine, say_table, workshop
from tales.infrastructure.persistence.migration.migrate import migrate_up

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
    asked = parser.parse_args()
    figures: dict[str, Any] = {}
    with workshop() as place, ExitStack() as stack:
        say_machine(place)
        url = _database(place, "generations")
        instant = stack.enter_context(provider())
        figures["rates"] = _rates(place, url, instant, asked.rounds, asked.seconds)
        figures["counted"] = _counted(place, url, instant)
        figures["present"] = [_with_present(place, instant, rows, asked.seconds) for rows in asked.present]
        figures["in_flight"] = [_in_flight(place, clients) for clients in asked.in_flight]
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _database(place: Workshop, name: str) -> str:
    place.execute("create database {}", name)
    url = place.url(name)
    migrate_up(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("alter role tales_app login")
    return url


def _app_url(url: str) -> str:
    return url.replace("//postgres@", "//tales_app@", 1)


def _rates(place: Workshop, url: str, provider_url: str, rounds: int, seconds: float) -> list[dict[str, Any]]:
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
    limit = statistics.median(one["per_second"] for one in found["pgbench, plain tables, 8 clients"])
    rows, figures = [], []
    for name, measured in found.items():
        rates = [one["per_second"] for one in measured]
        p50, p99 = (statistics.median(one.get(key, 0.0) for one in measured) for key in ("p50_ms", "p99_ms"))
        wrong = sum(one.get("wrong", 0) for one in measured)
        rate = statistics.median(rates)
        rows.append(
            (
                name,
                f"{rate:,.0f}",
                f"{min(rates):,.0f} to {max(rates):,.0f}",
                f"{rate / limit:.2f}",
                f"{p50:.1f}",
                f"{p99:.1f}",
                wrong,
            )
        )
        figures.append({"what": name, "per_second": rate, "all": measured})
    head = ("what", "generations a second", "from to", "of the limit", "p50 ms", "p99 ms", "wrong")
    say_table(head, rows)
    return figures


def _counted(place: Workshop, url: str, provider_url: str) -> dict[str, float]:
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
    counted = _differences(before, after, COUNTED) | {"statements": statements / COUNTED}
    names = ("statements", "transactions", "log bytes", "disk bytes")
    say_table(names, [tuple(f"{counted[name.replace(' ', '_')]:,.2f}" for name in names)])
    return counted


def _differences(before: Counted, after: Counted, generations: int) -> dict[str, float]:
    return {
        "transactions": (after.transactions - before.transactions) / generations,
        "log_bytes": (after.log_bytes - before.log_bytes) / generations,
        "disk_bytes": (after.size - before.size) / generations,
    }


def _with_present(place: Workshop, provider_url: str, present: int, seconds: float) -> dict[str, Any]:
    """The service over so many generations that are there already."""
    url = _database(place, f"present_{present}")
    fill(url, present)
    size = count(url).size
    with service(_app_url(url), provider_url, place.home, PORT) as served:
        served.measure(8, 1.0)
        figures = {f"{clients} clients": served.measure(clients, seconds) for clients in (1, 32)}
    rows = [
        (f"{present:,}", f"{size / 1e9:.2f} GB", name, f"{one['per_second']:,.0f}", one["p50_ms"], one["p99_ms"])
        for name, one in figures.items()
    ]
    say_table(("generations present", "size", "clients", "generations a second", "p50 ms", "p99 ms"), rows)
    place.execute("drop database {} with (force)", f"present_{present}")
    return {"present": present, "size": size} | figures


def _in_flight(place: Workshop, clients: int) -> dict[str, Any]:
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
    rows = [
        (
            clients,
            figures["answers"],
            figures["seconds"],
            figures["attempts"],
            f"{figures['memory'] / 1e6:.0f}",
            f"{figures['blocked_ms']:.0f}",
            figures["connections"],
        )
    ]
    head = ("in flight", "answers", "seconds", "attempts", "memory MB", "longest answer to a ping ms", "connections")
    say_table(head, rows)
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
