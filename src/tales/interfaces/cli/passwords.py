"""A password, from whoever types or from a script."""

from __future__ import annotations

import sys

import typer


def ask_password(*, is_new: bool = False) -> str:
    """The password: asked for without showing it, a new one twice; without a terminal, standard input's first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=is_new, err=True)
    return password
