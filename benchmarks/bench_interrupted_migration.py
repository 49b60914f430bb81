"""Kills the migrator, and now and then PostgreSQL itself, until a migration has been interrupted often enough.

`python -m benchmarks.bench_interrupted_migration --kills 50`
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections import Counter
from random import Random

import psutil
import psycopg
from psycopg import sql
from tests.fixtures.catalog import catalog

from benchmarks.interruptions import end, kill, start_migrator, wait_for_a_moment
from benchmarks.legacy import CHECKSUM, LegacyPlan, Nastiness, Profile
from benchmarks.measuring import BenchServer, bench_server, say_machine, say_table
from tales.infrastructure.embedded.server import start_embedded
from tales.legacy.verify import verify

_SCHEMAS = ("tales", "tales_migration", "auth", "tales_internal")
_TABLES = (
    *("tales.stories", "tales.generations", "tales.stories_unowned", "tales.stories_quarantined"),
    "tales_migration.saved_originals",
)
_SERVER_SHARE = 0.3

State = tuple[list[str], list[object]]


def main() -> int:
    """Print what was killed where; 1 when an end is not that of an undisturbed run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_interrupted_migration", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, default=20_000, help="how many stories")
    add("--kills", type=int, default=50, help="how many at least")
    add("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    rng, steps = Random(options.seed), Counter[tuple[str, str]]()
    rounds, wrong, begun = 0, 0, time.monotonic()
    with bench_server() as place:
        say_machine(place)
        plan = LegacyPlan(rows=options.rows, profile=Profile.SHORT, nastiness=Nastiness.each(0.02), huge_bytes=10_000)
        place.make_template(plan)
        with place.copy("peace") as url:
            finish(url)
            expected = state(url)
        while steps.total() < options.kills:
            rounds += 1
            with place.copy(f"round_{rounds}") as url:
                interrupt(place, url, rng, steps, options.kills)
                finish(url)
                wrong += state(url) != expected or verify(url).problems != ()
    names = sorted({step for step, _ in steps})
    rows = [(step, steps[step, "the migrator"], steps[step, "PostgreSQL"]) for step in names]
    say_table(("killed in step", "the migrator", "PostgreSQL"), rows)
    print(
        f"{steps.total()} kills in {rounds} migrations of {options.rows:,} stories, {time.monotonic() - begun:.0f} s."
    )
    print(f"Migrations whose end is not that of an undisturbed one: {wrong}.")
    return int(wrong > 0)


def interrupt(place: BenchServer, url: str, rng: Random, steps: Counter[tuple[str, str]], kills: int) -> None:
    """Kill whoever migrates `url`, again and again, until it is done or enough."""
    while steps.total() < kills:
        process = start_migrator(url, max_rate=8000)
        step = wait_for_a_moment(process, rng, 0.4)
        if rng.random() < _SERVER_SHARE and process.poll() is None:
            kill_server(place)
            status, said, later = end(process)
            # One clear sentence, unless it was done by then.
            assert status == 0 or (status == 1 and said.count("\n") == 1), said
            start_embedded(place.home)
            steps[later or step, "PostgreSQL"] += 1
            continue
        was_alive, later = kill(process)
        if not was_alive:
            return
        steps[later or step, "the migrator"] += 1


def kill_server(place: BenchServer) -> None:
    """End all its processes at once, as a power cut would."""
    pid = int((place.home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    postmaster = psutil.Process(pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, 10)


def finish(url: str) -> None:
    """Migrate to the end, whatever is left."""
    status, said, _ = end(start_migrator(url, max_rate=1_000_000))
    assert status == 0, said


def state(url: str) -> State:
    """The catalog, and a checksum of all rows of each table."""
    with psycopg.connect(url) as connection:
        sums: list[object] = [
            connection.execute(sql.SQL(CHECKSUM).format(sql.Identifier(*table.split(".")))).fetchall()
            for table in _TABLES
        ]
    return catalog(url, _SCHEMAS), sums


if __name__ == "__main__":
    sys.exit(main())
