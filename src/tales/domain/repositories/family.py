"""Where children and heroes are kept."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from tales.domain.family import Child, Hero, NewChild, NewHero


class ChildRepository(Protocol):
    """Children as one actor may see and write them."""

    async def add(self, child_id: UUID, user_id: UUID, child: NewChild) -> Child:
        """Insert a child."""

    async def get(self, child_id: UUID) -> Child | None:
        """One child."""

    async def list_for_user(self, user_id: UUID) -> tuple[Child, ...]:
        """A user's children, oldest row first."""

    async def delete(self, child_id: UUID) -> bool:
        """Delete a child; its stories and attempts stay. False when there is none."""


class HeroRepository(Protocol):
    """Heroes as one actor may see and write them."""

    async def add(self, hero_id: UUID, user_id: UUID, hero: NewHero) -> Hero:
        """Insert a family's own hero."""

    async def get(self, hero_id: UUID) -> Hero | None:
        """One hero, the family's own or ready-made."""

    async def list_visible(self) -> tuple[Hero, ...]:
        """The family's own heroes and the ready-made ones."""

    async def delete(self, hero_id: UUID) -> bool:
        """Delete a family's own hero; its stories and attempts stay. False when there is none."""
