"""`tales workers`: who writes stories."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import typer
from rich.box import SIMPLE
from rich.table import Table

from tales.administration.transactions import list_workers
from tales.domain.repositories.attempt_queue import WorkerState
from tales.interfaces.cli.console import AsJson, out
from tales.interfaces.cli.running import run
from tales.interfaces.json_values import time_json
from tales.settings import load_settings


def workers(as_json: AsJson = False) -> None:
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
        "started_at": time_json(state.started_at),
        "heartbeat_at": time_json(state.heartbeat_at),
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
