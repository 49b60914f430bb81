"""`tales migrate check`: what will happen, and what has no rule yet."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from tales.administration import migrations
from tales.domain.errors import InvalidInput
from tales.interfaces.cli.console import FAILED, AsJson
from tales.interfaces.cli.migrate_report import show
from tales.legacy.report import CheckOptions
from tales.settings import load_settings

_EXPAND = "expand"


def stops_at_expand(until: str | None) -> bool:
    """What `--until` says. Raises: InvalidInput."""
    if until not in {None, _EXPAND}:
        raise InvalidInput("--until", "--until is not expand. Use that, or leave it out.")
    return until is not None


def check(  # noqa: PLR0913, PLR0917 -- as many options as an operator has choices
    from_revision: Annotated[
        str | None, typer.Option("--from", metavar="NNN", help="014: do not look at the version table.")
    ] = None,
    orphans: Annotated[str | None, typer.Option(help="As `up` will be told: quarantine, or assign=<user id>.")] = None,
    invalid: Annotated[str | None, typer.Option(help="As `up` will be told: null, or quarantine.")] = None,
    until: Annotated[str | None, typer.Option(help="expand: judge only what `up --until expand` needs.")] = None,
    statement_timeout: Annotated[
        int, typer.Option(metavar="SECONDS", help="How long one statement may take; 0 for no limit.")
    ] = 600,
    no_trial: Annotated[
        bool, typer.Option("--no-trial", help="Do not try what the service writes, not even to take it back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at a legacy database before it is migrated: what will happen, and what has no rule yet.

    What the service writes is tried in a transaction that is rolled back; nothing is kept. Exits with 1 while
    something has no rule.
    """
    options = CheckOptions(
        from_revision=from_revision,
        orphans=orphans,
        invalid=invalid,
        until_expand=stops_at_expand(until),
        statement_timeout=statement_timeout,
        tries_writes=not no_trial,
    )
    report = migrations.check(load_settings(), options)
    if as_json:
        typer.echo(json.dumps(asdict(report) | {"problems": report.problems}, indent=2))
    else:
        show(report)
    if report.problems:
        raise typer.Exit(FAILED)
