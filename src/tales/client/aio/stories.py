"""The family's library."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

from tales.client import wire
from tales.client.aio.generations import Generations
from tales.client.aio.pages import each
from tales.client.aio.transport import Transport
from tales.client.models import Generation, Story
from tales.client.wire import Id, if_match_header, path_of


class Stories:
    """The family's stories."""

    def __init__(self, transport: Transport, generations: Generations) -> None:
        self._transport = transport
        self._generations = generations

    def list(
        self,
        *,
        q: str | None = None,
        child_id: Id | None = None,
        hero_id: Id | None = None,
        min_rating: int | None = None,
        page_size: int | None = None,
    ) -> AsyncGenerator[Story]:
        """The stories, newest first, page by page; with `q` those whose title or text has these words."""
        query: wire.Query = {"q": q, "child_id": child_id, "hero_id": hero_id, "min_rating": min_rating}
        return each(self._transport, "/stories", Story, query, page_size)

    async def get(self, story_id: Id, *, include: Literal["generation", "generation.attempts"] | None = None) -> Story:
        """One story; with `include` how it was written: the attempt, or all of them. Raises: NotFound."""
        request = wire.Request(method="GET", path=path_of("stories", story_id), query={"include": include})
        return wire.read(Story, await self._transport.send(request))

    async def sequel(
        self,
        story_id: Id,
        *,
        moral: str,
        story_length: int | None = None,
        model: str | None = None,
        wait: int | None = None,
        idempotency_key: str | None = None,
    ) -> Generation:
        """Ask for a story that carries this one on: with the same child and hero, in the same language.

        The rest is as in `Generations.create`. Raises: NotFound, InvalidInput, TooManyRequests.
        """
        earlier = (await self.get(story_id, include="generation")).generation
        return await self._generations.create(
            story_type=earlier.story_type if earlier else None,
            language=earlier.language if earlier else None,
            sequel_of=story_id,
            moral=moral,
            story_length=story_length,
            model=model,
            wait=wait,
            idempotency_key=idempotency_key,
        )

    async def rate(self, story_id: Id, rating: int, *, if_match: str | None = None) -> Story:
        """Say how much the family liked it, from 1 to 10. Raises: NotFound, InvalidInput, PreconditionFailed."""
        path, headers = path_of("stories", story_id, "rating"), if_match_header(if_match)
        request = wire.Request(method="PUT", path=path, json={"rating": rating}, headers=headers)
        return wire.read(Story, await self._transport.send(request))

    async def rename(self, story_id: Id, title: str, *, if_match: str | None = None) -> Story:
        """Give it another title. Raises: NotFound, InvalidInput, PreconditionFailed when it has been changed since."""
        path, headers = path_of("stories", story_id), if_match_header(if_match)
        request = wire.Request(method="PATCH", path=path, json={"title": title}, headers=headers)
        return wire.read(Story, await self._transport.send(request))

    async def delete(self, story_id: Id, *, if_match: str | None = None) -> None:
        """Delete a story; the calls that were made for it stay. Raises: NotFound, PreconditionFailed."""
        path, headers = path_of("stories", story_id), if_match_header(if_match)
        await self._transport.send(wire.Request(method="DELETE", path=path, headers=headers))
