"""Where children and heroes are kept."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from tales.domain.family import Child, ChildChanges, Hero, HeroChanges, NewChild, NewHero
from tales.domain.page import Page, PageRequest
from tales.domain.versions import ExpectedVersions


class ChildRepository(Protocol):
    """Children as one actor may see and write them."""

    async def add(self, child_id: UUID, user_id: UUID, child: NewChild) -> Child:
        """Insert a child."""

    async def get(self, child_id: UUID) -> Child | None:
        """One child."""

    async def list_for_user(self, user_id: UUID, page: PageRequest) -> Page[Child]:
        """A user's children, newest first."""

    async def change(self, child_id: UUID, changes: ChildChanges, versions: ExpectedVersions = None) -> Child | None:
        """Change a child of one of these versions; None when there is none."""

    async def delete(self, child_id: UUID, versions: ExpectedVersions = None) -> bool:
        """Delete a child of one of these versions; its stories and attempts stay. False when there is none."""


class HeroRepository(Protocol):
    """Heroes as one actor may see and write them."""

    async def add(self, hero_id: UUID, user_id: UUID, hero: NewHero) -> Hero:
        """Insert a family's own hero."""

    async def get(self, hero_id: UUID) -> Hero | None:
        """One hero, the family's own or ready-made."""

    async def list_for_user(self, user_id: UUID, page: PageRequest) -> Page[Hero]:
        """A user's own heroes and the ready-made ones, newest first."""

    async def change(self, hero_id: UUID, changes: HeroChanges, versions: ExpectedVersions = None) -> Hero | None:
        """Change a family's own hero of one of these versions; None when there is none."""

    async def delete(self, hero_id: UUID, versions: ExpectedVersions = None) -> bool:
        """Delete a family's own hero of one of these versions; what names it stays. False when there is none."""
