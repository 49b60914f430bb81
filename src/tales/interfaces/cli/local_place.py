"""Stories that this machine writes, for its own user."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from tales.administration import start_logging
from tales.application.request_generation import GenerationRequest
from tales.bootstrap import App, running_app
from tales.domain.actor import Actor
from tales.domain.errors import Conflict
from tales.domain.family import Child, Hero, NewChild, NewHero
from tales.domain.generation import Generation
from tales.domain.page import every
from tales.domain.story import Story
from tales.interfaces.cli.live_text import follow
from tales.interfaces.cli.places import Show
from tales.settings import Settings


@dataclass(frozen=True, slots=True)
class LocalWriter:
    """See `tales.interfaces.cli.places.Writer`."""

    app: App
    actor: Actor

    async def list_children(self) -> Sequence[Child]:
        children = self.app.services.children
        return [child async for child in every(lambda page: children.list(self.actor, page))]

    async def add_child(self, new: NewChild) -> Child:
        return await self.app.services.children.add(self.actor, new)

    async def list_heroes(self) -> Sequence[Hero]:
        heroes = self.app.services.heroes
        return [hero async for hero in every(lambda page: heroes.list(self.actor, page))]

    async def add_hero(self, new: NewHero) -> Hero:
        return await self.app.services.heroes.add(self.actor, new)

    async def request(self, wish: GenerationRequest) -> Generation:
        return await self.app.services.request_generation(self.actor, wish)

    async def follow(self, generation: Generation, show: Show | None) -> Generation:
        return await follow(self.app.services, self.actor, generation, show)

    async def cancel(self, generation_id: UUID) -> None:
        with suppress(Conflict):
            await self.app.services.cancel_generation(self.actor, generation_id)

    async def get_story(self, story_id: UUID) -> Story:
        return await self.app.services.read_stories.get(self.actor, story_id)


@asynccontextmanager
async def local_writer(settings: Settings) -> AsyncIterator[LocalWriter]:
    """This process, as a worker for its own user."""
    start_logging("error")
    # It makes the calls of its own story, and no others. If it dies, a server takes over.
    async with running_app(settings, with_worker=True, own_only=True) as app:
        yield LocalWriter(app, await app.services.sign_in.local_user())
