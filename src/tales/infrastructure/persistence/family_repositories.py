"""Children and heroes in `tales.children` and `tales.heroes`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.family import Child, Hero, NewChild, NewHero
from tales.infrastructure.persistence.models import ChildDB, HeroDB


class SqlChildRepository:
    """See `tales.domain.repositories.family.ChildRepository`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, child_id: UUID, user_id: UUID, child: NewChild) -> Child:
        """Insert a child."""
        row = await self._session.scalar(
            insert(ChildDB)
            .values(
                id=child_id,
                user_id=user_id,
                name=child.name,
                age=child.age,
                interests=list(child.interests),
                gender=child.gender,
            )
            .returning(ChildDB)
        )
        assert row is not None  # an INSERT that returns nothing has raised
        return _to_child(row)

    async def get(self, child_id: UUID) -> Child | None:
        """One child."""
        row = await self._session.get(ChildDB, child_id)
        return _to_child(row) if row else None

    async def list_for_user(self, user_id: UUID) -> tuple[Child, ...]:
        """A user's children, oldest row first."""
        query = select(ChildDB).where(ChildDB.user_id == user_id).order_by(ChildDB.created_at, ChildDB.id)
        return tuple(map(_to_child, await self._session.scalars(query)))

    async def delete(self, child_id: UUID) -> bool:
        """Delete a child; its stories and attempts stay."""
        query = delete(ChildDB).where(ChildDB.id == child_id).returning(ChildDB.id)
        return await self._session.scalar(query) is not None


class SqlHeroRepository:
    """See `tales.domain.repositories.family.HeroRepository`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, hero_id: UUID, user_id: UUID, hero: NewHero) -> Hero:
        """Insert a family's own hero."""
        row = await self._session.scalar(
            insert(HeroDB)
            .values(id=hero_id, user_id=user_id, name=hero.name, appearance=hero.appearance)
            .returning(HeroDB)
        )
        assert row is not None  # an INSERT that returns nothing has raised
        return _to_hero(row)

    async def get(self, hero_id: UUID) -> Hero | None:
        """One hero, the family's own or ready-made."""
        row = await self._session.get(HeroDB, hero_id)
        return _to_hero(row) if row else None

    async def list_visible(self) -> tuple[Hero, ...]:
        """The heroes that row-level security shows: the family's own and the ready-made ones."""
        query = select(HeroDB).order_by(HeroDB.created_at, HeroDB.id)
        return tuple(map(_to_hero, await self._session.scalars(query)))

    async def delete(self, hero_id: UUID) -> bool:
        """Delete a family's own hero; its stories and attempts stay."""
        query = delete(HeroDB).where(HeroDB.id == hero_id).returning(HeroDB.id)
        return await self._session.scalar(query) is not None


def _to_child(row: ChildDB) -> Child:
    return Child(row.id, row.user_id, row.name, row.age, tuple(row.interests), row.gender, row.created_at)


def _to_hero(row: HeroDB) -> Hero:
    return Hero(row.id, row.user_id, row.name, row.appearance, row.created_at)
