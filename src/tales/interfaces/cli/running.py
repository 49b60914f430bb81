"""How a command runs: the event loop, and errors as one clear sentence."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import TypeVar

import typer
from rich.console import Console

from tales.domain.errors import TalesError

FAILED = 1
INTERRUPTED = 130

T = TypeVar("T")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def run(work: Coroutine[object, object, T]) -> T:
    """Run `work` to its end on a fast event loop, and give back its result."""
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415 -- not made for Windows

    return uvloop.run(work)


def explain(error: TalesError) -> None:
    """One sentence on standard error; never a traceback, which could quote a family's words."""
    err.print(f"[red]Error:[/red] {escape_markup(error.message)}", soft_wrap=True)


def escape_markup(text: str) -> str:
    """`text` as it is, whatever brackets it holds."""
    from rich.markup import escape  # noqa: PLC0415 -- small, and used by few

    return escape(text)


def fail(sentence: str) -> typer.Exit:
    """The end of a command that did not work: raise it."""
    err.print(f"[red]Error:[/red] {escape_markup(sentence)}", soft_wrap=True)
    return typer.Exit(FAILED)
