"""A family reads its stories, finds them again, and says what it thinks of them; an operator looks at everybody's."""

from __future__ import annotations

from uuid import UUID

from tales.domain.actor import Actor
from tales.domain.errors import NotFound, VersionConflict
from tales.domain.filters import ANY_STORY, StoryFilter
from tales.domain.generation import Generation
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.domain.story import Rating, Story, Title, WrittenStory
from tales.domain.versions import ExpectedVersions


async def list_stories(
    transactions: Transactions, actor: Actor, page: PageRequest, which: StoryFilter = ANY_STORY
) -> Page[Story]:
    """The family's stories, newest first."""
    async with transactions.as_user(actor) as work:
        return await work.stories.list_for_user(actor.user_id, page, which)


async def get(transactions: Transactions, actor: Actor, story_id: UUID) -> Story:
    """One story. Raises: NotFound, also for another family's."""
    async with transactions.as_user(actor) as work:
        story = await work.stories.get(story_id)
    if story is None:
        raise NotFound("story", story_id)
    return story


async def get_with_generation(transactions: Transactions, actor: Actor, story_id: UUID) -> tuple[Story, Generation]:
    """One story, and the generation that it came of. Raises: NotFound, also for another family's."""
    async with transactions.as_user(actor) as work:
        story = await work.stories.get(story_id)
        if story is None:
            raise NotFound("story", story_id)
        generation = await work.generations.get_generation(story.attempt.generation_id)
    if generation is None:
        raise NotFound("generation", story.attempt.generation_id)
    return story, generation


async def list_written(transactions: Transactions, actor: Actor, page: PageRequest) -> Page[WrittenStory]:
    """The family's stories, newest first, each with the attempt that wrote it."""
    async with transactions.as_user(actor) as work:
        return await work.stories.list_written(actor.user_id, page)


async def get_written(transactions: Transactions, actor: Actor, story_id: UUID) -> WrittenStory:
    """One story and the attempt that wrote it. Raises: NotFound, also for another family's."""
    async with transactions.as_user(actor) as work:
        written = await work.stories.get_written(story_id)
    if written is None:
        raise NotFound("story", story_id)
    return written


async def rate(
    transactions: Transactions, actor: Actor, story_id: UUID, rating: Rating, versions: ExpectedVersions = None
) -> Story:
    """Keep the family's rating. Raises: NotFound, VersionConflict when the story is of another version."""
    async with transactions.as_user(actor) as work:
        story = await work.stories.rate(story_id, rating, versions)
        if story is None:
            raise await _why_none(work, story_id)
        await work.commit()
    return story


async def rename(
    transactions: Transactions, actor: Actor, story_id: UUID, title: Title | None, versions: ExpectedVersions = None
) -> Story:
    """Give a story another title, or leave it. Raises: NotFound, VersionConflict for another version."""
    async with transactions.as_user(actor) as work:
        story = await work.stories.rename(story_id, title, versions)
        if story is None:
            raise await _why_none(work, story_id)
        await work.commit()
    return story


async def delete(transactions: Transactions, actor: Actor, story_id: UUID, versions: ExpectedVersions = None) -> None:
    """Delete a story; the attempts made for it stay. Raises: NotFound, VersionConflict for another version."""
    async with transactions.as_user(actor) as work:
        if not await work.stories.delete(story_id, versions):
            raise await _why_none(work, story_id)
        await work.commit()


async def _why_none(work: UnitOfWork, story_id: UUID) -> NotFound | VersionConflict:
    return NotFound("story", story_id) if await work.stories.get(story_id) is None else VersionConflict()


async def list_all(transactions: Transactions, page: PageRequest) -> Page[Story]:
    """Everybody's, the newest first."""
    async with transactions.as_service() as work:
        return await work.stories.list_all(page)


async def get_any(transactions: Transactions, story_id: UUID) -> Story:
    """Anybody's. Raises: NotFound."""
    async with transactions.as_service() as work:
        story = await work.stories.get(story_id)
    if story is None:
        raise NotFound("story", story_id)
    return story
