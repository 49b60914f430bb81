"""`tales`: the command line."""

from __future__ import annotations

import atexit
import errno
import gc
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from tales.domain.errors import TalesError
from tales.interfaces.cli.console import FAILED, INTERRUPTED, explain, fail, give_up_output
from tales.interfaces.cli.lazy import LazyCommand, LazyGroup

REMOTE = frozenset({"write", "generations", "stories", "login", "logout"})
"""The commands that a server can serve. The others are about this machine, whatever TALES_SERVER says."""

_HERE = "tales.interfaces.cli"


class _Tales(LazyGroup):
    """The commands in the order of the help. A test holds these lines against what each says of itself."""

    LAZY = (
        LazyCommand("serve", f"{_HERE}.serve:serve", "Serve the API and the pages, and write stories."),
        LazyCommand(
            "worker",
            f"{_HERE}.worker:worker",
            "Write the stories that are asked for elsewhere, with this machine's provider; stop it with Ctrl-C.",
        ),
        LazyCommand(
            "workers",
            f"{_HERE}.workers:workers",
            "List the workers: who lives, since when, for which provider, and how many attempts each has in hand.",
        ),
        LazyCommand(
            "models",
            f"{_HERE}.models:models",
            "List the models: the fallback chain, and what each is not sent because it has refused it.",
        ),
        LazyCommand(
            "write",
            f"{_HERE}.write:write",
            "Write a story, as this machine's own user: no account is needed. "
            "With --server, as whoever is signed in there.",
        ),
        LazyCommand(
            "login",
            f"{_HERE}.sign_in:login",
            "Sign in at a server: tales --server URL login ADDRESS. A script gives the password on standard input.",
        ),
        LazyCommand("logout", f"{_HERE}.sign_in:logout", "Sign out at a server, and forget its tokens."),
        LazyCommand(
            "simulate",
            f"{_HERE}.simulate:simulate",
            "Answer like OpenRouter, well or badly, as the model's name says: "
            "sim/500-500-ok, sim/hang, sim/garbage, ...",
        ),
        LazyCommand("generations", f"{_HERE}.generations:app", "Look at generations and their attempts."),
        LazyCommand("stories", f"{_HERE}.stories:app", "Look at stories."),
        LazyCommand(
            "report",
            f"{_HERE}.report:report",
            "Report how models do, what retries rescue, when calls fail, what they cost, and how prompts do.",
        ),
        LazyCommand("prompts", f"{_HERE}.prompts:app", "Write prompts, try them, and say which are in use."),
        LazyCommand("costs", f"{_HERE}.costs:app", "Learn what calls cost."),
        LazyCommand("prices", f"{_HERE}.prices:app", "Keep the price list that unknown costs are estimated by."),
        LazyCommand("budgets", f"{_HERE}.budgets:app", "Stop when so much has been spent in a day or a month."),
        LazyCommand(
            "changes",
            f"{_HERE}.changes:changes",
            "List who has changed budgets, prices, prompts and goals, and how: newest first.",
        ),
        LazyCommand(
            "rollup",
            f"{_HERE}.rollup:rollup",
            "Bring up to date what reports over long periods read: now, and not when the background comes to it.",
        ),
        LazyCommand(
            "export",
            f"{_HERE}.export:export",
            "Export generations, attempts or stories to a new file that only you may read, without anybody's words.",
        ),
        LazyCommand("users", f"{_HERE}.users:app", "Open accounts, appoint admins, export and erase."),
        LazyCommand("migrate", f"{_HERE}.migrate:app", "Bring the schema up or down."),
        LazyCommand(
            "backup",
            f"{_HERE}.backup:backup",
            "Back the database up to a new file that only you may read, and read it back.",
        ),
        LazyCommand(
            "restore",
            f"{_HERE}.backup:restore",
            "Restore a backup into a database that holds no family's rows yet, all of it or nothing.",
        ),
        LazyCommand("db", f"{_HERE}.db:app", "Reach the database."),
    )


app = typer.Typer(
    name="tales",
    cls=_Tales,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Personalised bedtime stories, with every call to a language model kept as a row.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tales {version('tales')}")
        raise typer.Exit


@app.callback()
def _tales(
    context: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Have a server do it, instead of this machine (write, generations, stories, login)."
        ),
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
    # Python ends with a search for garbage among all that was imported, which takes longer than many a command.
    atexit.register(gc.freeze)
    try:
        app()
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EDQUOT}:
            raise
        give_up_output(error)
        sys.exit(FAILED)
    except TalesError as error:
        explain(error)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
