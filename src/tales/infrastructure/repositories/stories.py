"""Stories in `tales.stories`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer

from tales.application.ports import Clock
from tales.domain.filters import ANY_STORY, StoryFilter
from tales.domain.generation import AttemptId
from tales.domain.page import Page, PageKey, PageRequest
from tales.domain.repositories.stories import StoryRepository
from tales.domain.story import NewStory, Rating, Story, Title, WrittenStory
from tales.domain.versions import ExpectedVersions
from tales.infrastructure.postgres.keyset import newest_first, page_of, read_in_order
from tales.infrastructure.postgres.models import GenerationDB, StoryDB
from tales.infrastructure.postgres.versions import one_of
from tales.infrastructure.repositories.generations import to_attempt


class SqlStoryRepository(StoryRepository):
    """Stories over one session."""

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
        row = await self._session.get(StoryDB, story_id)
        return _to_story(row) if row else None

    async def get_written(self, story_id: UUID) -> WrittenStory | None:
        row = (await self._session.execute(_WRITTEN, {"story_id": story_id})).one_or_none()
        return _to_written(*row) if row else None

    async def list_written(self, user_id: UUID, page: PageRequest) -> Page[WrittenStory]:
        """A user's stories, newest first, each with the attempt that wrote it: one statement, without the prompts."""
        # The page first: under row-level security the planner would otherwise join all of a user's stories, then sort.
        keys = newest_first(select(StoryDB).where(StoryDB.user_id == user_id), StoryDB.created_at, StoryDB.id, page)
        shown_story = aliased(StoryDB, keys.subquery())
        query = _written(shown_story).order_by(shown_story.created_at.desc(), shown_story.id.desc())
        rows = (await read_in_order(self._session, query)).all()
        return page_of(rows, page, lambda row: PageKey(row[0].created_at, row[0].id), lambda row: _to_written(*row))

    async def list_for_user(self, user_id: UUID, page: PageRequest, which: StoryFilter = ANY_STORY) -> Page[Story]:
        query = select(StoryDB).where(StoryDB.user_id == user_id, *_conditions(which))
        query = newest_first(query, StoryDB.created_at, StoryDB.id, page)
        rows = (await read_in_order(self._session, query)).scalars().all()
        return page_of(rows, page, lambda row: PageKey(row.created_at, row.id), _to_story)

    async def list_all(self, page: PageRequest) -> Page[Story]:
        # Sorted: no index is kept for what operators look at now and then.
        rows = (await self._session.scalars(newest_first(select(StoryDB), StoryDB.created_at, StoryDB.id, page))).all()
        return page_of(rows, page, lambda row: PageKey(row.created_at, row.id), _to_story)

    async def rate(self, story_id: UUID, rating: Rating, versions: ExpectedVersions = None) -> Story | None:
        return await self._change(story_id, versions, rating=rating.value)

    async def rename(self, story_id: UUID, title: Title | None, versions: ExpectedVersions = None) -> Story | None:
        if title is None:
            which = one_of(StoryDB.id, story_id, StoryDB.version, versions)
            row = await self._session.scalar(select(StoryDB).where(which))
            return _to_story(row) if row else None
        return await self._change(story_id, versions, title=title.value)

    async def delete(self, story_id: UUID, versions: ExpectedVersions = None) -> bool:
        which = one_of(StoryDB.id, story_id, StoryDB.version, versions)
        return await self._session.scalar(delete(StoryDB).where(which).returning(StoryDB.id)) is not None

    async def _change(self, story_id: UUID, versions: ExpectedVersions, **values: object) -> Story | None:
        row = await self._session.scalar(
            update(StoryDB)
            .where(one_of(StoryDB.id, story_id, StoryDB.version, versions))
            .values(**values, updated_at=self._clock.now())
            .returning(StoryDB)
        )
        return _to_story(row) if row else None


def _conditions(which: StoryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if which.words is not None:
        # Asked once, and not for each story.
        patterns, query = (
            select(asked(which.words)).scalar_subquery()
            for asked in (func.tales.search_patterns, func.tales.search_query)
        )
        conditions.append(func.tales.story_has(StoryDB.title, StoryDB.content, patterns, query))
    if which.child_id is not None:
        conditions.append(StoryDB.child_id == which.child_id)
    if which.hero_id is not None:
        conditions.append(StoryDB.hero_id == which.hero_id)
    if which.min_rating is not None:
        conditions.append(StoryDB.rating >= which.min_rating)
    return conditions


def _written(story: type[StoryDB]) -> Select[StoryDB, GenerationDB]:
    wrote_it = and_(
        GenerationDB.generation_id == story.generation_id,
        GenerationDB.attempt_number == story.generation_attempt,
        # As every story's is: there is an index over these alone.
        GenerationDB.status == literal_column("'success'"),
    )
    return select(story, GenerationDB).join(GenerationDB, wrote_it).options(defer(GenerationDB.prompt))


# Built once: to build it takes as long as to send it.
_WRITTEN = _written(StoryDB).where(StoryDB.id == bindparam("story_id"))


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
        version=row.version,
        child_id=row.child_id,
        hero_id=row.hero_id,
        rating=row.rating,
    )
