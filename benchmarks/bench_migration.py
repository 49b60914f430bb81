"""How fast stories are migrated, unthrottled, beside the plain SQL that does it in one transaction under its locks.

`python -m benchmarks.bench_migration --rows 100000 1000000`
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.interruptions import ROOT
from benchmarks.legacy import LegacyPlan, Nastiness, Profile
from benchmarks.measuring import BenchServer, bench_server, say_machine, say_table
from tales.infrastructure.migrations import migrate
from tales.legacy.migrate import migrate_up
from tales.legacy.verify import verify

LEAST_RATIO = 0.6
"""Of the plain SQL's rows a second."""
MOST_MEMORY_MB = 150
_REALISTIC_ROWS = 200_000
"""Up to so many stories have texts as long as real ones, about 14 kB a story; a million of them would need 60 GB."""

_PLAIN = Path(__file__).with_name("plain_migration.sql")
# Peak memory is the process's own, in kB; a child's would hide it.
_MIGRATOR = """
import resource, sys, time
from tales.legacy.migrate import MigrationOptions, migrate_up
begun, steps = time.perf_counter(), []
def report(step, moved):
    if moved == 0:
        steps.append((step, time.perf_counter()))
migrate_up(sys.argv[1], "017", MigrationOptions(report=report))
ended = time.perf_counter()
print(ended - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
for (step, since), (_, until) in zip(steps, [*steps[1:], ("", ended)]):
    print(step, until - since)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One migration of one database."""

    seconds: float
    wal_mb: float
    sizes_mb: tuple[float, float]
    """Of stories and generations together, with indexes and long values: before and after."""
    memory_mb: float = 0
    steps: tuple[tuple[str, float], ...] = ()


def main() -> int:
    """Print the tables; 1 when something falls short."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_migration", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="how many stories")
    parser.add_argument("--runs", type=int, default=1, help="how often each is migrated; the best run counts")
    options = parser.parse_args()
    lines, steps, falls_short = [], [], False
    with bench_server() as place:
        say_machine(place)
        for rows in options.rows:
            profile = Profile.REALISTIC if rows <= _REALISTIC_ROWS else Profile.SHORT
            place.make_template(LegacyPlan(rows=rows, profile=profile, nastiness=_harmless()))
            pairs = [(_run_plain(place), _run_tales(place)) for _ in range(options.runs)]
            plain = min((pair[0] for pair in pairs), key=lambda run: run.seconds)
            ours = min((pair[1] for pair in pairs), key=lambda run: run.seconds)
            ratio = plain.seconds / ours.seconds
            falls_short = falls_short or ratio < LEAST_RATIO or ours.memory_mb >= MOST_MEMORY_MB
            for name, run in (("plain SQL", plain), ("tales migrate", ours)):
                lines.append((
                    f"{rows:,} {profile}", name, f"{run.seconds:.1f}", f"{rows / run.seconds:,.0f}",
                    f"{plain.seconds / run.seconds:.2f}", f"{run.wal_mb:,.0f}", f"{run.sizes_mb[0]:,.0f}",
                    f"{run.sizes_mb[1]:,.0f}", f"{run.memory_mb:.0f}" if run.memory_mb else "",
                ))  # fmt: skip
            steps.append((f"{rows:,}", *(f"{seconds:.1f}" for _, seconds in ours.steps)))
            names = tuple(name for name, _ in ours.steps)
    say_table(("stories", "", "s", "rows/s", "ratio", "WAL MB", "before MB", "after MB", "RSS MB"), lines)
    say_table(("seconds of each step", *names), steps)
    if falls_short:
        print(f"Short of {LEAST_RATIO} of the plain SQL's speed, or not under {MOST_MEMORY_MB} MB.")
    return int(falls_short)


def _harmless() -> Nastiness:
    """NULLs and odd values, but no row for which plain SQL would need a rule."""
    return Nastiness(
        null_model_used=0.02, null_moral=0.02, null_created_at=0.01, null_full_response=0.01, empty_text=0.01
    )


def _run_plain(place: BenchServer) -> Run:
    with place.copy("plain") as url:
        migrate.migrate_up(url, "015")
        with psycopg.connect(url, autocommit=True) as connection:
            before = _size(connection)
            connection.execute("checkpoint")
            wal = _wal(connection)
            begun = time.perf_counter()
            connection.execute(_PLAIN.read_text().encode())
            seconds = time.perf_counter() - begun
            return Run(seconds, (_wal(connection) - wal) / 1e6, (before, _size(connection)))


def _run_tales(place: BenchServer) -> Run:
    with place.copy("ours") as url:
        migrate_up(url, "015")
        with psycopg.connect(url, autocommit=True) as connection:
            before = _size(connection)
            connection.execute("checkpoint")
            wal = _wal(connection)
            done = subprocess.run(
                [sys.executable, "-c", _MIGRATOR, url],
                cwd=ROOT, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, check=True,
            )  # fmt: skip
            first, *rest = done.stdout.splitlines()
            seconds, memory = map(float, first.split())
            steps = tuple((line.split()[0], float(line.split()[1])) for line in rest)
            run = Run(seconds, (_wal(connection) - wal) / 1e6, (before, _size(connection)), memory / 1024, steps)
        if problems := verify(url).problems:
            raise SystemExit(" ".join(problems))
        return run


def _wal(connection: psycopg.Connection[tuple[int]]) -> int:
    (lsn,) = connection.execute("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchall()[0]
    return int(lsn)


def _size(connection: psycopg.Connection[tuple[int]]) -> float:
    query = "select pg_total_relation_size('tales.stories') + pg_total_relation_size('tales.generations')"
    (size,) = connection.execute(query).fetchall()[0]
    return size / 1e6


if __name__ == "__main__":
    sys.exit(main())
