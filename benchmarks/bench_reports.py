"""Reports over a year of attempts: from the attempts (a plain GROUP BY), from rollups, and DuckDB on the export.

`python -m benchmarks.bench_reports [--attempts 1000000] [--runs 20] [--home FOLDER] [--only-reports] [--page FILE]`

Fills a database (with --home only the first time: the server stays in that folder), measures each report attempt by
attempt, rolls the year up, the last 100,000 attempts of it apart, measures each report from rollups, exports all
attempts, and asks DuckDB the same of the file. Counts and sums must be equal and percentiles within 1 %: it exits with
1 where they are not. --only-reports measures the reports alone, from the rollups that are there.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.history import HistoryPlan, fill_history
from benchmarks.measuring import BenchServer, bench_server, machine, table
from benchmarks.report_agreement import agree, differs_from_duckdb
from tales.application import reports as use_cases
from tales.domain.actor import Actor
from tales.domain.errors import TalesError
from tales.domain.replay import ReplayPolicy
from tales.domain.report_filters import ReportFilter
from tales.domain.repositories.reports import ReportRepository
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.export.tables import Export
from tales.infrastructure.export.write import write_csv, write_parquet
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.legacy.migrate import migrate_up

DATABASE = "history"
NEW = 100_000
ADMIN = Actor(UUID(int=1), is_admin=True)
TARGET_EXPORT, TARGET_ROLLUP = 100_000, 5.0
REPORT_P95, REPORT_LONGEST = 0.150, 2.0
ROLLUPS = "tales.rollup_cells, tales.rollup_marks, tales.rollup_courses, tales.rollup_users"

Ask = Callable[[ReportRepository, ReportFilter], Awaitable[use_cases.Report]]


async def _replay(reports: ReportRepository, wanted: ReportFilter) -> use_cases.Report:
    return await use_cases.report_replay(reports, wanted, ReplayPolicy(attempts=2, pause=1.0))


async def _costs(reports: ReportRepository, wanted: ReportFilter) -> use_cases.Report:
    return await use_cases.report_costs(reports, wanted, wanted.until)


REPORTS: dict[str, Ask] = {
    "models": use_cases.report_models,
    "retries": use_cases.report_retries,
    "replay": _replay,
    "timeouts": use_cases.report_timeouts,
    "costs": _costs,
    "prompts": use_cases.report_prompts,
}
DUCKDB = {
    "models": """
        select model_used, count(*), sum(cost_usd), sum(completion_tokens), count(rating),
            quantile_disc(seconds, [0.5, 0.95, 0.99]), quantile_disc(first_token_seconds, [0.5, 0.95, 0.99])
        from attempts group by model_used""",
    "retries": """
        select attempts, count(*), sum(succeeded) from (
            select count(*) as attempts, max((status = 'success')::int) as succeeded
            from attempts group by generation_id
        ) group by attempts""",
    "timeouts": """
        select model_used, error_type, count(*), median(seconds) from attempts where status = 'timeout' group by all""",
    "costs": "select created_at::date, model_used, count(*), sum(cost_usd) from attempts group by all",
    "prompts": """
        select prompt_version, model_used, count(*), sum(cost_usd), median(completion_tokens)
        from attempts group by all""",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a report said, and seconds: the median, the 95th percentile and the longest of its runs."""

    said: use_cases.Report | None
    p50: float
    p95: float
    longest: float


