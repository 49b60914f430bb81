"""`tales generations`: what was asked of the models, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeAlias
from uuid import UUID

import typer

from tales.administration.transactions import open_transactions
from tales.application.generations import list_all, look_at
from tales.domain.errors import InvalidInput
from tales.domain.filters import CallFilter
from tales.domain.generation import Status
from tales.domain.page import MAX_PAGE, PageRequest
from tales.domain.period import parse_period
from tales.interfaces.cli.backend import first, open_client
from tales.interfaces.cli.console import TIME_FORMATS, AsJson, out
from tales.interfaces.cli.json_output import generation_json
from tales.interfaces.cli.prompt_difference import prompt_difference
from tales.interfaces.cli.records import AnyGeneration
from tales.interfaces.cli.running import run
from tales.interfaces.cli.server_option import ChosenServer, chosen_server
from tales.interfaces.cli.tables import attempt_details, attempts_table, generations_table
from tales.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Look at generations and their attempts.")


Owned: TypeAlias = tuple[UUID, AnyGeneration]
"""A generation, and the user whose it is."""

_FOR_EVERYBODY = ("status", "model", "created_after", "created_before")
"""What a family may look for among its own."""


@app.command("list")
def list_(  # noqa: PLR0913, PLR0917 -- a command has as many options as its user has wishes
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many, newest first.")] = 20,
    status: Annotated[Status | None, typer.Option(help="How the latest attempt stands.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that it asked for.")] = None,
    error_type: Annotated[str | None, typer.Option(help="Why it gave no story, such as deadline.")] = None,
    user: Annotated[UUID | None, typer.Option(metavar="ID", help="Of this user alone.")] = None,
    since: Annotated[str | None, typer.Option(metavar="PERIOD", help="How far back: 12h, 30d, 4w.")] = None,
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=TIME_FORMATS, help="At this time or later, UTC.")
    ] = None,
    to: Annotated[datetime | None, typer.Option(formats=TIME_FORMATS, help="Before this time, UTC.")] = None,
    cost_over: Annotated[float | None, typer.Option(help="It cost more than so many US dollars.")] = None,
    slower_than: Annotated[float | None, typer.Option(help="It took more than so many seconds.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the newest generations: of every family here, or, at a server, for its admins; else the family's own."""
    settings = load_settings()
    if since is not None and from_ is not None:
        raise InvalidInput("--since", "--since and --from say the same. Write one of them.")
    begins = datetime.now(UTC) - parse_period("--since", since) if since is not None else _in_utc(from_)
    which = CallFilter(
        status=status,
        model=model,
        error_type=error_type,
        user_id=user,
        created_after=begins,
        created_before=_in_utc(to),
        cost_over=None if cost_over is None else Decimal(str(cost_over)),
        slower_than=slower_than,
    )
    server = chosen_server(context, settings)
    generations = run(_list(server, settings, limit, which))
    if as_json:
        found = [generation_json(generation, user_id, whole=False) for user_id, generation in generations]
        typer.echo(json.dumps(found, indent=2))
    else:
        out.print(generations_table(generation for _, generation in generations))


@app.command()
def show(
    context: typer.Context,
    generation_id: Annotated[UUID, typer.Argument(metavar="ID", help="The generation's id.")],
    diff: Annotated[
        tuple[int, int] | None, typer.Option(metavar="N M", help="How the prompts of two attempts differ, alone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one generation whole: each attempt with its prompt, complete response, tokens and times.

    A server shows the family's own without prompts and responses, and to its admins everybody's with them. Looks at
    what families wrote are recorded: in tales.audit_log.
    """
    settings = load_settings()
    user_id, generation = run(_get(chosen_server(context, settings), settings, generation_id))
    if diff is not None:
        typer.echo(prompt_difference(generation, *diff), nl=False)
        return
    if as_json:
        typer.echo(json.dumps(generation_json(generation, user_id, whole=True), indent=2))
        return
    out.print(attempts_table(generation))
    for attempt in generation.attempts:
        out.print(attempt_details(attempt))
    out.print(f"user: {user_id}")
    out.print(f"story: {getattr(generation, 'story_id', None) or 'none'}")


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


async def _list(server: ChosenServer | None, settings: Settings, limit: int, which: CallFilter) -> Sequence[Owned]:
    """What the server keeps for the family, or of all for its admins; without one, what this machine's database has."""
    if server is None:
        async with open_transactions(settings) as transactions:
            found = await list_all(transactions, PageRequest(limit), which)
            return [(generation.user_id, generation) for generation in found.items]
    filters = {name: value for name, value in asdict(which).items() if value is not None}
    async with open_client(server, settings) as tales:
        me = await tales.me()
        if me.is_admin or not filters.keys() <= set(_FOR_EVERYBODY):
            listed = await first(tales.everybodys_generations.list(**filters, page_size=limit), limit)
            return [(generation.user_id, generation) for generation in listed]
        own = await first(tales.generations.list(**filters, page_size=limit), limit)
        return [(me.id, generation) for generation in own]


async def _get(server: ChosenServer | None, settings: Settings, generation_id: UUID) -> Owned:
    if server is None:
        async with open_transactions(settings) as transactions:
            whole = await look_at(transactions, generation_id)
            return whole.user_id, whole
    async with open_client(server, settings) as tales:
        me = await tales.me()
        if me.is_admin:
            complete = await tales.everybodys_generations.get(generation_id)
            return complete.user_id, complete
        return me.id, await tales.generations.get(generation_id)
