"""`tales generations`: what was asked of the models, and what came of it."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import UUID

import typer

from tales.bootstrap import open_house
from tales.domain.generation import Generation
from tales.domain.page import MAX_PAGE, PageRequest
from tales.interfaces.cli.running import out, run
from tales.interfaces.cli.shapes import generation_json
from tales.interfaces.cli.tables import attempt_details, attempts_table, generations_table
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Look at generations and their attempts.")

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest generations."""
    generations = run(_list(limit))
    if as_json:
        typer.echo(json.dumps([generation_json(g, whole=False) for g in generations], indent=2))
    else:
        out.print(generations_table(generations))


@app.command()
def show(
    generation_id: Annotated[UUID, typer.Argument(metavar="ID", help="The generation's id.")], as_json: AsJson = False
) -> None:
    """Show one generation whole: each attempt with its prompt, complete response, tokens and times."""
    generation = run(_show(generation_id))
    if as_json:
        typer.echo(json.dumps(generation_json(generation, whole=True), indent=2))
        return
    out.print(attempts_table(generation))
    for attempt in generation.attempts:
        out.print(attempt_details(attempt))
    out.print(f"story: {generation.story_id or 'none'}")


async def _list(limit: int) -> tuple[Generation, ...]:
    async with open_house(load_settings(), works=False) as house:
        page = await house.services.inspect_generations.list(PageRequest(limit))
    return page.items


async def _show(generation_id: UUID) -> Generation:
    async with open_house(load_settings(), works=False) as house:
        return await house.services.inspect_generations.get(generation_id)
