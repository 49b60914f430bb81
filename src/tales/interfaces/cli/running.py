"""How a command runs: the event loop, and errors as one clear sentence."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer
import uvloop
from rich.console import Console
from rich.markup import escape

from tales.domain.errors import TalesError

FAILED = 1
INTERRUPTED = 130
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

T = TypeVar("T")

# Rich takes 80 columns where there is no terminal, and would cut ids short.
_PIPE_WIDTH = 160

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(highlight=False, stderr=True, width=None if sys.stderr.isatty() else _PIPE_WIDTH)


def run(work: Coroutine[object, object, T]) -> T:
    """Run `work` to its end on a fast event loop, and give back its result. What ends a service cancels it."""
    try:
        return uvloop.run(_cancelled_by_signals(work))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _cancelled_by_signals(work: Coroutine[object, object, T]) -> T:
    task = asyncio.current_task()
    assert task is not None  # it is this very one
    with stop_signals(task.cancel):
        return await work


@contextmanager
def stop_signals(stop: Callable[[], object]) -> Iterator[None]:
    """Call `stop` for what ends a service: Ctrl-C, an operator's SIGTERM, and a terminal that was closed."""
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def allow_many_files() -> None:
    """Let this process have as many open files as it may: each call, and each client, is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def explain(error: TalesError) -> None:
    """One sentence on standard error; never a traceback, which could quote a family's words."""
    err.print(f"[red]Error:[/red] {escape(error.message)}", soft_wrap=True)


def fail(sentence: str) -> typer.Exit:
    """The end of a command that did not work: raise it."""
    err.print(f"[red]Error:[/red] {escape(sentence)}", soft_wrap=True)
    return typer.Exit(FAILED)
