"""`tales login` and `tales logout`: who this machine is at a server."""

from __future__ import annotations

from typing import Annotated

import typer

from tales.client import AsyncTales
from tales.interfaces.cli.console import err, fail
from tales.interfaces.cli.passwords import ask_password
from tales.interfaces.cli.reaching import checked_address, client_errors
from tales.interfaces.cli.running import run
from tales.interfaces.cli.server_option import ChosenServer, chosen_server
from tales.interfaces.cli.token_store import KeptTokens
from tales.settings import Settings, load_settings


def login(
    context: typer.Context, address: Annotated[str, typer.Argument(help="The e-mail address of the account.")]
) -> None:
    """Sign in at a server: tales --server URL login ADDRESS. A script gives the password on standard input."""
    settings = load_settings()
    server = checked_address(_server(context, settings))
    with client_errors():
        run(_login(settings, server, address, ask_password()))
    err.print(f"Signed in at {server}.", markup=False, soft_wrap=True)


def logout(context: typer.Context) -> None:
    """Sign out at a server, and forget its tokens."""
    settings = load_settings()
    server = checked_address(_server(context, settings))
    with client_errors():
        run(_logout(settings, server))
    err.print(f"Signed out at {server}.", markup=False, soft_wrap=True)


async def _login(settings: Settings, server: str, address: str, password: str) -> None:
    async with AsyncTales(server, tokens=KeptTokens(settings.home, server)) as tales:
        await tales.sign_in(address, password)


async def _logout(settings: Settings, server: str) -> None:
    async with AsyncTales(server, tokens=KeptTokens(settings.home, server)) as tales:
        await tales.sign_out()


def _server(context: typer.Context, settings: Settings) -> ChosenServer:
    server = chosen_server(context, settings)
    if server is None:
        raise fail(f"--server is missing. Say where: tales --server URL {context.info_name}")
    return server
