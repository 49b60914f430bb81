"""`tales --server URL ...`: the option before the command that sends it to a server."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from tales.settings import Settings


@dataclass(frozen=True, slots=True)
class ChosenServer:
    """A server's URL as somebody wrote it, and the option or variable that they wrote it in."""

    url: str
    named_by: str


def chosen_server(context: typer.Context, settings: Settings) -> ChosenServer | None:
    """The server that the option or TALES_SERVER names; None for this machine."""
    option = context.find_root().obj
    if isinstance(option, str):
        return ChosenServer(option, "--server")
    return ChosenServer(settings.server, "TALES_SERVER") if settings.server is not None else None
