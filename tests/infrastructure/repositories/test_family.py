"""A family keeps its children and heroes, and sees the ready-made heroes too."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tales.domain.actor import Actor
from tales.domain.errors import Forbidden
from tales.domain.family import Child
from tales.domain.page import PageRequest
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tests.factories import add_user, new_child, new_hero
from tests.fixtures.databases import Database
from tests.fixtures.rows import THEN, hero, insert
from tests.fixtures.time import FakeIds


@pytest.fixture
async def parent(transactions: SqlTransactions) -> UUID:
    return await add_user(transactions)


async def _children(work: SqlUnitOfWork, user_id: UUID) -> tuple[Child, ...]:
    return (await work.children.list_for_user(user_id, PageRequest())).items


async def test_a_child_is_kept_as_its_parent_describes_it(
    transactions: SqlTransactions, parent: UUID, ids: FakeIds
) -> None:
    described = new_child(name="Łucja", interests=("dragons", "the sea"), gender=None)
    async with transactions.as_user(Actor(parent)) as work:
        added = await work.children.add(ids.new(), parent, described)
        await work.commit()
    async with transactions.as_user(Actor(parent)) as work:
        child = await work.children.get(added.id)
    assert child == added
    assert (child.name, child.age, child.interests, child.gender) == ("Łucja", 6, ("dragons", "the sea"), None)


async def test_children_are_listed_the_newest_first(transactions: SqlTransactions, parent: UUID, ids: FakeIds) -> None:
    for name in ("Mia", "Tom"):
        async with transactions.as_user(Actor(parent)) as work:
            await work.children.add(ids.new(), parent, new_child(name=name))
            await work.commit()
    async with transactions.as_user(Actor(parent)) as work:
        assert [child.name for child in await _children(work, parent)] == ["Tom", "Mia"]


async def test_a_child_is_deleted_once(transactions: SqlTransactions, parent: UUID, ids: FakeIds) -> None:
    async with transactions.as_user(Actor(parent)) as work:
        child = await work.children.add(ids.new(), parent, new_child())
        assert await work.children.delete(child.id)
        assert not await work.children.delete(child.id)
        assert await _children(work, parent) == ()


async def test_another_familys_child_is_not_there(transactions: SqlTransactions, parent: UUID, ids: FakeIds) -> None:
    async with transactions.as_user(Actor(parent)) as work:
        child = await work.children.add(ids.new(), parent, new_child())
        await work.commit()
    async with transactions.as_user(Actor(await add_user(transactions))) as work:
        assert await work.children.get(child.id) is None
        assert await _children(work, parent) == ()
        assert not await work.children.delete(child.id)


async def test_nobody_adds_to_another_family(transactions: SqlTransactions, parent: UUID, ids: FakeIds) -> None:
    stranger = Actor(await add_user(transactions))
    with pytest.raises(Forbidden):
        async with transactions.as_user(stranger) as work:
            await work.children.add(ids.new(), parent, new_child())
    with pytest.raises(Forbidden):
        async with transactions.as_user(stranger) as work:
            await work.heroes.add(ids.new(), parent, new_hero())


async def test_a_hero_is_kept_as_its_family_describes_it(
    transactions: SqlTransactions, parent: UUID, ids: FakeIds
) -> None:
    async with transactions.as_user(Actor(parent)) as work:
        added = await work.heroes.add(ids.new(), parent, new_hero(appearance=None))
        await work.commit()
    async with transactions.as_user(Actor(parent)) as work:
        assert await work.heroes.get(added.id) == added
        assert await work.heroes.delete(added.id)
        assert await work.heroes.get(added.id) is None


async def test_every_family_sees_ready_made_heroes_and_its_own(
    database: Database, transactions: SqlTransactions, parent: UUID, ids: FakeIds
) -> None:
    with database.connect() as connection:
        ready_made = insert(connection, "heroes", hero(None, id=uuid4(), name="Sun", created_at=THEN))["id"]
        insert(connection, "heroes", hero(await add_user(transactions), name="Theirs"))
    async with transactions.as_user(Actor(parent)) as work:
        await work.heroes.add(ids.new(), parent, new_hero(name="Ours"))
        page = await work.heroes.list_for_user(parent, PageRequest(limit=2))
        assert [each.name for each in page.items] == ["Ours", "Sun"]
        assert page.next is not None, "those that Tales brings along come last"
        found = await work.heroes.get(ready_made)
        assert found is not None
        assert found.user_id is None
        assert not await work.heroes.delete(ready_made)
