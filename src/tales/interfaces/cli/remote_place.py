"""Stories that a server writes and keeps, for the family that is signed in there. No database is started here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from tales.application.request_generation import GenerationRequest
from tales.client import (
    AsyncTales,
    Child,
    Conflict,
    Delta,
    Hero,
    MemoryTokens,
    NotFound,
    Retrying,
    Tokens,
    TokenStore,
)
from tales.domain.errors import Unauthenticated
from tales.domain.family import NewChild, NewHero
from tales.domain.generation import Generation
from tales.interfaces.cli.answered import AnsweredStory, answered_generation
from tales.interfaces.cli.live_text import say_that_there_is_no_story
from tales.interfaces.cli.places import Show
from tales.interfaces.cli.reaching import reaching
from tales.interfaces.cli.server_option import ChosenServer
from tales.interfaces.cli.token_store import KeptTokens
from tales.settings import Settings


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """See `tales.interfaces.cli.places.Writer` and `Records`: what the family itself may see."""

    tales: AsyncTales
    user_id: UUID

    async def list_children(self) -> Sequence[Child]:
        return [found async for found in self.tales.children.list()]

    async def add_child(self, new: NewChild) -> Child:
        return await self.tales.children.add(new.name, new.age, interests=new.interests, gender=new.gender)

    async def list_heroes(self) -> Sequence[Hero]:
        return [found async for found in self.tales.heroes.list()]

    async def add_hero(self, new: NewHero) -> Hero:
        return await self.tales.heroes.add(new.name, appearance=new.appearance)

    async def request(self, wish: GenerationRequest) -> Generation:
        asked = await self.tales.generations.create(
            story_type=wish.story_type,
            moral=wish.moral,
            child_id=wish.child_id,
            hero_id=wish.hero_id,
            relationship_description=wish.relationship_description,
            story_length=wish.story_length,
            language=wish.language,
            model=wish.model,
        )
        return answered_generation(asked, self.user_id)

    async def follow(self, generation: Generation, show: Show | None) -> Generation:
        generation_id = generation.generation_id
        if show is not None:
            with suppress(NotFound):  # a server without events: the generation itself says how it ended
                await self._show(generation_id, show)
        ended = answered_generation(await self.tales.generations.wait(generation_id), self.user_id)
        if show is not None and ended.story_id is None:
            reason = ended.latest.error_message or ended.latest.status
            say_that_there_is_no_story(ended.latest.id.attempt_number, reason, is_last=True)
        return ended

    async def _show(self, generation_id: UUID, show: Show) -> None:
        async with aclosing(self.tales.generations.events(generation_id)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    show(event.text)
                elif isinstance(event, Retrying):
                    reason = event.error_message or event.error_type or "it failed."
                    say_that_there_is_no_story(event.attempt_number, reason, is_last=False)

    async def cancel(self, generation_id: UUID) -> None:
        with suppress(Conflict):
            await self.tales.generations.cancel(generation_id)

    async def get_story(self, story_id: UUID) -> AnsweredStory:
        return AnsweredStory.of(await self.tales.stories.get(story_id))

    async def list_generations(self, limit: int) -> Sequence[Generation]:
        found: list[Generation] = []
        async with aclosing(self.tales.generations.list(page_size=limit)) as generations:
            async for generation in generations:
                found.append(answered_generation(generation, self.user_id))
                if len(found) == limit:
                    break
        return found

    async def get_generation(self, generation_id: UUID) -> Generation:
        return answered_generation(await self.tales.generations.get(generation_id), self.user_id)


@asynccontextmanager
async def remote_place(server: ChosenServer, settings: Settings) -> AsyncIterator[RemotePlace]:
    """The server, as the family that `tales login` or TALES_TOKEN has signed in.

    Raises: Unauthenticated, InvalidInput, ServerProblem.
    """
    with reaching(server) as address:
        tokens = _tokens(address, settings)
        if tokens.read() is None:
            raise Unauthenticated(
                f"Nobody is signed in at {address}. Sign in first: tales --server {address} login ADDRESS"
            )
        async with AsyncTales(address, tokens=tokens) as tales:
            yield RemotePlace(tales, (await tales.me()).id)


def _tokens(server: str, settings: Settings) -> TokenStore:
    if settings.token is not None:
        return MemoryTokens(Tokens(settings.token.get_secret_value()))
    return KeptTokens(settings.home, server)
