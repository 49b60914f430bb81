"""`tales`: the command line."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from tales.client import ClientError, NotSignedIn
from tales.domain.errors import TalesError
from tales.interfaces.cli.db import app as db
from tales.interfaces.cli.generations import app as generations
from tales.interfaces.cli.migrate import app as migrate
from tales.interfaces.cli.running import FAILED, INTERRUPTED, err, explain, fail
from tales.interfaces.cli.serve import serve
from tales.interfaces.cli.server_option import REMOTE
from tales.interfaces.cli.sign_in import login, logout
from tales.interfaces.cli.simulate import simulate
from tales.interfaces.cli.users import app as users
from tales.interfaces.cli.worker import worker, workers
from tales.interfaces.cli.write import write

app = typer.Typer(
    name="tales",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Personalised bedtime stories, with every call to a language model kept as a row.",
)
app.command("serve")(serve)
app.command("worker")(worker)
app.command("workers")(workers)
app.command("write")(write)
app.command("login")(login)
app.command("logout")(logout)
app.command("simulate")(simulate)
app.add_typer(generations, name="generations")
app.add_typer(users, name="users")
app.add_typer(migrate, name="migrate")
app.add_typer(db, name="db")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tales {version('tales')}")
        raise typer.Exit


@app.callback()
def _tales(
    context: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Have a server do it, instead of this machine (write, generations, login)."),
    ] = None,
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    if server is not None and context.invoked_subcommand not in REMOTE:
        raise fail(f"tales {context.invoked_subcommand} is about this machine. Leave --server out.")
    context.obj = server


def main() -> None:
    """The entry point. Leaves with 0 only when it worked."""
    try:
        app()
    except (TalesError, ClientError) as error:
        explain(error)
        if isinstance(error, NotSignedIn):
            err.print("Sign in with: tales --server URL login ADDRESS", markup=False, soft_wrap=True)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
