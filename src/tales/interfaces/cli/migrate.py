"""`tales migrate`: the schema, step by step, there and back."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from tales import bootstrap
from tales.domain.errors import InvalidInput
from tales.interfaces.cli.running import FAILED, err, out
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Bring the schema up or down.")

To = Annotated[str | None, typer.Option("--to", metavar="NNN", help="The migration to stop at, such as 014.")]


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """List the migrations, and which of them the database has taken."""
    migrations = bootstrap.list_migrations(load_settings())
    if as_json:
        rows = [{"number": m.number, "name": m.name, "applied": m.applied} for m in migrations]
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("number", "name", "applied")
    for migration in migrations:
        table.add_row(migration.number, migration.name, "yes" if migration.applied else "no")
    out.print(table)


@app.command()
def up(
    to: To = None,
    orphans: Annotated[
        str | None, typer.Option(help="Stories without a user: quarantine, or assign=<user id>.")
    ] = None,
    invalid: Annotated[
        str | None, typer.Option(help="Values that the new checks refuse: null where that is allowed, or quarantine.")
    ] = None,
) -> None:
    """Bring the schema to the newest migration, or to the one given."""
    choices = {"tales.orphans": _checked_orphans(orphans), "tales.invalid": _checked_invalid(invalid)}
    stands_at = bootstrap.bring_up(load_settings(), to, {name: value for name, value in choices.items() if value})
    err.print(f"The database is at migration {stands_at}.")


@app.command()
def down(
    to: Annotated[str, typer.Option("--to", metavar="NNN", help="The migration to go back to, such as 014.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the schema back. Queued jobs go; what an older schema cannot hold is archived."""
    if not yes and sys.stdin.isatty() and not typer.confirm(f"Take the database back to migration {to}?", err=True):
        raise typer.Exit(FAILED)
    stands_at = bootstrap.take_down(load_settings(), to)
    err.print(f"The database is at migration {stands_at}.")


def _checked_orphans(value: str | None) -> str | None:
    if value is None or value == "quarantine" or value.startswith("assign="):
        return value
    raise InvalidInput("--orphans", "--orphans is neither quarantine nor assign=<user id>. Use one of the two.")


def _checked_invalid(value: str | None) -> str | None:
    if value in {None, "null", "quarantine"}:
        return value
    raise InvalidInput("--invalid", "--invalid is neither null nor quarantine. Use one of the two.")
