"""`tales migrate`: the schema, step by step, there and back."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tales.administration import migrations
from tales.domain.errors import InvalidInput
from tales.interfaces.cli.console import FAILED, AsJson, err, fail, out
from tales.interfaces.cli.migrate_check import check, stops_at_expand
from tales.interfaces.cli.migrate_progress import watching
from tales.legacy.report import CheckOptions
from tales.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Bring the schema up or down.")
app.command()(check)

_ANNOUNCEMENT = (
    "This goes past the point from which an application of before generations no longer works: the columns that it "
    "reads and writes are dropped. Stop before it with --until expand."
)

To = Annotated[str | None, typer.Option("--to", metavar="NNN", help="The migration to stop at, such as 014.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """List the migrations, and which of them the database has taken."""
    listed = migrations.status(load_settings())
    if as_json:
        rows = [{"number": m.number, "name": m.name, "applied": m.applied} for m in listed]
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("number", "name", "applied")
    for migration in listed:
        table.add_row(migration.number, migration.name, "yes" if migration.applied else "no")
    out.print(table)


@app.command()
def up(  # noqa: PLR0913, PLR0917 -- as many options as an operator has choices
    to: To = None,
    until: Annotated[
        str | None, typer.Option(help="expand: stop while the old and the new application both work.")
    ] = None,
    orphans: Annotated[
        str | None, typer.Option(help="Stories without a user: quarantine, or assign=<user id>.")
    ] = None,
    invalid: Annotated[
        str | None, typer.Option(help="Values that the new checks refuse: null where that is allowed, or quarantine.")
    ] = None,
    max_rate: Annotated[float | None, typer.Option(min=1, help="Stories a second, at most.")] = None,
    yes: Yes = False,
) -> None:
    """Bring the schema to the newest migration, or to the one given; others may go on using the database.

    Killed or failed, it goes on where it stopped when it is run again.
    """
    until_expand = stops_at_expand(until)
    # As `check` judges them.
    chosen = CheckOptions(orphans=orphans, invalid=invalid)
    choices = {"tales.orphans": chosen.orphans, "tales.invalid": chosen.invalid}
    settings = load_settings()
    if not until_expand:
        _ask(settings, to, yes=yes)
    if found := migrations.open_schema(settings):
        _warn(f"{found.sentence} {found.statement}")
    made = {name: value for name, value in choices.items() if value}
    with watching() as report:
        options = migrations.options(made, report, until_expand=until_expand, consents=yes, max_rate=max_rate)
        stands_at = migrations.up(settings, to, options)
    err.print(f"The database is at migration {stands_at}.")


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Compare every story with the attempt that wrote it; exits with 1 when something is not as it should be."""
    found = migrations.verify(load_settings())
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    else:
        table = Table(show_header=False)
        for name, value in found.as_dict().items():
            table.add_row(name.replace("_", " "), str(value))
        out.print(table)
    if found.problems:
        raise fail(" ".join(found.problems))


@app.command()
def down(
    to: Annotated[str, typer.Option("--to", metavar="NNN", help="The migration to go back to, such as 014.")],
    archive: Annotated[
        str | None, typer.Option(metavar="table|FILE.parquet", help="Where to keep what the legacy table cannot hold.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Take the schema back. Queued jobs go; what the legacy table cannot hold is kept in an archive."""
    if not yes and sys.stdin.isatty() and not typer.confirm(f"Take the database back to migration {to}?", err=True):
        raise typer.Exit(FAILED)
    stands_at, warnings = migrations.down(load_settings(), to, _checked_archive(archive))
    for warning in warnings:
        _warn(warning)
    err.print(f"The database is at migration {stands_at}.")


@app.command()
def finish(yes: Yes = False) -> None:
    """Give up the way down, and drop what it needed. Stories that were set aside stay."""
    if not yes:
        if not sys.stdin.isatty():
            raise fail("`tales migrate down` cannot give back what stories held before then. Say --yes to go on.")
        if not typer.confirm("Give up the way down for ever?", err=True):
            raise typer.Exit(FAILED)
    for sentence in migrations.finish(load_settings()):
        err.print(sentence, soft_wrap=True)


def _warn(sentence: str) -> None:
    err.print(f"[yellow]Warning:[/yellow] {escape(sentence)}", soft_wrap=True)


def _ask(settings: Settings, to: str | None, *, yes: bool) -> None:
    """Announce the point of no return, and go on only with consent."""
    if yes or not migrations.ends_the_old_application(settings, to):
        return
    err.print(_ANNOUNCEMENT, soft_wrap=True)
    if not sys.stdin.isatty():
        raise fail("Say --yes to go on, or --until expand to stop before it.")
    if not typer.confirm("Go on?", err=True):
        raise typer.Exit(FAILED)


def _checked_archive(value: str | None) -> str | None:
    if value is None or value == "table" or value.endswith(".parquet"):
        return value
    raise InvalidInput("--archive", "--archive is neither table nor a file that ends in .parquet. Use one of the two.")
