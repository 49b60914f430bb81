"""`tales stories`: what was written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, TypeAlias
from uuid import UUID

import typer

from tales.administration.transactions import open_transactions
from tales.application.stories import get_any, list_all
from tales.application.stories import rate as rate_story
from tales.domain.actor import Actor
from tales.domain.generation import Json
from tales.domain.page import MAX_PAGE, PageRequest
from tales.domain.story import BEST_RATING, Rating
from tales.interfaces.cli.backend import first, open_client
from tales.interfaces.cli.console import AsJson, out
from tales.interfaces.cli.json_output import story_json
from tales.interfaces.cli.records import AnyStory
from tales.interfaces.cli.running import run
from tales.interfaces.cli.server_option import ChosenServer, chosen_server
from tales.interfaces.cli.tables import stories_table, story_details
from tales.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Look at stories.")


Owned: TypeAlias = tuple[UUID, AnyStory]
"""A story, and the user whose it is."""


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest stories."""
    settings = load_settings()
    stories = run(_list(chosen_server(context, settings), settings, limit))
    if as_json:
        typer.echo(json.dumps([_owned_json(owned) for owned in stories], indent=2))
    else:
        out.print(stories_table(story for _, story in stories))


@app.command()
def show(
    context: typer.Context,
    story_id: Annotated[UUID, typer.Argument(metavar="ID", help="The story's id.")],
    as_json: AsJson = False,
) -> None:
    """Show one story whole. A server shows the family's own."""
    settings = load_settings()
    owned = run(_get(chosen_server(context, settings), settings, story_id))
    if as_json:
        typer.echo(json.dumps(_owned_json(owned), indent=2))
    else:
        out.print(story_details(owned[1]))


@app.command()
def rate(
    context: typer.Context,
    story_id: Annotated[UUID, typer.Argument(metavar="ID", help="The story's id.")],
    rating: Annotated[int, typer.Argument(metavar="N", help=f"How much the family liked it, 1 to {BEST_RATING}.")],
) -> None:
    """Say how much the family liked a story, from 1 to 10; a rating given before is replaced."""
    settings = load_settings()
    story = run(_rate(chosen_server(context, settings), settings, story_id, Rating(rating)))
    out.print(f"{story.title}: {story.rating} of {BEST_RATING}", markup=False, soft_wrap=True)


def _owned_json(owned: Owned) -> dict[str, Json]:
    user_id, story = owned
    return story_json(story) | {"user_id": str(user_id)}


async def _list(server: ChosenServer | None, settings: Settings, limit: int) -> Sequence[Owned]:
    """What the server keeps for the family; without one, what this machine's database keeps of all families."""
    if server is None:
        async with open_transactions(settings) as transactions:
            return [(found.user_id, found) for found in (await list_all(transactions, PageRequest(limit))).items]
    async with open_client(server, settings) as tales:
        user_id = (await tales.me()).id
        return [(user_id, story) for story in await first(tales.stories.list(page_size=limit), limit)]


async def _rate(server: ChosenServer | None, settings: Settings, story_id: UUID, rating: Rating) -> AnyStory:
    """A server rates the family's own; without one, it is a story of this machine's database."""
    if server is None:
        async with open_transactions(settings) as transactions:
            owner = Actor((await get_any(transactions, story_id)).user_id)
            return await rate_story(transactions, owner, story_id, rating)
    async with open_client(server, settings) as tales:
        return await tales.stories.rate(story_id, rating.value)


async def _get(server: ChosenServer | None, settings: Settings, story_id: UUID) -> Owned:
    if server is None:
        async with open_transactions(settings) as transactions:
            story = await get_any(transactions, story_id)
            return story.user_id, story
    async with open_client(server, settings) as tales:
        return (await tales.me()).id, await tales.stories.get(story_id)
