"""A family says who its stories are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from tales.application.ports import IdMaker
from tales.domain.actor import Actor
from tales.domain.errors import Forbidden, NotFound, VersionConflict
from tales.domain.family import Child, ChildChanges, Hero, HeroChanges, NewChild, NewHero, checked_child, checked_hero
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.family import CharacterRepository
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.domain.versions import ExpectedVersions

New = TypeVar("New", NewChild, NewHero)
Changes = TypeVar("Changes", ChildChanges, HeroChanges)
Character = TypeVar("Character", Child, Hero)


@dataclass(frozen=True, slots=True)
class ManageCharacters(Generic[New, Changes, Character]):
    """A family's children, or its heroes: what `kind` says. A character without a user is ready-made."""

    kind: str
    transactions: Transactions
    ids: IdMaker
    characters: Callable[[UnitOfWork], CharacterRepository[New, Changes, Character]]
    checked: Callable[[Changes], Changes]

    async def add(self, actor: Actor, new: New) -> Character:
        """Add a character of the family's own."""
        async with self.transactions.as_user(actor) as work:
            added = await self.characters(work).add(self.ids.new(), actor.user_id, new)
            await work.commit()
        return added

    async def list(self, actor: Actor, page: PageRequest) -> Page[Character]:
        """The family's own characters and the ready-made ones, newest first."""
        async with self.transactions.as_user(actor) as work:
            return await self.characters(work).list_for_user(actor.user_id, page)

    async def get(self, actor: Actor, id_: UUID) -> Character:
        """One character, the family's own or ready-made. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            character = await self.characters(work).get(id_)
        if character is None:
            raise NotFound(self.kind, id_)
        return character

    async def change(self, actor: Actor, id_: UUID, changes: Changes, versions: ExpectedVersions = None) -> Character:
        """Change what is named of a character.

        Raises: InvalidInput, NotFound, Forbidden for a ready-made one, VersionConflict when it is of another version.
        """
        checked = self.checked(changes)
        async with self.transactions.as_user(actor) as work:
            character = await self.characters(work).change(id_, checked, versions)
            if character is None:
                raise await self._why_not(work, id_)
            await work.commit()
        return character

    async def delete(self, actor: Actor, id_: UUID, versions: ExpectedVersions = None) -> None:
        """Delete a character of the family's own; its stories and attempts stay.

        Raises: NotFound, Forbidden for a ready-made one, VersionConflict when it is of another version.
        """
        async with self.transactions.as_user(actor) as work:
            if not await self.characters(work).delete(id_, versions):
                raise await self._why_not(work, id_)
            await work.commit()

    async def _why_not(self, work: UnitOfWork, id_: UUID) -> NotFound | Forbidden | VersionConflict:
        character = await self.characters(work).get(id_)
        if character is None:
            return NotFound(self.kind, id_)
        if character.user_id is None:
            return Forbidden(
                f"This {self.kind} is ready-made: every family has it, and none can change it. Add one of your own."
            )
        return VersionConflict()


ManageChildren = ManageCharacters[NewChild, ChildChanges, Child]
ManageHeroes = ManageCharacters[NewHero, HeroChanges, Hero]


def manage_children(transactions: Transactions, ids: IdMaker) -> ManageChildren:
    """The family's children, none of which is ready-made."""
    return ManageCharacters("child", transactions, ids, lambda work: work.children, checked_child)


def manage_heroes(transactions: Transactions, ids: IdMaker) -> ManageHeroes:
    """The family's heroes."""
    return ManageCharacters("hero", transactions, ids, lambda work: work.heroes, checked_hero)
