"""What a command says on the terminal: its output, for people or for machines, and errors as one clear sentence."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.markup import escape

from tales.domain.errors import TalesError

FAILED = 1
INTERRUPTED = 130

TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
"""Of options that take a time."""

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]

# Rich takes 80 columns where there is no terminal, and would cut ids short.
_PIPE_WIDTH = 160


def _writable(stream: TextIO | None) -> TextIO:
    """A standard stream that takes every text: a closed one takes it nowhere, and unknown letters become `?`."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream


sys.stdout, sys.stderr = _writable(sys.stdout), _writable(sys.stderr)
out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(highlight=False, stderr=True, width=None if sys.stderr.isatty() else _PIPE_WIDTH)


def explain(error: TalesError) -> None:
    """One sentence on standard error; never a traceback, which could quote a family's words."""
    err.print(f"[red]Error:[/red] {escape(error.message)}", soft_wrap=True)


def give_up_output(error: OSError) -> None:
    """What is written goes nowhere from here on: a sentence says so, but where the reader has gone by itself."""
    if not isinstance(error, BrokenPipeError):
        err.print(f"[red]Error:[/red] The output cannot be written: {error.strerror}.", soft_wrap=True)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def fail(sentence: str) -> typer.Exit:
    """The end of a command that did not work: raise it."""
    err.print(f"[red]Error:[/red] {escape(sentence)}", soft_wrap=True)
    return typer.Exit(FAILED)
