"""Stories in `tales.stories`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer

from tales.application.ports import Clock
from tales.domain.generation import AttemptId
from tales.domain.page import Page, PageKey, PageRequest
from tales.domain.story import NewStory, Rating, Story, WrittenStory
from tales.infrastructure.persistence.generation_repository import to_attempt
from tales.infrastructure.persistence.keyset import newest_first
from tales.infrastructure.persistence.models import GenerationDB, StoryDB


class SqlStoryRepository:
    """See `tales.domain.repositories.stories.StoryRepository`."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def add(self, story: NewStory) -> Story:
        """Insert a story; the database checks that its attempt wrote it."""
        row = await self._session.scalar(
            insert(StoryDB)
            .values(
                id=story.id,
                user_id=story.user_id,
                title=story.title,
                content=story.content,
                generation_id=story.attempt.generation_id,
                generation_attempt=story.attempt.attempt_number,
                child_id=story.child_id,
                hero_id=story.hero_id,
            )
            .returning(StoryDB)
        )
        assert row is not None  # an INSERT that returns nothing has raised
        return _to_story(row)

    async def get(self, story_id: UUID) -> Story | None:
        """One story."""
        row = await self._session.get(StoryDB, story_id)
        return _to_story(row) if row else None

    async def list_for_user(self, user_id: UUID, page: PageRequest) -> Page[Story]:
        """A user's stories, newest first."""
        query = newest_first(select(StoryDB).where(StoryDB.user_id == user_id), StoryDB.created_at, StoryDB.id, page)
        rows = (await self._session.scalars(query)).all()
        shown = rows[: page.limit]
        last = PageKey(shown[-1].created_at, shown[-1].id) if len(rows) > page.limit else None
        return Page(tuple(map(_to_story, shown)), last)

    async def get_written(self, story_id: UUID) -> WrittenStory | None:
        """One story and the attempt that wrote it."""
        row = (await self._session.execute(_written(StoryDB).where(StoryDB.id == story_id))).one_or_none()
        return _to_written(*row) if row else None

    async def list_written(self, user_id: UUID, page: PageRequest) -> Page[WrittenStory]:
        """A user's stories, newest first, each with the attempt that wrote it: one statement, without the prompts."""
        # The page first: under row-level security the planner would otherwise join all of a user's stories, then sort.
        page_of = newest_first(select(StoryDB).where(StoryDB.user_id == user_id), StoryDB.created_at, StoryDB.id, page)
        shown_story = aliased(StoryDB, page_of.subquery())
        query = _written(shown_story).order_by(shown_story.created_at.desc(), shown_story.id.desc())
        rows = (await self._session.execute(query)).all()
        shown = tuple(_to_written(*row) for row in rows[: page.limit])
        last = PageKey(shown[-1].story.created_at, shown[-1].story.id) if len(rows) > page.limit else None
        return Page(shown, last)

    async def rate(self, story_id: UUID, rating: Rating) -> Story | None:
        """Keep a family's rating; None when there is no such story."""
        row = await self._session.scalar(
            update(StoryDB)
            .where(StoryDB.id == story_id)
            .values(rating=rating.value, updated_at=self._clock.now())
            .returning(StoryDB)
        )
        return _to_story(row) if row else None


def _written(story: type[StoryDB]) -> Select[StoryDB, GenerationDB]:
    wrote_it = and_(
        GenerationDB.generation_id == story.generation_id,
        GenerationDB.attempt_number == story.generation_attempt,
    )
    return select(story, GenerationDB).join(GenerationDB, wrote_it).options(defer(GenerationDB.prompt))


def _to_written(story: StoryDB, attempt: GenerationDB) -> WrittenStory:
    return WrittenStory(_to_story(story), to_attempt(attempt, with_prompt=False))


def _to_story(row: StoryDB) -> Story:
    return Story(
        id=row.id,
        user_id=row.user_id,
        title=row.title,
        content=row.content,
        attempt=AttemptId(row.generation_id, row.generation_attempt),
        created_at=row.created_at,
        updated_at=row.updated_at or row.created_at,
        child_id=row.child_id,
        hero_id=row.hero_id,
        rating=row.rating,
    )
