"""Where stories are kept."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from tales.domain.filters import ANY_STORY, StoryFilter
from tales.domain.page import Page, PageRequest
from tales.domain.story import NewStory, Rating, Story, Title, WrittenStory
from tales.domain.versions import ExpectedVersions


class StoryRepository(Protocol):
    """Stories as one actor may see and write them."""

    async def add(self, story: NewStory) -> Story:
        """Insert a story. Raises: Conflict when its attempt wrote none, or another story exists."""

    async def get(self, story_id: UUID) -> Story | None:
        """One story."""

    async def get_written(self, story_id: UUID) -> WrittenStory | None:
        """One story and the attempt that wrote it."""

    async def list_written(self, user_id: UUID, page: PageRequest) -> Page[WrittenStory]:
        """A user's stories, newest first, each with the attempt that wrote it."""

    async def list_for_user(self, user_id: UUID, page: PageRequest, which: StoryFilter = ANY_STORY) -> Page[Story]:
        """A user's stories, newest first."""

    async def list_all(self, page: PageRequest) -> Page[Story]:
        """Everybody's, newest first."""

    async def rate(self, story_id: UUID, rating: Rating, versions: ExpectedVersions = None) -> Story | None:
        """Keep a family's rating of a story of one of these versions; None when there is none."""

    async def rename(self, story_id: UUID, title: Title | None, versions: ExpectedVersions = None) -> Story | None:
        """Give a story of one of these versions another title, if any; None when there is no such story."""

    async def delete(self, story_id: UUID, versions: ExpectedVersions = None) -> bool:
        """Delete a story of one of these versions; its attempts stay. False when there is none."""
