"""What a command says on the terminal: its output, and errors as one clear sentence."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape

from tales.domain.errors import TalesError

FAILED = 1
INTERRUPTED = 130

# Rich takes 80 columns where there is no terminal, and would cut ids short.
_PIPE_WIDTH = 160

out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(highlight=False, stderr=True, width=None if sys.stderr.isatty() else _PIPE_WIDTH)


def explain(error: TalesError) -> None:
    """One sentence on standard error; never a traceback, which could quote a family's words."""
    err.print(f"[red]Error:[/red] {escape(error.message)}", soft_wrap=True)


def fail(sentence: str) -> typer.Exit:
    """The end of a command that did not work: raise it."""
    err.print(f"[red]Error:[/red] {escape(sentence)}", soft_wrap=True)
    return typer.Exit(FAILED)
