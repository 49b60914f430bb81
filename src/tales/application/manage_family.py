"""A family says who its stories are about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.application.ports import IdMaker
from tales.domain.actor import Actor
from tales.domain.errors import Forbidden, NotFound, VersionConflict
from tales.domain.family import Child, ChildChanges, Hero, HeroChanges, NewChild, NewHero, checked_child, checked_hero
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.domain.versions import ExpectedVersions


@dataclass(frozen=True, slots=True)
class ManageFamily:
    """A family's children and heroes."""

    transactions: Transactions
    ids: IdMaker

    async def add_child(self, actor: Actor, child: NewChild) -> Child:
        """Add a child."""
        async with self.transactions.as_user(actor) as work:
            added = await work.children.add(self.ids.new(), actor.user_id, child)
            await work.commit()
        return added

    async def list_children(self, actor: Actor, page: PageRequest) -> Page[Child]:
        """The family's children, newest first."""
        async with self.transactions.as_user(actor) as work:
            return await work.children.list_for_user(actor.user_id, page)

    async def get_child(self, actor: Actor, child_id: UUID) -> Child:
        """One child. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            child = await work.children.get(child_id)
        if child is None:
            raise NotFound("child", child_id)
        return child

    async def change_child(
        self, actor: Actor, child_id: UUID, changes: ChildChanges, versions: ExpectedVersions = None
    ) -> Child:
        """Change what is named of a child. Raises: InvalidInput, NotFound, VersionConflict for another version."""
        checked = checked_child(changes)
        async with self.transactions.as_user(actor) as work:
            child = await work.children.change(child_id, checked, versions)
            if child is None:
                raise await _why_no_child(work, child_id)
            await work.commit()
        return child

    async def delete_child(self, actor: Actor, child_id: UUID, versions: ExpectedVersions = None) -> None:
        """Delete a child; its stories and attempts stay. Raises: NotFound, VersionConflict for another version."""
        async with self.transactions.as_user(actor) as work:
            if not await work.children.delete(child_id, versions):
                raise await _why_no_child(work, child_id)
            await work.commit()

    async def add_hero(self, actor: Actor, hero: NewHero) -> Hero:
        """Add a hero of the family's own."""
        async with self.transactions.as_user(actor) as work:
            added = await work.heroes.add(self.ids.new(), actor.user_id, hero)
            await work.commit()
        return added

    async def list_heroes(self, actor: Actor, page: PageRequest) -> Page[Hero]:
        """The family's own heroes and the ready-made ones, newest first."""
        async with self.transactions.as_user(actor) as work:
            return await work.heroes.list_for_user(actor.user_id, page)

    async def get_hero(self, actor: Actor, hero_id: UUID) -> Hero:
        """One hero, the family's own or ready-made. Raises: NotFound."""
        async with self.transactions.as_user(actor) as work:
            hero = await work.heroes.get(hero_id)
        if hero is None:
            raise NotFound("hero", hero_id)
        return hero

    async def change_hero(
        self, actor: Actor, hero_id: UUID, changes: HeroChanges, versions: ExpectedVersions = None
    ) -> Hero:
        """Change what is named of a hero.

        Raises: InvalidInput, NotFound, Forbidden for a ready-made one, VersionConflict when it is of another version.
        """
        checked = checked_hero(changes)
        async with self.transactions.as_user(actor) as work:
            hero = await work.heroes.change(hero_id, checked, versions)
            if hero is None:
                raise await _why_no_hero(work, hero_id)
            await work.commit()
        return hero

    async def delete_hero(self, actor: Actor, hero_id: UUID, versions: ExpectedVersions = None) -> None:
        """Delete a hero of the family's own; its stories and attempts stay.

        Raises: NotFound, Forbidden for a ready-made one, VersionConflict when it is of another version.
        """
        async with self.transactions.as_user(actor) as work:
            if not await work.heroes.delete(hero_id, versions):
                raise await _why_no_hero(work, hero_id)
            await work.commit()


async def _why_no_child(work: UnitOfWork, child_id: UUID) -> NotFound | VersionConflict:
    return NotFound("child", child_id) if await work.children.get(child_id) is None else VersionConflict()


async def _why_no_hero(work: UnitOfWork, hero_id: UUID) -> NotFound | Forbidden | VersionConflict:
    hero = await work.heroes.get(hero_id)
    if hero is None:
        return NotFound("hero", hero_id)
    if hero.user_id is None:
        return Forbidden("This hero is ready-made: every family has it, and none can change it. Add one of your own.")
    return VersionConflict()
