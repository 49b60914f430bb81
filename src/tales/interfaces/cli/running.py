"""How a command runs on its event loop, and how it is stopped."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

import uvloop

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

T = TypeVar("T")


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
    """Call `stop` for what ends a service: Ctrl-C, an operator's SIGTERM, and a terminal that was closed.

    What is ignored stays so: `nohup` starts a service that outlives its terminal, and a script's `&` one that a Ctrl-C
    meant for the script does not end.
    """
    loop = asyncio.get_running_loop()
    heeded = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heeded:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in heeded:
            loop.remove_signal_handler(number)


def allow_many_files() -> None:
    """Let this process have as many open files as it may: each call, and each client, is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_files_allowed() -> int:
    """How many open files this process may have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
