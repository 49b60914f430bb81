"""`python -m benchmarks.history`: a year of attempts in a migrated database."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from datetime import date

from benchmarks.history import HistoryPlan, fill_history
from benchmarks.history.plan import DAYS


def main() -> None:
    """Fill the database at --url, its superuser's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--url", required=True, help="a superuser's URL of a database with all migrations")
    parser.add_argument("--attempts", type=int, default=100_000, help="about how many (100000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another history (1)")
    parser.add_argument("--until", type=date.fromisoformat, default=date(2026, 11, 1), help="the day after the year")
    parser.add_argument("--days", type=int, default=DAYS, help=f"write the last days of the year alone ({DAYS})")
    parser.add_argument("--users", type=int, help="how many families (one to each 40 attempts)")
    parser.add_argument("--texts", type=float, default=0.2, help="length of prompts and stories; 1 is real (0.2)")
    chosen = vars(parser.parse_args())
    begun = time.perf_counter()
    counts = fill_history(chosen.pop("url"), HistoryPlan(**chosen))
    print(", ".join(f"{name}: {count:,}" for name, count in asdict(counts).items()))
    print(f"{counts.attempts / (time.perf_counter() - begun):,.0f} attempts a second")


if __name__ == "__main__":
    main()
