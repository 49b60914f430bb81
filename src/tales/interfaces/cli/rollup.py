"""`tales rollup`: what reports over long periods read instead of each attempt."""

from __future__ import annotations

from typing import Annotated

import typer

from tales.administration.transactions import refresh_rollups
from tales.interfaces.cli.console import err
from tales.interfaces.cli.migrate_progress import watching
from tales.interfaces.cli.running import run
from tales.settings import load_settings


def rollup(*, rebuild: Annotated[bool, typer.Option("--rebuild", help="Count all of it anew.")] = False) -> None:
    """Bring up to date what reports over long periods read: now, and not when the background comes to it.

    Without it reports are right all the same, and slower.
    """
    with watching() as report:
        work = refresh_rollups(load_settings(), lambda done: report("hours", done), rebuild=rebuild)
        until = run(work)
    sentence = (
        f"Rollups are complete until {until:%Y-%m-%d %H:%M} UTC." if until else "There is nothing to roll up yet."
    )
    err.print(sentence, markup=False, soft_wrap=True)
