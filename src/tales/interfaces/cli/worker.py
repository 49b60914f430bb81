"""`tales worker` writes stories beside a server; `tales workers` shows who does."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from tales.bootstrap import list_workers, open_house, start_logging
from tales.domain.repositories.attempt_queue import WorkerState
from tales.interfaces.cli.console import err, out
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
        async with open_house(settings, works=True) as house:
            assert house.worker is not None  # it was asked for
            writer = f"{house.choice.models[0]} ({house.choice.name})"
            many = f"{house.worker.concurrency} at a time"
            err.print(f"Worker {house.worker.id} writes with {writer}, {many}. Stop it with Ctrl-C.", soft_wrap=True)
            await stop.wait()


def workers(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the workers: who lives, since when, for which provider, and how many attempts each has in hand."""
    found = run(list_workers(load_settings()))
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([_worker_json(state, now) for state in found], indent=2))
    else:
        out.print(_workers_table(found, now))


def _worker_json(state: WorkerState, now: datetime) -> dict[str, object]:
    return {
        "id": str(state.worker.id),
        "queue": state.worker.queue,
        "host": state.worker.host,
        "process_id": state.worker.process_id,
        "concurrency": state.worker.concurrency,
        "started_at": state.started_at.isoformat(),
        "heartbeat_at": state.heartbeat_at.isoformat(),
        "in_hand": state.in_hand,
        "alive": state.is_alive(now),
    }


def _workers_table(found: tuple[WorkerState, ...], now: datetime) -> Table:
    table = Table("worker", "provider", "host", "process", "since", "heartbeat", "in hand", "alive", box=SIMPLE)
    for state in found:
        table.add_row(
            str(state.worker.id),
            state.worker.queue,
            state.worker.host,
            str(state.worker.process_id),
            f"{state.started_at:%Y-%m-%d %H:%M:%S}",
            f"{(now - state.heartbeat_at).total_seconds():.0f} s ago",
            f"{state.in_hand} of {state.worker.concurrency}",
            "yes" if state.is_alive(now) else "no",
        )
    return table
