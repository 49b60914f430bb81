"""Children and heroes in `tales.children` and `tales.heroes`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, insert, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tales.domain.family import Child, ChildChanges, Hero, HeroChanges, NewChild, NewHero
from tales.domain.page import Page, PageKey, PageRequest
from tales.domain.versions import ExpectedVersions
from tales.infrastructure.postgres.keyset import newest_first, page_of, read_in_order
from tales.infrastructure.postgres.models import ChildDB, HeroDB
from tales.infrastructure.postgres.versions import one_of


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

    async def list_for_user(self, user_id: UUID, page: PageRequest) -> Page[Child]:
        """A user's children, newest first."""
        query = newest_first(select(ChildDB).where(ChildDB.user_id == user_id), ChildDB.created_at, ChildDB.id, page)
        return page_of((await read_in_order(self._session, query)).scalars().all(), page, _key, _to_child)

    async def change(self, child_id: UUID, changes: ChildChanges, versions: ExpectedVersions = None) -> Child | None:
        """Change a child of one of these versions."""
        which = one_of(ChildDB.id, child_id, ChildDB.version, versions)
        values: dict[str, object] = dict(changes)
        if "interests" in changes:
            values["interests"] = list(changes["interests"])
        query = (
            update(ChildDB).where(which).values(values).returning(ChildDB) if values else select(ChildDB).where(which)
        )
        row = await self._session.scalar(query)
        return _to_child(row) if row else None

    async def delete(self, child_id: UUID, versions: ExpectedVersions = None) -> bool:
        """Delete a child of one of these versions; its stories and attempts stay."""
        which = one_of(ChildDB.id, child_id, ChildDB.version, versions)
        return await self._session.scalar(delete(ChildDB).where(which).returning(ChildDB.id)) is not None


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

    async def list_for_user(self, user_id: UUID, page: PageRequest) -> Page[Hero]:
        """A user's own heroes and the ready-made ones, newest first."""
        # A page of either, each in the order of its index: with OR, all of them would be read and sorted.
        either = [
            newest_first(select(HeroDB).where(whose), HeroDB.created_at, HeroDB.id, page)
            for whose in (HeroDB.user_id == user_id, HeroDB.user_id.is_(None))
        ]
        visible = aliased(HeroDB, union_all(*(query.subquery().select() for query in either)).subquery())
        query = newest_first(select(visible), visible.created_at, visible.id, page)
        return page_of((await read_in_order(self._session, query)).scalars().all(), page, _key, _to_hero)

    async def change(self, hero_id: UUID, changes: HeroChanges, versions: ExpectedVersions = None) -> Hero | None:
        """Change a family's own hero of one of these versions."""
        which = one_of(HeroDB.id, hero_id, HeroDB.version, versions)
        query = (
            update(HeroDB).where(which).values(dict(changes)).returning(HeroDB)
            if changes
            else select(HeroDB).where(which, HeroDB.user_id.is_not(None))
        )
        row = await self._session.scalar(query)
        return _to_hero(row) if row else None

    async def delete(self, hero_id: UUID, versions: ExpectedVersions = None) -> bool:
        """Delete a family's own hero of one of these versions; its stories and attempts stay."""
        which = one_of(HeroDB.id, hero_id, HeroDB.version, versions)
        return await self._session.scalar(delete(HeroDB).where(which).returning(HeroDB.id)) is not None


def _key(row: ChildDB | HeroDB) -> PageKey:
    return PageKey(row.created_at, row.id)


def _to_child(row: ChildDB) -> Child:
    return Child(row.id, row.user_id, row.name, row.age, tuple(row.interests), row.gender, row.created_at, row.version)


def _to_hero(row: HeroDB) -> Hero:
    return Hero(row.id, row.user_id, row.name, row.appearance, row.created_at, row.version)
