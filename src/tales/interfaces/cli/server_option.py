"""`tales --server URL ...`: the option before the command that sends it to a server."""

from __future__ import annotations

import typer

from tales.client import checked_server
from tales.domain.errors import InvalidInput
from tales.settings import Settings

REMOTE = frozenset({"write", "generations", "login", "logout"})
"""The commands that a server can serve. The others are about this machine, whatever TALES_SERVER says."""


def chosen_server(context: typer.Context, settings: Settings) -> str | None:
    """The server that the option or TALES_SERVER names; None for this machine. Raises: InvalidInput."""
    said = context.find_root().obj
    name, server = ("--server", said) if isinstance(said, str) else ("TALES_SERVER", settings.server)
    if server is None:
        return None
    try:
        return checked_server(server)
    except ValueError as error:
        raise InvalidInput(name, f"{name} cannot be used: {error}") from None
