"""A family finds its stories and generations again, gives stories up, and has them carried on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from tales.domain.failures import Failure, FailureKind
from tests.interfaces.api.world import MODELS, Family, problem, refused

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


async def found(family: Family, **query: Any) -> list[str]:
    """The ids of the stories that fit."""
    page = (await family.client.get("/stories", params=query)).json()
    return [story["id"] for story in page["items"]]


async def asked(family: Family, **query: Any) -> list[str]:
    """The ids of the generations that fit."""
    page = (await family.client.get("/generations", params=query)).json()
    return [generation["generation_id"] for generation in page["items"]]


async def renamed(family: Family, title: str) -> dict[str, Any]:
    """A new story with this title."""
    story = await family.story()
    answer = await family.client.patch(f"/stories/{story['id']}", json={"title": title})
    return dict(answer.json())


@pytest.mark.parametrize("words", ["dragon", "DRAGON", "biscuit moon", "moon, biscuit!", "kind drag", "last bisc", "m"])
async def test_a_story_is_found_by_words_of_its_title_and_text(family: Family, words: str) -> None:
    story = await family.story()

    assert await found(family, q=words) == [story["id"]]


@pytest.mark.parametrize("words", ["drag moon", "dragonfly", "biscuit lantern", "iscuit"])
async def test_a_story_without_one_of_the_words_is_not(family: Family, words: str) -> None:
    await family.story()

    assert await found(family, q=words) == []


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("التنين الطيب", "الطيب"),
        ("Žluťoučký kůň a drak", "kůň dra"),
        ("Den venlige drage på øen", "øen"),
        ("Der gütige Drache", "Gütige"),
        ("El dragón y la niña", "NIÑA"),
        ("L'été du dragon généreux", "été"),
        ("दयालु ड्रैगन", "ड्रैगन"),
        ("Il drago più gentile", "più"),
        ("やさしいドラゴンの夜", "ドラゴン"),
        ("친절한 용의 이야기", "용"),
        ("De lieve draak van Ålesund", "åle"),
        ("Łagodny smok", "łagodny"),
        ("O dragão bondoso", "dragã"),
        ("Добрый дракон", "дракон"),
        ("Den snälla draken", "Snäll"),
        ("İyi ejderha", "ejder"),
        ("Добрий дракон і їжак", "їж"),
        ("善良的龙和月亮", "月亮"),
    ],
)
async def test_words_of_every_language_are_found(family: Family, title: str, words: str) -> None:
    story = await renamed(family, title)
    await family.story()

    assert await found(family, q=words) == [story["id"]]


async def test_letters_that_are_words_are_found_side_by_side_only(family: Family) -> None:
    await renamed(family, "月の亮")

    assert await found(family, q="月亮") == []


async def test_what_is_found_goes_on_from_page_to_page(family: Family) -> None:
    written = [(await family.story())["id"] for _ in range(5)]
    await renamed(family, "Another")

    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2, "q": "kind"}
    while query.get("cursor", ""):
        page = (await family.client.get("/stories", params=query)).json()
        seen += [story["id"] for story in page["items"]]
        query["cursor"] = page["next_cursor"]

    assert seen in ([], written[::-1])


async def test_stories_are_found_by_child_hero_and_rating_and_all_of_it_together(family: Family) -> None:
    hero = await family.add_hero()
    plain = await family.story()
    both = await family.story(
        story_type="combined",
        child_id=plain["child_id"],
        hero_id=hero["id"],
        moral="courage",
        relationship_description="best friends",
    )
    await family.client.put(f"/stories/{both['id']}/rating", json={"rating": 8})

    assert await found(family, child_id=plain["child_id"]) == [both["id"], plain["id"]]
    assert await found(family, hero_id=hero["id"]) == [both["id"]]
    assert await found(family, min_rating=8) == [both["id"]]
    assert await found(family, min_rating=9) == []
    assert await found(family, child_id=ID) == []
    everything = {"child_id": plain["child_id"], "hero_id": hero["id"], "min_rating": 1, "q": "dragon"}
    assert await found(family, **everything) == [both["id"]]
    assert await found(family, **everything | {"q": "owl"}) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=%21", "q"),
        ("q='", "q"),
        ("q=%21%26%20%7C:*", "q"),
        ("q=a%00", "q"),
        ("q=" + "x" * 201, "q"),
        ("child_id=1", "child_id"),
        ("hero_id=x", "hero_id"),
        ("min_rating=0", "min_rating"),
        ("min_rating=11", "min_rating"),
        ("min_rating=good", "min_rating"),
        ("limit=0", "limit"),
        ("title=x", "title"),
    ],
)
async def test_a_search_that_cannot_be(member: AsyncClient, query: str, field: str) -> None:
    refused(await member.get(f"/stories?{query}"), field)


async def test_a_story_that_is_deleted_is_gone_and_its_attempts_stay(family: Family) -> None:
    story = await family.story()

    deleted = await family.client.delete(f"/stories/{story['id']}")

    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(await family.client.get(f"/stories/{story['id']}"), 404, "not_found")
    problem(await family.client.delete(f"/stories/{story['id']}"), 404, "not_found")
    assert await found(family) == await found(family, q="dragon") == []
    generation = (await family.client.get(f"/generations/{story['generation_id']}")).json()
    assert (generation["status"], generation["story_id"], len(generation["attempts"])) == ("success", None, 1)


async def test_generations_are_found_by_the_latest_attempt(family: Family) -> None:
    plain = await family.ask()
    await family.worker.run(plain["generation_id"])
    family.worker.will_fail()
    retried = await family.ask()
    await family.worker.run(retried["generation_id"])
    family.worker.will_fail(3)
    failed = await family.ask()
    await family.worker.run(failed["generation_id"])
    family.worker.model.failures += [Failure(FailureKind.DEADLINE, "Too long.")] * 3
    late = await family.ask()
    await family.worker.run(late["generation_id"])
    waiting = await family.ask(model=MODELS[1])
    ids = {name: one["generation_id"] for name, one in locals().items() if isinstance(one, dict)}

    assert await asked(family, status="success") == [ids["retried"], ids["plain"]]
    assert await asked(family, status="failed") == [ids["failed"]]
    assert await asked(family, status="timeout") == [ids["late"]]
    assert await asked(family, status="pending") == [ids["waiting"]]
    models = {one["generation_id"]: one["attempts"][-1]["model_used"] for one in await listed(family)}
    for model in MODELS:
        assert await asked(family, model=model) == [id_ for id_ in models if models[id_] == model]
    assert await asked(family, model="nobody/nothing") == []
    assert await asked(family, status="pending", model=MODELS[0]) == []
    assert waiting["attempts"][0]["model_used"] == MODELS[1]


async def listed(family: Family) -> list[dict[str, Any]]:
    """Every generation."""
    return list((await family.client.get("/generations")).json()["items"])


async def test_generations_are_found_by_when_they_were_asked_for(family: Family) -> None:
    wish = await family.wish()
    first, second, third = [(await family.ask(**wish))["created_at"] for _ in range(3)]
    oldest, middle, newest = (one["generation_id"] for one in (await listed(family))[::-1])

    assert await asked(family, created_after=second) == [newest, middle]
    assert await asked(family, created_before=second) == [oldest]
    assert await asked(family, created_after=first, created_before=third) == [middle, oldest]
    east = (datetime.fromisoformat(second) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S.%f+02:00")
    assert await asked(family, created_after=east) == [newest, middle]
    assert await asked(family, created_after="2100-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("status=", "status"),
        ("created_after=yesterday", "created_after"),
        ("created_after=2026-01-01T00:00:00", "created_after"),
        ("created_before=2026-13-01T00:00:00Z", "created_before"),
        ("created_before=20260101", "created_before"),
        ("created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
        ("created_after=1767225600", "created_after"),
        ("models=x", "models"),
    ],
)
async def test_a_look_for_generations_that_cannot_be(member: AsyncClient, query: str, field: str) -> None:
    refused(await member.get(f"/generations?{query}"), field)


async def test_a_sequel_carries_on_the_story_with_its_cast(family: Family) -> None:
    hero = await family.add_hero()
    wish = await family.wish(story_type="combined", hero_id=hero["id"], relationship_description="best friends")
    story = await family.story(**wish)
    await family.client.patch(f"/stories/{story['id']}", json={"title": 'The "Kind" Dragon'})

    sequel = {"story_type": "combined", "moral": "courage", "sequel_of": story["id"]}
    generation = await family.ask(**sequel)

    assert generation["sequel_of"] == story["id"]
    assert (generation["child_id"], generation["hero_id"]) == (story["child_id"], hero["id"])
    assert generation["relationship_description"] == "best friends"
    prompts = await family.worker.prompts(generation["generation_id"])
    assert "Kind" in prompts[0]
    assert "shared the last biscuit under the moon." in prompts[0]
    await family.worker.run(generation["generation_id"])
    told = (await family.client.get(f"/generations/{generation['generation_id']}")).json()
    assert told["sequel_of"] == story["id"]
    assert [one["sequel_of"] for one in await listed(family)] == [story["id"], None]


async def test_a_sequel_may_have_another_cast_and_be_retried(family: Family) -> None:
    story = await family.story()
    tom = await family.add_child(name="Tom")
    family.worker.will_fail()

    sequel = {"story_type": "child", "child_id": tom["id"], "moral": "courage", "sequel_of": story["id"]}
    told = await family.story(**sequel)

    generation = (await family.client.get(f"/generations/{told['generation_id']}")).json()
    assert (told["child_id"], generation["sequel_of"], len(generation["attempts"])) == (tom["id"], story["id"], 2)
    first, second = await family.worker.prompts(generation["generation_id"])
    assert first == second


async def test_a_sequel_outlives_the_story_that_it_carries_on(family: Family) -> None:
    story = await family.story()
    sequel = await family.story(story_type="child", moral="courage", sequel_of=story["id"])

    assert (await family.client.delete(f"/stories/{story['id']}")).status_code == 204

    generation = (await family.client.get(f"/generations/{sequel['generation_id']}")).json()
    assert (generation["status"], generation["sequel_of"]) == ("success", None)
    assert (await family.client.get(f"/stories/{sequel['id']}")).json() == sequel


async def test_a_sequel_needs_its_cast_where_the_story_has_lost_it(family: Family) -> None:
    story = await family.story()
    await family.client.delete(f"/children/{story['child_id']}")

    answer = await family.client.post(
        "/generations", json={"story_type": "child", "moral": "courage", "sequel_of": story["id"]}
    )

    refused(answer, "child_id")


async def test_a_sequel_of_what_is_not_there(family: Family) -> None:
    answer = await family.client.post("/generations", json=await family.wish(sequel_of=ID))

    assert "story" in problem(answer, 404, "not_found")["detail"]
