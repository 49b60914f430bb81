"""A family takes everything along that Tales has of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias, TypeVar

from tales.domain.actor import Actor
from tales.domain.family import Child, Hero
from tales.domain.filters import ANY_GENERATION
from tales.domain.generation import Generation
from tales.domain.page import Page, PageRequest, every
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.domain.story import Story

AT_A_TIME = 20
"""Rows in memory: a response may have megabytes."""

T = TypeVar("T")
Thing: TypeAlias = Child | Hero | Story | Generation


def export_family(transactions: Transactions, actor: Actor) -> dict[str, AsyncIterator[Thing]]:
    """Everything of a family's, page by page, each page as it stands when it is read.

    Children, heroes of the family's own, stories, and generations whole, each kind the newest first.
    """

    def everything(read: Callable[[UnitOfWork, PageRequest], Awaitable[Page[T]]]) -> AsyncIterator[T]:
        async def read_page(page: PageRequest) -> Page[T]:
            async with transactions.as_user(actor) as work:
                return await read(work, page)

        return every(read_page, AT_A_TIME)

    user_id = actor.user_id
    return {
        "children": everything(lambda work, page: work.children.list_for_user(user_id, page)),
        "heroes": _own(everything(lambda work, page: work.heroes.list_for_user(user_id, page))),
        "stories": everything(lambda work, page: work.stories.list_for_user(user_id, page)),
        "generations": everything(
            lambda work, page: work.generations.list_for_user(user_id, page, ANY_GENERATION, whole=True)
        ),
    }


async def _own(heroes: AsyncIterator[Hero]) -> AsyncIterator[Hero]:
    async for hero in heroes:
        if hero.user_id is not None:
            yield hero
