"""`tales db`: the database, for its owner."""

from __future__ import annotations

import os
import subprocess

import typer

from tales.administration import database
from tales.interfaces.cli.console import err
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Reach the database.")


@app.command()
def url() -> None:
    """Print the owner's URL, for administration. With a password in it, use `tales db psql`: arguments are public."""
    # Plain, on one line whatever the terminal's width: scripts read it.
    typer.echo(database.owner_url(load_settings()))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql as the owner; further arguments are psql's own."""
    command, secret = database.psql_command(load_settings())
    done = subprocess.run([*command, *context.args], env=os.environ | secret, check=False)  # noqa: S603 -- the operator's own arguments
    raise typer.Exit(done.returncode)


@app.command()
def stop() -> None:
    """Stop the embedded server. The next command that needs it starts it again."""
    stopped = database.stop_database(load_settings())
    err.print("The embedded database is stopped." if stopped else "The embedded database was not running.")
