"""A migrator as a process of its own, which is killed at some moment by SIGKILL."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]

# Small batches, so that there are many moments; a line for each.
_MIGRATOR = """
import sys
from tales.domain.errors import TalesError
from tales.legacy.migrate import MigrationOptions, migrate_down, migrate_up
from tales.legacy.pace import Pace

def report(step, moved):
    print(step, moved, flush=True)

_, url, direction, rate = sys.argv
choices = {"tales.orphans": "quarantine", "tales.invalid": "quarantine"}
try:
    print("begin", flush=True)
    if direction == "up":
        pace = Pace(batch_seconds=0.02, max_rate=float(rate), rows=50)
        migrate_up(url, options=MigrationOptions(choices, pace=pace, report=report))
    else:
        migrate_down(url, "014")
except TalesError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""
_AT_A_STEP = 0.4
"""The share of kills right after a step has begun: most steps are too short to be hit by chance."""


def start_migrator(url: str, direction: str = "up", *, max_rate: int = 4000) -> subprocess.Popen[str]:
    """Begin a migration of the database at `url` to the newest revision ("up") or to 014 ("down")."""
    return subprocess.Popen(
        [sys.executable, "-c", _MIGRATOR, url, direction, str(max_rate)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_a_moment(process: subprocess.Popen[str], rng: Random, longest: float) -> str:
    """Wait until a random moment of the migration, up to `longest` seconds after its begin; the step that it was in."""
    assert process.stdout is not None
    step = process.stdout.readline().partition(" ")[0].strip()
    if rng.random() < _AT_A_STEP:
        wanted = rng.randint(1, 6)
        for line in process.stdout:
            name, _, moved = line.strip().partition(" ")
            step, wanted = name, wanted - (moved == "0")
            if not wanted:
                time.sleep(rng.uniform(0, 0.01))
                break
    else:
        time.sleep(rng.uniform(0, longest))
    return step


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a process; its exit status, what it said of its failure, and the step that it has begun since."""
    progress, said = process.communicate(timeout=120)
    return process.returncode, said, ["", *progress.split("\n")][-2].partition(" ")[0]


def kill(process: subprocess.Popen[str]) -> tuple[bool, str]:
    """Kill it: False when it had ended before; and the step that it has begun since."""
    process.kill()
    status, _, step = end(process)
    return status < 0, step
