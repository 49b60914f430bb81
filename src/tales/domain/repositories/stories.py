"""Where stories are kept."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from tales.domain.page import Page, PageRequest
from tales.domain.story import NewStory, Rating, Story, WrittenStory


class StoryRepository(Protocol):
    """Stories as one actor may see and write them."""

    async def add(self, story: NewStory) -> Story:
        """Insert a story. Raises: Conflict when its attempt wrote none, or another story exists."""

    async def get(self, story_id: UUID) -> Story | None:
        """One story."""

    async def list_for_user(self, user_id: UUID, page: PageRequest) -> Page[Story]:
        """A user's stories, newest first."""

    async def get_written(self, story_id: UUID) -> WrittenStory | None:
        """One story and the attempt that wrote it."""

    async def list_written(self, user_id: UUID, page: PageRequest) -> Page[WrittenStory]:
        """A user's stories, newest first, each with the attempt that wrote it."""

    async def rate(self, story_id: UUID, rating: Rating) -> Story | None:
        """Keep a family's rating; None when there is no such story."""
