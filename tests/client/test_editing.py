"""Both clients change, search and carry on what a family has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tales.client import Forbidden, InvalidInput, NotFound, PreconditionFailed
from tests.client.both import AnyClient, collect


async def story_of(tales: AnyClient, name: str = "Captain Owl") -> Any:
    """A new story about a new hero."""
    hero = await tales.heroes.add(name)
    generation = await tales.generations.create(hero_id=hero.id, moral="kindness", wait=30)
    return await tales.stories.get(generation.story_id)


async def test_a_child_is_changed_in_what_is_named_and_nothing_else(tales: AnyClient) -> None:
    child = await tales.children.add("Mia", 6, interests=["dragons"], gender="girl")

    older = await tales.children.update(child.id, age=7, interests=["dragons", "the sea"])
    cleared = await tales.children.update(child.id, gender=None)

    assert (older.name, older.age, older.interests, older.gender) == ("Mia", 7, ("dragons", "the sea"), "girl")
    assert cleared.gender is None
    assert (await tales.children.get(child.id)) == cleared
    with pytest.raises(InvalidInput) as caught:
        await tales.children.update(child.id, age=70)
    assert caught.value.field == "age"


async def test_nobody_overwrites_what_they_have_not_seen(tales: AnyClient) -> None:
    hero = await tales.heroes.add("Captain Owl", appearance="blue feathers")
    seen = await tales.heroes.get(hero.id)

    changed = await tales.heroes.update(hero.id, appearance="green feathers", if_match=seen.etag)

    assert seen.etag
    assert changed.etag not in {None, seen.etag}
    with pytest.raises(PreconditionFailed):
        await tales.heroes.update(hero.id, name="Major Owl", if_match=seen.etag)
    with pytest.raises(PreconditionFailed):
        await tales.heroes.delete(hero.id, if_match=seen.etag)
    await tales.heroes.delete(hero.id, if_match=changed.etag)


async def test_a_ready_made_hero_is_seen_and_not_changed(tales: AnyClient) -> None:
    ready_made = [hero for hero in await collect(tales.heroes.list()) if hero.user_id is None]

    assert ready_made
    with pytest.raises((Forbidden, NotFound)):
        await tales.heroes.update(ready_made[0].id, name="Mine")


async def test_children_are_listed_over_all_pages(tales: AnyClient) -> None:
    added = [(await tales.children.add(f"Child {number}", 5)).id for number in range(5)]

    assert sorted(child.id for child in await collect(tales.children.list(page_size=2))) == sorted(added)


async def test_a_story_is_renamed_found_again_and_deleted(tales: AnyClient) -> None:
    first, second = await story_of(tales), await story_of(tales, "Major Mole")

    renamed = await tales.stories.rename(first.id, "The Owl & the Moon", if_match=first.etag)
    await tales.stories.rate(second.id, 4)

    assert (renamed.title, renamed.content) == ("The Owl & the Moon", first.content)
    assert [story.id for story in await collect(tales.stories.list(q="owl & moon"))] == [first.id]
    assert [story.id for story in await collect(tales.stories.list(hero_id=second.hero_id))] == [second.id]
    assert [story.id for story in await collect(tales.stories.list(min_rating=4))] == [second.id]

    await tales.stories.delete(first.id)
    with pytest.raises(NotFound):
        await tales.stories.get(first.id)
    assert [story.id for story in await collect(tales.stories.list(page_size=1))] == [second.id]


async def test_generations_are_listed_by_status_model_and_time(tales: AnyClient) -> None:
    await story_of(tales)
    hour = timedelta(hours=1)
    now = datetime.now(UTC)

    async def count(**which: Any) -> int:
        return len(await collect(tales.generations.list(**which)))

    assert await count(status="success", model="sim/ok", created_after=now - hour, created_before=now + hour) == 1
    assert await count(status="failed") == await count(model="other") == await count(created_after=now + hour) == 0


async def test_a_sequel_carries_on_a_story_about_the_same_hero(tales: AnyClient) -> None:
    earlier = await story_of(tales)

    generation = await tales.stories.sequel(earlier.id, moral="courage", wait=30)

    assert (generation.status, generation.sequel_of) == ("success", earlier.id)
    assert (generation.story_type, generation.hero_id, generation.moral) == ("hero", earlier.hero_id, "courage")
