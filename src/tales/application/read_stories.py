"""A family reads its stories, and says what it thinks of them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.errors import NotFound
from tales.domain.generation import Generation
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.story import Rating, Story, WrittenStory


@dataclass(frozen=True, slots=True)
class ReadStories:
    """A family's library."""

    transactions: Transactions

    async def list(self, actor: Actor, page: PageRequest) -> Page[Story]:
        """The family's stories, newest first."""
        async with self.transactions.as_user(actor) as work:
            return await work.stories.list_for_user(actor.user_id, page)

    async def get(self, actor: Actor, story_id: UUID) -> Story:
        """One story. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            return _found(await work.stories.get(story_id), story_id)

    async def get_with_generation(self, actor: Actor, story_id: UUID) -> tuple[Story, Generation]:
        """One story, and the generation that it came of. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            story = _found(await work.stories.get(story_id), story_id)
            generation = await work.generations.get_generation(story.attempt.generation_id)
        if generation is None:
            raise NotFound("generation", story.attempt.generation_id)
        return story, generation

    async def list_written(self, actor: Actor, page: PageRequest) -> Page[WrittenStory]:
        """The family's stories, newest first, each with the attempt that wrote it."""
        async with self.transactions.as_user(actor) as work:
            return await work.stories.list_written(actor.user_id, page)

    async def get_written(self, actor: Actor, story_id: UUID) -> WrittenStory:
        """One story and the attempt that wrote it. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            written = await work.stories.get_written(story_id)
        if written is None:
            raise NotFound("story", story_id)
        return written

    async def rate(self, actor: Actor, story_id: UUID, rating: Rating) -> Story:
        """Keep the family's rating. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            story = _found(await work.stories.rate(story_id, rating), story_id)
            await work.commit()
        return story


def _found(story: Story | None, story_id: UUID) -> Story:
    if story is None:
        raise NotFound("story", story_id)
    return story
