"""How long the old application waits while its stories are migrated under it, and whether anything of it is lost.

`python -m benchmarks.bench_online_migration --rows 100000`
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks.interruptions import ROOT
from benchmarks.legacy import LegacyPlan, Nastiness, Profile
from benchmarks.legacy_application import LegacyApplication
from benchmarks.measuring import BenchServer, bench_server, say_machine, say_table
from tales.legacy.verify import verify

LONGEST_WAIT_MS = 250
MOST_P99_RATIO = 2.0
"""Of the writers' p99 while nothing is migrated, or so much more:"""
MOST_ADDED_MS = 3.0
LEAST_RATE = 1500
"""Stories a second, from the beginning to the end of `expand`."""

_MIGRATOR = """
import sys
from tales.legacy.migrate import MigrationOptions, migrate_up
from tales.legacy.pace import Pace
_, url, until, rate = sys.argv
migrate_up(url, options=MigrationOptions(until_expand=until == "expand", pace=Pace(max_rate=float(rate) or None)))
"""
_WAITS = """
    select coalesce(max(extract(epoch from clock_timestamp() - l.waitstart) * 1000), 0)
    from pg_locks as l
    join pg_stat_activity as a using (pid)
    where not l.granted and a.application_name <> 'migrator'
"""
_LOGGED_WAIT = re.compile(r"still waiting for \w+ on .* after (\d+)\.\d+ ms")
_PHASES = ("idle", "expand", "between", "contract")


class WaitWatcher:
    """Looks a hundred times a second how long a statement has been waiting for a lock by now."""

    def __init__(self, url: str) -> None:
        self.longest_ms = 0.0
        self._url = url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch for as long as the block lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()

    def _watch(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._ended.wait(0.01):
                (waited,) = connection.execute(_WAITS).fetchall()[0]
                self.longest_ms = max(self.longest_ms, float(waited))


def main() -> int:
    """Print the table; 1 when something is lost, fails or waits too long for a lock."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_online_migration", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, default=50_000, help="how many stories")
    add("--profile", type=Profile, choices=list(Profile), default=Profile.REALISTIC, help="how long their texts are")
    add("--seconds", type=float, default=20, help="how long to measure while nothing is migrated")
    add("--rate", type=float, default=25, help="statements a second of each of four writers and two readers")
    add("--max-rate", type=float, default=0, help="stories a second at most; 0 is as many as the database bears")
    options = parser.parse_args()
    with bench_server() as place:
        say_machine(place)
        place.make_template(LegacyPlan(rows=options.rows, profile=options.profile, nastiness=Nastiness()))
        place.execute("alter system set log_lock_waits = on")
        place.execute("alter system set deadlock_timeout = '250ms'")
        place.execute("select pg_reload_conf()")
        with place.copy("online") as url:
            return _measure(place, url, options)


def _measure(place: BenchServer, url: str, options: argparse.Namespace) -> int:
    application, watcher, took = LegacyApplication(url, rate=options.rate), WaitWatcher(url), dict[str, float]()

    def pause(phase: str) -> None:
        application.phase = phase
        time.sleep(options.seconds)
        took[phase] = options.seconds

    def migrate(phase: str, until: str) -> None:
        application.phase = phase
        begun = time.monotonic()
        command = [sys.executable, "-c", _MIGRATOR, url, until, str(options.max_rate)]
        subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT / "src"), "PGAPPNAME": "migrator"}, check=True)
        took[phase] = time.monotonic() - begun

    with watcher.watching():
        application.start()
        try:
            pause("warm")
            pause("idle")
            migrate("expand", "expand")
            pause("between")
            application.knows_old_columns = False
            time.sleep(1)
            migrate("contract", "")
        finally:
            application.stop()

    say_table(("", "s", "statements", "p50 ms", "p99 ms", "max ms", "p99, as a ratio"), [
        (f"{kind}s, {phase}", f"{took[phase]:.0f}", *_figures(application, phase, kind))
        for kind in ("write", "read") for phase in _PHASES
    ])  # fmt: skip
    logged = _logged_waits(place)
    problems = application.problems() + list(verify(url).problems)
    print(f"Longest wait for a lock that was seen: {watcher.longest_ms:.0f} ms.")
    print(f"Waits of more than {LONGEST_WAIT_MS} ms that the server logged: {logged}.")
    print(f"Statements that failed, writes that are missing, stories that came back: {len(problems)}.")
    for problem in problems[:5]:
        print(f"- {problem}")
    rate = options.rows / took["expand"]
    print(f"{rate:,.0f} stories a second during expand ({LEAST_RATE:,} are wanted).")
    idle = _p99(application.seconds("idle", "write"))
    limit = max(MOST_P99_RATIO * idle, idle + MOST_ADDED_MS / 1000)
    for phase in ("expand", "between", "contract"):
        if (p99 := _p99(application.seconds(phase, "write"))) > limit:
            print(f"The writers' p99 in {phase} is {1000 * p99:.1f} ms, and {1000 * limit:.1f} ms are wanted.")
    # How much slower it gets depends on what else the machine does; what is lost or waits does not.
    return int(bool(problems) or logged > 0 or watcher.longest_ms > LONGEST_WAIT_MS)


def _figures(application: LegacyApplication, phase: str, kind: str) -> tuple[str, ...]:
    seconds = application.seconds(phase, kind)
    milliseconds = (statistics.median(seconds), _p99(seconds), seconds[-1])
    ratio = f"{_ratio(application, phase, kind):.2f}"
    return (f"{len(seconds):,}", *(f"{1000 * value:.1f}" for value in milliseconds), ratio)


def _ratio(application: LegacyApplication, phase: str, kind: str) -> float:
    return _p99(application.seconds(phase, kind)) / _p99(application.seconds("idle", kind))


def _p99(seconds: list[float]) -> float:
    return seconds[int(len(seconds) * 0.99)]


def _logged_waits(place: BenchServer) -> int:
    """How many statements the server itself saw waiting too long, the migrator's waits for its turn aside."""
    log = (place.home / "postgres" / "log").read_text(errors="replace")
    return sum(int(waited) >= LONGEST_WAIT_MS for waited in _LOGGED_WAIT.findall(log))


if __name__ == "__main__":
    sys.exit(main())
