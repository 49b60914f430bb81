"""A family takes everything along that Tales has of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

from tales.domain.actor import Actor
from tales.domain.family import Child, Hero
from tales.domain.filters import ANY_GENERATION
from tales.domain.generation import Generation
from tales.domain.page import Page, PageRequest, every
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.story import Story

AT_A_TIME = 20
"""Rows in memory: a response may have megabytes."""

Thing: TypeAlias = Child | Hero | Story | Generation


@dataclass(frozen=True, slots=True)
class ExportFamily:
    """Reads all that is a family's, page by page, each page as it stands when it is read."""

    transactions: Transactions

    def __call__(self, actor: Actor) -> dict[str, AsyncIterator[Thing]]:
        """Children, heroes of the family's own, stories, and generations whole, each kind the newest first."""
        return {
            "children": every(lambda page: self._children(actor, page), AT_A_TIME),
            "heroes": self._own_heroes(actor),
            "stories": every(lambda page: self._stories(actor, page), AT_A_TIME),
            "generations": every(lambda page: self._generations(actor, page), AT_A_TIME),
        }

    async def _own_heroes(self, actor: Actor) -> AsyncIterator[Hero]:
        async for hero in every(lambda page: self._heroes(actor, page), AT_A_TIME):
            if hero.user_id is not None:
                yield hero

    async def _children(self, actor: Actor, page: PageRequest) -> Page[Child]:
        async with self.transactions.as_user(actor) as work:
            return await work.children.list_for_user(actor.user_id, page)

    async def _heroes(self, actor: Actor, page: PageRequest) -> Page[Hero]:
        async with self.transactions.as_user(actor) as work:
            return await work.heroes.list_for_user(actor.user_id, page)

    async def _stories(self, actor: Actor, page: PageRequest) -> Page[Story]:
        async with self.transactions.as_user(actor) as work:
            return await work.stories.list_for_user(actor.user_id, page)

    async def _generations(self, actor: Actor, page: PageRequest) -> Page[Generation]:
        async with self.transactions.as_user(actor) as work:
            return await work.generations.list_for_user(actor.user_id, page, ANY_GENERATION, whole=True)
