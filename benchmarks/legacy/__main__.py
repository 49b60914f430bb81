"""`python -m benchmarks.legacy --rows N --seed S`: a legacy database, ready to be migrated."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace

import psycopg

from benchmarks.legacy.languages import LANGUAGES
from benchmarks.legacy.load import fill_legacy
from benchmarks.legacy.plan import Extras, LegacyCounts, LegacyPlan, Nastiness, Profile, kinds
from benchmarks.legacy.supabase import prepare_supabase, url_as
from tales.infrastructure.postgres.urls import libpq_url
from tales.legacy.migrate import migrate_up

LEGACY = "014"


def main(arguments: list[str] | None = None) -> int:
    """Fill the database that the arguments name; 0 when it worked."""
    options = _parser().parse_args(arguments)
    url = options.url or os.environ.get("TALES_DATABASE_URL")
    if not url:
        print("Name a database: --url, or TALES_DATABASE_URL.", file=sys.stderr)
        return 2
    try:
        plan = _plan(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    _prepare(url, options.supabase, create=options.create)
    owner_url = url_as(url, options.supabase) if options.supabase else url
    started = time.perf_counter()
    counts = fill_legacy(owner_url, plan, _progress if sys.stderr.isatty() else None)
    _report(counts, time.perf_counter() - started)
    with psycopg.connect(libpq_url(owner_url), autocommit=True) as connection:
        connection.execute("vacuum (analyze) tales.stories, tales.children, tales.heroes")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.legacy", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, required=True, help="how many stories")
    add("--seed", type=int, default=0, help="the same seed gives the same rows (default: 0)")
    add("--url", help="the database of its owner (default: TALES_DATABASE_URL)")
    add("--create", action="store_true", help=f"migrate an empty database to {LEGACY} first")
    add("--supabase", metavar="OWNER", help="shape an empty database like Supabase's first, owned by this role (with "
        "--create; the URL is a superuser's)")  # fmt: skip
    add("--profile", type=Profile, choices=list(Profile), default=Profile.REALISTIC, help="how long texts are")
    add("--users", type=int, help="how many families (default: one for 40 stories)")
    add("--skew", type=float, default=0.6, help="how uneven stories are spread over them, from 0 to below 1")
    add("--languages", nargs="+", choices=list(LANGUAGES), default=list(LANGUAGES), metavar="CODE")
    add("--nasty", type=float, default=0.02, metavar="SHARE", help="the share of nasty rows, of all kinds together")
    add("--kind", type=_kind, action="append", default=[], metavar="KIND=SHARE", help="the share of one kind of: "
        + ", ".join(kinds()))  # fmt: skip
    add("--extras", type=Extras, nargs="*", choices=list(Extras), help="what the specification does not know "
        "(without a name: columns and dependents)")  # fmt: skip
    return parser


def _kind(text: str) -> tuple[str, float]:
    kind, separator, share = text.partition("=")
    if not separator or kind not in kinds():
        raise argparse.ArgumentTypeError(f"{text} is not KIND=SHARE with a kind of {', '.join(kinds())}")
    return kind, float(share)


def _plan(options: argparse.Namespace) -> LegacyPlan:
    """Raises: ValueError with a sentence for the user."""
    extras = options.extras
    if extras == []:
        extras = [Extras.COLUMNS, Extras.DEPENDENTS]
    return LegacyPlan(
        rows=options.rows,
        seed=options.seed,
        users=options.users,
        skew=options.skew,
        profile=options.profile,
        nastiness=replace(Nastiness.spread(options.nasty), **dict(options.kind)),
        languages=tuple(options.languages),
        extras=frozenset(extras or ()),
    )


def _prepare(url: str, supabase: str | None, *, create: bool) -> None:
    if supabase and create:
        with psycopg.connect(libpq_url(url), autocommit=True) as platform:
            prepare_supabase(platform, supabase)
    if create:
        migrate_up(url_as(url, supabase) if supabase else url, LEGACY)


def _progress(stories: int) -> None:
    print(f"\r{stories:,} stories", end="", file=sys.stderr, flush=True)


def _report(counts: LegacyCounts, seconds: float) -> None:
    rate, megabytes = counts.stories / seconds, counts.sent / 1e6
    print(f"\r{counts.stories:,} stories of {counts.users:,} users")
    print(f"{counts.children:,} children, {counts.heroes:,} heroes")
    print(f"{seconds:.1f} s, {rate:,.0f} stories/s, {megabytes:,.0f} MB at {megabytes / seconds:.1f} MB/s")
    for kind, rows in counts.kinds.items():
        print(f"  {rows:>10,} {kind}")


if __name__ == "__main__":
    sys.exit(main())
