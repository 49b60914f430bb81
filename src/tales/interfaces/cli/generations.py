"""`tales generations`: what was asked of the models, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, TypeAlias
from uuid import UUID

import typer

from tales.administration import open_transactions
from tales.application.generations import get_whole, list_all
from tales.domain.page import MAX_PAGE, PageRequest
from tales.interfaces.cli.backend import first, open_client
from tales.interfaces.cli.console import out
from tales.interfaces.cli.json_output import generation_json
from tales.interfaces.cli.records import AnyGeneration
from tales.interfaces.cli.running import run
from tales.interfaces.cli.server_option import ChosenServer, chosen_server
from tales.interfaces.cli.tables import attempt_details, attempts_table, generations_table
from tales.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Look at generations and their attempts.")

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]

Owned: TypeAlias = tuple[UUID, AnyGeneration]
"""A generation, and the user whose it is."""


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest generations."""
    settings = load_settings()
    generations = run(_list(chosen_server(context, settings), settings, limit))
    if as_json:
        typer.echo(json.dumps([generation_json(g, user_id, whole=False) for user_id, g in generations], indent=2))
    else:
        out.print(generations_table(generation for _, generation in generations))


@app.command()
def show(
    context: typer.Context,
    generation_id: Annotated[UUID, typer.Argument(metavar="ID", help="The generation's id.")],
    as_json: AsJson = False,
) -> None:
    """Show one generation whole: each attempt with its prompt, complete response, tokens and times.

    A server shows the family's own generations, without prompts and responses.
    """
    settings = load_settings()
    user_id, generation = run(_get(chosen_server(context, settings), settings, generation_id))
    if as_json:
        typer.echo(json.dumps(generation_json(generation, user_id, whole=True), indent=2))
        return
    out.print(attempts_table(generation))
    for attempt in generation.attempts:
        out.print(attempt_details(attempt))
    out.print(f"story: {generation.story_id or 'none'}")


async def _list(server: ChosenServer | None, settings: Settings, limit: int) -> Sequence[Owned]:
    """What the server keeps for the family; without one, what this machine's database keeps of all families."""
    if server is None:
        async with open_transactions(settings) as transactions:
            return [(found.user_id, found) for found in (await list_all(transactions, PageRequest(limit))).items]
    async with open_client(server, settings) as tales:
        user_id = (await tales.me()).id
        return [(user_id, generation) for generation in await first(tales.generations.list(page_size=limit), limit)]


async def _get(server: ChosenServer | None, settings: Settings, generation_id: UUID) -> Owned:
    if server is None:
        async with open_transactions(settings) as transactions:
            whole = await get_whole(transactions, generation_id)
            return whole.user_id, whole
    async with open_client(server, settings) as tales:
        return (await tales.me()).id, await tales.generations.get(generation_id)
