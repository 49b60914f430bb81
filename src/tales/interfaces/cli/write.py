"""`tales write`: a story in the terminal as it is written, then its attempts."""

from __future__ import annotations

import json
import sys
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Annotated
from uuid import UUID

import typer

from tales.administration.providers import chosen_provider
from tales.client import AsyncTales, Conflict, Generation, Story
from tales.domain.story_spec import DEFAULT_LANGUAGE, StoryType
from tales.interfaces.cli.backend import open_client
from tales.interfaces.cli.characters import Characters
from tales.interfaces.cli.console import err, fail, out
from tales.interfaces.cli.json_output import generation_json, story_json
from tales.interfaces.cli.live_text import Watcher, follow, reason_of, watching
from tales.interfaces.cli.running import run
from tales.interfaces.cli.server_option import chosen_server
from tales.interfaces.cli.tables import attempts_table, story_text
from tales.settings import load_settings


def write(  # noqa: PLR0913, PLR0917 -- a command has as many options as its user has wishes
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The child's name.")] = None,
    age: Annotated[int | None, typer.Option(help="The child's age in years.")] = None,
    likes: Annotated[list[str] | None, typer.Option(help="What the child likes; may be given again.")] = None,
    gender: Annotated[str | None, typer.Option(help="The child's gender.")] = None,
    moral: Annotated[str, typer.Option(help="What the story teaches.")] = "kindness",
    minutes: Annotated[int | None, typer.Option(help="How long it takes to read aloud.")] = None,
    story_type: Annotated[StoryType | None, typer.Option("--type", help="Who the story is about.")] = None,
    hero: Annotated[str | None, typer.Option(help="The hero's name.")] = None,
    appearance: Annotated[str | None, typer.Option(help="What the hero looks like.")] = None,
    relationship: Annotated[str | None, typer.Option(help="How child and hero know each other.")] = None,
    language: Annotated[str, typer.Option(help="Such as en, de, fr, es.")] = DEFAULT_LANGUAGE,
    model: Annotated[str | None, typer.Option(help="The model to ask, instead of TALES_MODELS.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For machines: the story and its attempts at the end.")
    ] = False,
) -> None:
    """Write a story, as this machine's own user: no account is needed. With --server, as whoever is signed in there."""
    settings = load_settings()
    server = chosen_server(context, settings)
    if model is not None:
        settings = settings.model_copy(update={"models": (model,)})
    if server is None:
        # Before anything is started: can this machine's models write this?
        chosen_provider(settings).abilities.check(language, minutes)
    characters = Characters(
        story_type=story_type or Characters.type_of(name, hero),
        name=name,
        age=age,
        likes=tuple(likes or ()),
        gender=gender,
        hero=hero,
        appearance=appearance,
    )

    async def ask(tales: AsyncTales) -> Generation:
        child, chosen = await characters.find_child(tales), await characters.find_hero(tales)
        return await tales.generations.create(
            story_type=characters.story_type,
            moral=moral,
            child_id=child.id if child else None,
            hero_id=chosen.id if chosen else None,
            relationship_description=relationship,
            story_length=minutes,
            language=language,
            model=model if server else None,
        )

    with watching(as_json=as_json) as watcher:
        user_id, generation, story = run(_write(open_client(server, settings), ask, watcher))
    if as_json:
        shown = {
            "story": story_json(story) if story else None,
            "generation": generation_json(generation, user_id, whole=False),
        }
        typer.echo(json.dumps(shown, indent=2))
    else:
        if story is not None and sys.stdout.isatty():
            out.print(story_text(story.title, story.content), "")
        elif story is not None:
            typer.echo(f"{story.title}\n\n{story.content}\n")
        err.print(attempts_table(generation))
    if story is None:
        raise fail(_why(generation))


async def _write(
    backend: AbstractAsyncContextManager[AsyncTales],
    ask: Callable[[AsyncTales], Awaitable[Generation]],
    watcher: Watcher,
) -> tuple[UUID, Generation, Story | None]:
    async with backend as tales:
        user_id = (await tales.me()).id
        generation = await ask(tales)
        try:
            generation = await follow(tales, generation.generation_id, watcher)
        except CancelledError:
            # Ctrl-C: the family no longer wants it.
            with suppress(Conflict):
                await tales.generations.cancel(generation.generation_id)
            raise
        story = await tales.stories.get(generation.story_id) if generation.story_id else None
    return user_id, generation, story


def _why(generation: Generation) -> str:
    """Why there is no story, in a sentence, and where to look."""
    count = len(generation.attempts)
    tried = "the only attempt" if count == 1 else f"all {count} attempts"
    return (
        f"No story was written: {tried} failed. The last one: {reason_of(generation)} "
        f"See more with: tales generations show {generation.generation_id}"
    )