def main() -> int:
    """Print the tables; 1 where figures differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_reports", description=__doc__)
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=20, help="of each report from rollups")
    parser.add_argument("--home", type=Path, help="keep the server and its database in this folder, or find them there")
    parser.add_argument("--only-reports", action="store_true", help="from the rollups of --home, and nothing else")
    parser.add_argument("--page", type=Path, help="write the tables there too")
    options = parser.parse_args()
    with bench_server(options.home) as place:
        lines = [machine(place), *_filled(place, options.attempts)]
        found, wrong = asyncio.run(_measure(place.url(DATABASE), options.runs, only_reports=options.only_reports))
    text = "\n".join([*lines, *found])
    print(text)
    if options.page:
        options.page.write_text(text, encoding="utf-8")
    if not options.only_reports:
        print("\n".join(f"DIFFERS: {name}" for name in wrong) or "Counts and sums are equal, percentiles within 1 %.")
    return int(bool(wrong))


def _filled(place: BenchServer, attempts: int) -> list[str]:
    """Fill the database, unless there is one; how long that took, and how large it is."""
    said = "The database was there"
    if not place.has(DATABASE):
        place.execute("drop database if exists {}", "unfinished")
        place.execute("create database {}", "unfinished")
        url = place.url("unfinished")
        migrate_up(url)
        # Each checkpoint on the way would put every page of the indexes into the log once more.
        place.execute("alter system set max_wal_size = '20GB'")
        place.execute("select pg_reload_conf()")
        begun = time.perf_counter()
        counts = fill_history(url, HistoryPlan(attempts=attempts))
        said = f"{counts.attempts:,} attempts written in {time.perf_counter() - begun:,.0f} s"
        place.execute("alter system reset max_wal_size")
        place.execute("select pg_reload_conf()")
        place.execute("alter database {} rename to {}", "unfinished", DATABASE)
    with psycopg.connect(place.url(DATABASE)) as connection:
        sizes = "select pg_database_size(current_database()), pg_total_relation_size('tales.generations')"
        whole, generations = connection.execute(sizes).fetchone() or (0, 0)
    lines = [f"{said}: {whole / 1e9:,.1f} GB, of which attempts with their indexes {generations / 1e9:,.1f} GB.\n"]
    print(*lines, flush=True)
    return lines


async def _measure(url: str, runs: int, *, only_reports: bool) -> tuple[list[str], list[str]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("alter role tales_app login")
        attempts, begin, last = _bounds(connection)
        print(f"{attempts:,} attempts, load {os.getloadavg()[0]:.1f}", flush=True)
        end = (last + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        # From the middle of a quarter of an hour on, as a report of `--since 30d` is.
        year = ReportFilter(since=begin + timedelta(minutes=7), until=end - timedelta(hours=2, minutes=7))
        month = replace(year, since=year.until - timedelta(days=30))
        periods = {"30 days": month, "a year": year, "30 days, German": replace(month, language="de")}
        engine = make_engine(url)
        transactions = SqlTransactions(engine, SystemClock())
        raw: dict[str, dict[str, Measured]] = {}
        rolling: list[str] = []
        try:
            if not only_reports:
                connection.execute(f"truncate {ROLLUPS}".encode())
                connection.execute("update tales.rollup_state set complete_until = null")
                raw = {name: await _all(transactions, wanted, 1) for name, wanted in periods.items()}
                rolling = _roll_up(connection, attempts, end)
            rolled = {name: await _all(transactions, wanted, runs) for name, wanted in periods.items()}
        finally:
            await engine.dispose()
    lines = [f"{attempts:,} attempts within a year, load {os.getloadavg()[0]:.1f} at the end.\n"]
    if only_reports:
        return [*lines, *(_report_table(name, {}, rolled[name], {}) for name in periods), _slowest(rolled)], []
    exported, asked, by_duckdb = _export(url, begin, end)
    wrong = [
        f"{name} of {period}"
        for period, found in rolled.items()
        for name, one in found.items()
        if raw[period][name].said is not None and not agree(raw[period][name].said, one.said)
    ]
    wrong += differs_from_duckdb(by_duckdb, rolled["a year"]["models"].said, raw["a year"]["models"].said)
    lines += [_report_table(name, raw[name], rolled[name], asked if name == "a year" else {}) for name in periods]
    return [*lines, _slowest(rolled), *rolling, *exported], wrong


def _bounds(connection: psycopg.Connection[Any]) -> tuple[int, datetime, datetime]:
    row = connection.execute("select count(*), min(created_at), max(created_at) from tales.generations").fetchone()
    assert row is not None
    return row[0], row[1].astimezone(UTC), row[2].astimezone(UTC)


async def _all(transactions: SqlTransactions, wanted: ReportFilter, runs: int) -> dict[str, Measured]:
    found = {name: await _one(transactions, ask, wanted, runs) for name, ask in REPORTS.items()}
    print(", ".join(f"{name} {one.p95 * 1000:,.0f} ms" for name, one in found.items()), flush=True)
    return found


async def _one(transactions: SqlTransactions, ask: Ask, wanted: ReportFilter, runs: int) -> Measured:
    took, said = [], None
    for _ in range(runs):
        begun = time.perf_counter()
        try:
            async with transactions.as_user(ADMIN) as work:
                said = await ask(work.reports, wanted)
        except TalesError:
            said = None  # it took longer than any report may
        took.append(time.perf_counter() - begun)
    took.sort()
    return Measured(said, statistics.median(took), took[math.ceil(0.95 * len(took)) - 1], took[-1])


def _roll_up(connection: psycopg.Connection[Any], attempts: int, end: datetime) -> list[str]:
    """Roll all of it up, the newest attempts apart."""
    (cutoff,) = connection.execute(
        "select date_trunc('hour', created_at, 'UTC') from tales.generations order by created_at desc"
        " offset %s limit 1",
        [min(NEW, attempts) - 1],
    ).fetchone() or (end,)
    newer = "select count(*) from tales.generations where created_at >= %s"
    (new,) = connection.execute(newer, [cutoff]).fetchone() or (0,)
    before = _refresh_until(connection, cutoff)
    # As the server does by itself after a while.
    connection.execute(f"vacuum (analyze) {ROLLUPS}".encode())
    after = _refresh_until(connection, end)
    rate = (attempts - new) / before if before else 0
    said = f"Rolled up: {attempts - new:,} attempts in {before:,.0f} s ({rate:,.0f} a second)"
    size = " + ".join(f"pg_total_relation_size('{name}')" for name in ROLLUPS.split(", "))
    (bytes_,) = connection.execute(f"select {size}".encode()).fetchone() or (0,)
    lines = [f"{said}, then {new:,} new ones in {after:.1f} s (wanted: {TARGET_ROLLUP:g} s); {bytes_ / 1e9:.2f} GB.\n"]
    print(*lines, flush=True)
    return lines


def _refresh_until(connection: psycopg.Connection[Any], end: datetime) -> float:
    begun = time.perf_counter()
    while True:
        (until,) = connection.execute("select complete_until from tales.rollup_state").fetchone() or (None,)
        hours = 24 if until is None else min(24, round((end - until).total_seconds() / 3600))
        if hours <= 0:
            return time.perf_counter() - begun
        with connection.transaction():
            connection.execute("select tales.refresh_rollups(%s)", [hours])
        connection.execute("reset role")


def _export(url: str, begin: datetime, end: datetime) -> tuple[list[str], dict[str, float], list[tuple[Any, ...]]]:
    """Export all attempts, and ask DuckDB for its reports; what it says of models."""
    import duckdb  # noqa: PLC0415 -- whoever only looks at the help need not have it

    lines, asked = [], {}
    export = Export("attempts", ReportFilter(since=begin, until=end), contents=False)
    with tempfile.TemporaryDirectory(prefix="tales-bench-") as folder:
        for form, write in (("parquet", write_parquet), ("csv", write_csv)):
            path = Path(folder) / f"attempts.{form}"
            begun = time.perf_counter()
            with path.open("wb") as file:
                rows = write(url, export, file, lambda _done: None)
            took = time.perf_counter() - begun
            lines.append(
                f"Exported {rows:,} rows as {form}: {rows / took:,.0f} a second (wanted: {TARGET_EXPORT:,}), "
                f"{path.stat().st_size / 1e6:,.0f} MB.\n"
            )
            print(lines[-1], flush=True)
        with duckdb.connect() as connection:
            connection.execute(f"create view attempts as select * from '{folder}/attempts.parquet'")
            for name, query in DUCKDB.items():
                begun = time.perf_counter()
                connection.execute(query).fetchall()
                asked[name] = time.perf_counter() - begun
            year = "created_at >= ? and created_at < ?"
            found = connection.execute(
                DUCKDB["models"].replace("from attempts", f"from attempts where {year}"),
                [begin + timedelta(minutes=7), end - timedelta(hours=2, minutes=7)],
            ).fetchall()
    return lines, asked, found


def _report_table(period: str, raw: dict[str, Measured], rolled: dict[str, Measured], asked: dict[str, float]) -> str:
    rows = []
    for name, one in rolled.items():
        plain = raw.get(name)
        slow = "" if plain is None else f"{'over ' if plain.said is None else ''}{_shown(plain.p50)}"
        rows.append((name, slow, _shown(one.p50), _shown(one.p95), _shown(asked[name]) if name in asked else ""))
    return table((period, "plain GROUP BY", "from rollups, p50", "p95", "DuckDB"), rows)


def _slowest(rolled: dict[str, dict[str, Measured]]) -> str:
    """Which reports miss what is wanted of them."""
    ways = [(one, f"{name} of {period}") for period, found in rolled.items() for name, one in found.items()]
    slow = [f"{name} ({_shown(one.p95)})" for one, name in ways if one.p95 > REPORT_P95]
    longest = max(one.longest for one, _ in ways)
    said = f"p95 over {_shown(REPORT_P95)}: {', '.join(slow) or 'none'}"
    return f"{said}; the longest run took {_shown(longest)} (wanted: under {REPORT_LONGEST:g} s).\n"


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


if __name__ == "__main__":
    raise SystemExit(main())
