"""What benchmarks of the migration share: a server of their own, copies of a legacy database, and figures."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from benchmarks.legacy import LegacyPlan, fill_legacy
from tales.infrastructure.embedded.server import start_embedded, stop_embedded
from tales.legacy.migrate import migrate_up

LEGACY = "014"
TEMPLATE = "legacy"


@dataclass(frozen=True, slots=True)
class BenchServer:
    """An embedded server in a folder of its own, durable as in production."""

    home: Path
    superuser_url: str

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return make_url(self.superuser_url).set(database=database).render_as_string(hide_password=False)

    def execute(self, statement: LiteralString, *names: str) -> None:
        """Run a statement about databases, whose names stand for `{}`."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def has(self, database: str) -> bool:
        """Whether it has a database of that name."""
        with psycopg.connect(self.superuser_url) as connection:
            found = connection.execute("select from pg_database where datname = %s", [database])
            return found.rowcount > 0

    def make_template(self, plan: LegacyPlan) -> None:
        """The legacy database that others are copied from."""
        self.execute("drop database if exists {}", TEMPLATE)
        self.execute("create database {}", TEMPLATE)
        migrate_up(self.url(TEMPLATE), LEGACY)
        fill_legacy(self.url(TEMPLATE), plan)
        with psycopg.connect(self.url(TEMPLATE), autocommit=True) as connection:
            connection.execute("vacuum (analyze)")
            connection.execute("checkpoint")

    @contextmanager
    def copy(self, name: str) -> Iterator[str]:
        """The URL of a copy of the template, for as long as the block lasts."""
        self.execute("create database {} template {} strategy file_copy", name, TEMPLATE)
        try:
            yield self.url(name)
        finally:
            self.execute("drop database {} with (force)", name)


@contextmanager
def bench_server(kept: Path | None = None) -> Iterator[BenchServer]:
    """A server for one benchmark, removed with all its data in the end; in the folder `kept` it stays, stopped."""
    home = kept or Path(tempfile.mkdtemp(prefix="tales-bench-"))
    try:
        server = start_embedded(home)
        url = make_url(server.owner_url).set(database="postgres").render_as_string(hide_password=False)
        yield BenchServer(home, url)
    finally:
        stop_embedded(home)
        if kept is None:
            shutil.rmtree(home, ignore_errors=True)


def machine(place: BenchServer) -> str:
    """What the figures were measured on."""
    with psycopg.connect(place.superuser_url) as connection:
        version = connection.info.server_version // 10_000
    load = os.getloadavg()[0]
    free = shutil.disk_usage(place.home).free / 1e9
    return (
        f"{os.cpu_count()} cores (load {load:.1f} before), Python {platform.python_version()}, PostgreSQL {version}, "
        f"default settings of the embedded server, {free:,.0f} GB free.\n"
    )


def say_machine(place: BenchServer) -> None:
    """The first lines of every benchmark's output."""
    print(machine(place), flush=True)


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A table in Markdown."""
    lines = (head, tuple("---" for _ in head), *rows)
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def say_table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Print a table in Markdown."""
    print(table(head, rows), flush=True)
