"""`tales worker` writes stories beside a server."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from tales.bootstrap import running_app, start_logging
from tales.interfaces.cli.console import err
from tales.interfaces.cli.garbage import garbage_at_quiet_moments
from tales.interfaces.cli.metrics_port import metrics_served
from tales.interfaces.cli.running import allow_many_files, run, stop_signals
from tales.settings import Settings, load_settings


def worker(
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Calls at a time, instead of TALES_CONCURRENCY.")
    ] = None,
) -> None:
    """Write the stories that are asked for elsewhere, with this machine's provider; stop it with Ctrl-C."""
    settings = load_settings()
    if concurrency is not None:
        settings = settings.model_copy(update={"concurrency": concurrency})
    start_logging(settings.log_level)
    allow_many_files()
    run(_work(settings))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    with stop_signals(stop.set):
        async with (
            running_app(settings, with_worker=True) as app,
            metrics_served(settings, app),
            garbage_at_quiet_moments(),
        ):
            assert app.worker is not None  # it was asked for
            writer = f"{app.choice.models[0]} ({app.choice.name})"
            many = f"{app.worker.concurrency} at a time"
            err.print(f"Worker {app.worker.id} writes with {writer}, {many}. Stop it with Ctrl-C.", soft_wrap=True)
            await stop.wait()
