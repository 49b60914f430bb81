"""A family says who its stories are about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.application.ports import IdMaker
from tales.domain.actor import Actor
from tales.domain.errors import NotFound
from tales.domain.family import Child, Hero, NewChild, NewHero
from tales.domain.repositories.unit_of_work import Transactions


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

    async def list_children(self, actor: Actor) -> tuple[Child, ...]:
        """The family's children."""
        async with self.transactions.as_user(actor) as work:
            return await work.children.list_for_user(actor.user_id)

    async def get_child(self, actor: Actor, child_id: UUID) -> Child:
        """One child. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            child = await work.children.get(child_id)
        if child is None:
            raise NotFound("child", child_id)
        return child

    async def delete_child(self, actor: Actor, child_id: UUID) -> None:
        """Delete a child; its stories and attempts stay. Raises: NotFound, also for another family's."""
        async with self.transactions.as_user(actor) as work:
            if not await work.children.delete(child_id):
                raise NotFound("child", child_id)
            await work.commit()

    async def add_hero(self, actor: Actor, hero: NewHero) -> Hero:
        """Add a hero of the family's own."""
        async with self.transactions.as_user(actor) as work:
            added = await work.heroes.add(self.ids.new(), actor.user_id, hero)
            await work.commit()
        return added

    async def list_heroes(self, actor: Actor) -> tuple[Hero, ...]:
        """The family's own heroes and the ready-made ones."""
        async with self.transactions.as_user(actor) as work:
            return await work.heroes.list_visible()

    async def get_hero(self, actor: Actor, hero_id: UUID) -> Hero:
        """One hero, the family's own or ready-made. Raises: NotFound."""
        async with self.transactions.as_user(actor) as work:
            hero = await work.heroes.get(hero_id)
        if hero is None:
            raise NotFound("hero", hero_id)
        return hero

    async def delete_hero(self, actor: Actor, hero_id: UUID) -> None:
        """Delete a hero of the family's own; its stories and attempts stay. Raises: NotFound."""
        async with self.transactions.as_user(actor) as work:
            if not await work.heroes.delete(hero_id):
                raise NotFound("hero", hero_id)
            await work.commit()
