"""`tales generations`: what was asked of the models, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated
from uuid import UUID

import typer

from tales.domain.generation import Generation
from tales.domain.page import MAX_PAGE
from tales.interfaces.cli.console import out
from tales.interfaces.cli.json_output import generation_json
from tales.interfaces.cli.open_place import open_records
from tales.interfaces.cli.places import Records
from tales.interfaces.cli.running import run
from tales.interfaces.cli.server_option import chosen_server
from tales.interfaces.cli.tables import attempt_details, attempts_table, generations_table
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Look at generations and their attempts.")

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest generations."""
    generations = run(_list(_place(context), limit))
    if as_json:
        typer.echo(json.dumps([generation_json(g, whole=False) for g in generations], indent=2))
    else:
        out.print(generations_table(generations))


@app.command()
def show(
    context: typer.Context,
    generation_id: Annotated[UUID, typer.Argument(metavar="ID", help="The generation's id.")],
    as_json: AsJson = False,
) -> None:
    """Show one generation whole: each attempt with its prompt, complete response, tokens and times.

    A server shows the family's own generations, without prompts and responses.
    """
    generation = run(_show(_place(context), generation_id))
    if as_json:
        typer.echo(json.dumps(generation_json(generation, whole=True), indent=2))
        return
    out.print(attempts_table(generation))
    for attempt in generation.attempts:
        out.print(attempt_details(attempt))
    out.print(f"story: {generation.story_id or 'none'}")


def _place(context: typer.Context) -> AbstractAsyncContextManager[Records]:
    settings = load_settings()
    return open_records(chosen_server(context, settings), settings)


async def _list(place: AbstractAsyncContextManager[Records], limit: int) -> Sequence[Generation]:
    async with place as records:
        return await records.list_generations(limit)


async def _show(place: AbstractAsyncContextManager[Records], generation_id: UUID) -> Generation:
    async with place as records:
        return await records.get_generation(generation_id)
