"""Children and heroes in `tales.children` and `tales.heroes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import delete, insert, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tales.domain.family import Child, ChildChanges, Hero, HeroChanges, NewChild, NewHero
from tales.domain.page import Page, PageKey, PageRequest
from tales.domain.repositories.family import CharacterRepository
from tales.domain.versions import ExpectedVersions
from tales.infrastructure.postgres.keyset import newest_first, page_of, read_in_order
from tales.infrastructure.postgres.models import ChildDB, HeroDB
from tales.infrastructure.postgres.versions import one_of

Row = TypeVar("Row", ChildDB, HeroDB)
New = TypeVar("New", NewChild, NewHero)
Changes = TypeVar("Changes", ChildChanges, HeroChanges)
Character = TypeVar("Character", Child, Hero)


@dataclass(frozen=True, slots=True)
class SqlCharacterRepository(CharacterRepository[New, Changes, Character], Generic[Row, New, Changes, Character]):
    """The rows of one table. The fields of what is new and of what changes are named as its columns are.

    Ready-made characters are rows of no user; row-level security lets nobody change them.
    """

    session: AsyncSession
    table: type[Row]
    to_character: Callable[[Row], Character]

    async def add(self, id_: UUID, user_id: UUID, new: New) -> Character:
        row = await self.session.scalar(
            insert(self.table).values(id=id_, user_id=user_id, **asdict(new)).returning(self.table)
        )
        assert row is not None  # an INSERT that returns nothing has raised
        return self.to_character(row)

    async def get(self, id_: UUID) -> Character | None:
        row = await self.session.get(self.table, id_)
        return self.to_character(row) if row else None

    async def list_for_user(self, user_id: UUID, page: PageRequest) -> Page[Character]:
        table = self.table
        # A page of either, each in the order of its index: with OR, all of them would be read and sorted.
        either = [
            newest_first(select(table).where(whose), table.created_at, table.id, page)
            for whose in (table.user_id == user_id, table.user_id.is_(None))
        ]
        visible = aliased(table, union_all(*(query.subquery().select() for query in either)).subquery())
        query = newest_first(select(visible), visible.created_at, visible.id, PageRequest(page.limit))
        found = (await read_in_order(self.session, query)).scalars().all()
        return page_of(found, page, lambda row: PageKey(row.created_at, row.id), self.to_character)

    async def change(self, id_: UUID, changes: Changes, versions: ExpectedVersions = None) -> Character | None:
        table, which = self.table, one_of(self.table.id, id_, self.table.version, versions)
        row = await self.session.scalar(
            update(table).where(which).values(dict(changes)).returning(table)
            if changes
            else select(table).where(which, table.user_id.is_not(None))
        )
        return self.to_character(row) if row else None

    async def delete(self, id_: UUID, versions: ExpectedVersions = None) -> bool:
        which = one_of(self.table.id, id_, self.table.version, versions)
        return await self.session.scalar(delete(self.table).where(which).returning(self.table.id)) is not None


def child_repository(session: AsyncSession) -> SqlCharacterRepository[ChildDB, NewChild, ChildChanges, Child]:
    """Children, none of which is ready-made."""
    return SqlCharacterRepository(session, ChildDB, _to_child)


def hero_repository(session: AsyncSession) -> SqlCharacterRepository[HeroDB, NewHero, HeroChanges, Hero]:
    """Heroes, of which some are ready-made."""
    return SqlCharacterRepository(session, HeroDB, _to_hero)


# A row of another origin may lack what ours have.
def _to_child(row: ChildDB) -> Child:
    interests = tuple(_texts(row.interests))
    return Child(row.id, row.user_id, row.name or "", row.age or 0, interests, row.gender, row.created_at, row.version)


def _texts(array: Sequence[object] | None) -> Iterator[str]:
    """The texts of an array of any shape: one of another origin may have dimensions, and hold nothing."""
    for item in array or ():
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            yield from _texts(item)


def _to_hero(row: HeroDB) -> Hero:
    return Hero(row.id, row.user_id, row.name or "", row.appearance, row.created_at, row.version)
