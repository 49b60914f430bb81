"""What a family changes, and that nobody overwrites what they have not seen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.interfaces.api.world import TEXT, Family, problem, refused

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


async def tag_of(family: Family, path: str) -> str:
    """The entity tag of what stands at `path`."""
    return (await family.client.get(path)).headers["ETag"]


async def everything(family: Family) -> dict[str, dict[str, Any]]:
    """One of everything that can be edited, by its path, with a change that it takes."""
    child, hero, story = await family.add_child(), await family.add_hero(), await family.story()
    return {
        f"/children/{child['id']}": {"age": 7},
        f"/heroes/{hero['id']}": {"name": "Captain Sun"},
        f"/stories/{story['id']}": {"title": "The Kinder Dragon"},
    }


async def test_what_is_sent_of_a_child_changes_and_the_rest_stays(family: Family) -> None:
    child = await family.add_child()

    changed = await family.client.patch(f"/children/{child['id']}", json={"age": 7, "interests": ["owls"]})

    assert changed.json() == child | {"age": 7, "interests": ["owls"]}
    assert (await family.client.get(f"/children/{child['id']}")).json() == changed.json()


async def test_what_need_not_be_there_is_taken_away_by_null(family: Family) -> None:
    child, hero = await family.add_child(), await family.add_hero()

    changed = await family.client.patch(f"/children/{child['id']}", json={"gender": None, "interests": None})
    plain = await family.client.patch(f"/heroes/{hero['id']}", json={"appearance": None})

    assert changed.json() == child | {"gender": None, "interests": []}
    assert plain.json() == hero | {"appearance": None}


async def test_a_story_is_renamed(family: Family) -> None:
    story = await family.story()

    renamed = await family.client.patch(f"/stories/{story['id']}", json={"title": " The  Kinder Dragon "})

    assert renamed.json() == story | {"title": "The Kinder Dragon", "updated_at": renamed.json()["updated_at"]}
    (listed,) = (await family.client.get("/stories")).json()["items"]
    assert listed == renamed.json()


async def test_a_change_of_nothing_changes_nothing(family: Family) -> None:
    for path in await everything(family):
        before = await family.client.get(path)

        answer = await family.client.patch(path, json={}, headers={"If-Match": before.headers["ETag"]})

        assert (answer.status_code, answer.json(), answer.headers["ETag"]) == (
            200,
            before.json(),
            before.headers["ETag"],
        )


async def test_a_merge_patch_may_say_what_it_is(family: Family) -> None:
    child = await family.add_child()
    kind = {"Content-Type": "application/merge-patch+json"}

    answer = await family.client.patch(f"/children/{child['id']}", content=b'{"age": 8}', headers=kind)

    assert answer.json()["age"] == 8


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/children", {"name": None}, "name"),
        ("/children", {"name": " "}, "name"),
        ("/children", {"age": None}, "age"),
        ("/children", {"age": 99}, "age"),
        ("/children", {"interests": ["x"] * 13}, "interests"),
        ("/children", {"gender": ""}, "gender"),
        ("/children", {"user_id": ID}, "user_id"),
        ("/children", {"created_at": None}, "created_at"),
        ("/heroes", {"name": None}, "name"),
        ("/heroes", {"appearance": "x" * 401}, "appearance"),
        ("/heroes", {"user_id": None}, "user_id"),
        ("/stories", {"title": None}, "title"),
        ("/stories", {"title": "\u200b"}, "title"),
        ("/stories", {"title": "x" * 121}, "title"),
        ("/stories", {"content": "Another story."}, "content"),
        ("/stories", {"rating": 10}, "rating"),
    ],
)
async def test_a_change_that_cannot_be(member: AsyncClient, path: str, body: dict[str, Any], field: str) -> None:
    refused(await member.patch(f"{path}/{ID}", json=body), field)


async def test_a_client_that_has_seen_the_newest_version_changes_and_deletes_it(family: Family) -> None:
    for path, change in (await everything(family)).items():
        tag = await tag_of(family, path)

        changed = await family.client.patch(path, json=change, headers={"If-Match": f'W/"none", {tag}'})

        assert changed.status_code == 200
        assert changed.headers["ETag"] not in {tag, ""}
        assert changed.headers["ETag"] == await tag_of(family, path)
        deleted = await family.client.delete(path, headers={"If-Match": changed.headers["ETag"]})
        assert deleted.status_code == 204
        problem(await family.client.patch(path, json=change, headers={"If-Match": tag}), 404, "not_found")


async def test_a_client_that_has_not_changes_nothing(family: Family) -> None:
    for path, change in (await everything(family)).items():
        old = await tag_of(family, path)
        now = await family.client.patch(path, json=change)

        for stale in (
            old,
            f"W/{old}",
            f'W/"x{now.headers["ETag"][1:]}',
            '"none-of-ours"',
            '"99999999999"',
            '"4294967296"',
            '""',
        ):
            headers = {"If-Match": stale}
            problem(await family.client.patch(path, json=change, headers=headers), 412, "outdated")
            problem(await family.client.patch(path, json={}, headers=headers), 412, "outdated")
            problem(await family.client.delete(path, headers=headers), 412, "outdated")

        found = await family.client.get(path)
        assert (found.json(), found.headers["ETag"]) == (now.json(), now.headers["ETag"])


async def test_a_rating_counts_as_a_change_of_its_story(family: Family) -> None:
    path = f"/stories/{(await family.story())['id']}"
    tag = await tag_of(family, path)

    rated = await family.client.put(f"{path}/rating", json={"rating": 5}, headers={"If-Match": tag})

    assert rated.headers["ETag"] == await tag_of(family, path) != tag
    stale = await family.client.put(f"{path}/rating", json={"rating": 1}, headers={"If-Match": tag})
    problem(stale, 412, "outdated")
    assert (await family.client.get(path)).json()["rating"] == 5


async def test_a_child_that_is_deleted_changes_its_story(family: Family) -> None:
    story = await family.story()
    tag = await tag_of(family, f"/stories/{story['id']}")

    await family.client.delete(f"/children/{story['child_id']}")

    assert await tag_of(family, f"/stories/{story['id']}") != tag


async def test_of_many_at_the_same_moment_one_changes_it(family: Family) -> None:
    child = await family.add_child()
    path = f"/children/{child['id']}"
    headers = {"If-Match": await tag_of(family, path)}

    async def grow(age: int) -> Response:
        return await family.client.patch(path, json={"age": age}, headers=headers)

    answers = await asyncio.gather(*map(grow, range(7, 15)))

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    (winner,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert (await family.client.get(path)).json() == winner


async def test_changes_of_different_fields_at_the_same_moment_both_last(family: Family) -> None:
    child = await family.add_child()
    path = f"/children/{child['id']}"

    await asyncio.gather(
        family.client.patch(path, json={"age": 9}), family.client.patch(path, json={"interests": ["owls"]})
    )

    assert (await family.client.get(path)).json() == child | {"age": 9, "interests": ["owls"]}


@pytest.mark.parametrize("header", ["*", " * "])
async def test_any_version_will_do(family: Family, header: str) -> None:
    child = await family.add_child()

    answer = await family.client.patch(f"/children/{child['id']}", json={"age": 9}, headers={"If-Match": header})

    assert answer.json()["age"] == 9


@pytest.mark.parametrize("header", ["", "7", "'7'", '"7', '"7" "8"', "W/7", '"a"b"', ", ,", '*, "7"'])
async def test_what_is_no_list_of_entity_tags_is_refused_by_name(member: AsyncClient, header: str) -> None:
    for answer in (
        await member.patch(f"/children/{ID}", json={"age": 7}, headers={"If-Match": header}),
        await member.delete(f"/stories/{ID}", headers={"If-Match": header}),
    ):
        refused(answer, "If-Match")


async def test_what_a_client_has_already_is_not_sent_again(family: Family) -> None:
    for path, change in (await everything(family)).items():
        tag = await tag_of(family, path)

        for known in (tag, f"W/{tag}", f'"1", {tag}', "*"):
            same = await family.client.get(path, headers={"If-None-Match": known})
            assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag), known
        await family.client.patch(path, json=change)
        newer = await family.client.get(path, headers={"If-None-Match": tag})
        assert (newer.status_code, newer.headers["ETag"] != tag) == (200, True)


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_a_compressed_answer_has_a_tag_of_its_own_that_names_the_same_version(
    family: Family, coding: str
) -> None:
    """A strong tag is good for one sequence of bytes (RFC 9110, section 8.8.3.3)."""
    family.worker.model.text = TEXT * 3
    path, headers = f"/stories/{(await family.story())['id']}", {"Accept-Encoding": coding}
    plain = (await family.client.get(path, headers={"Accept-Encoding": "identity"})).headers["ETag"]
    compressed = (await family.client.get(path, headers={"Accept-Encoding": "gzip"})).headers["ETag"]
    assert (plain[0], compressed[0]) == ('"', '"')
    assert plain != compressed

    for known in (plain, compressed, f"W/{compressed}"):
        same = await family.client.get(path, headers=headers | {"If-None-Match": known})
        assert (same.status_code, same.headers["ETag"]) == (304, known.removeprefix("W/"))
    changed = await family.client.patch(path, json={"title": "Owls"}, headers=headers | {"If-Match": compressed})
    assert changed.status_code == 200
    for old in (plain, compressed):
        assert (await family.client.get(path, headers=headers | {"If-None-Match": old})).status_code == 200
        problem(await family.client.delete(path, headers={"If-Match": old}), 412, "outdated")


@pytest.mark.parametrize("as_passed_on", ['W/"{}"', '"{}-gzip"', '"{}-br"', 'W/"{}-gzip"', '"{}-gzip-br"', '"{}-zstd"'])
async def test_a_tag_that_a_compressing_proxy_has_changed_names_the_same_version(
    family: Family, as_passed_on: str
) -> None:
    """nginx makes a strong tag weak, Apache and Caddy add how they have coded the bytes."""
    child = await family.add_child()
    path = f"/children/{child['id']}"
    tag = as_passed_on.format((await tag_of(family, path)).strip('"'))

    same = await family.client.get(path, headers={"If-None-Match": tag})
    changed = await family.client.patch(path, json={"age": 7}, headers={"If-Match": tag})
    again = await family.client.patch(path, json={"age": 8}, headers={"If-Match": tag})

    assert (same.status_code, same.headers["ETag"]) == (304, tag.removeprefix("W/"))
    assert (changed.status_code, changed.json()["age"]) == (200, 7)
    problem(again, 412, "outdated")
    assert (await family.client.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_a_story_with_its_generation_has_no_tag(family: Family) -> None:
    story = await family.story()

    answer = await family.client.get(f"/stories/{story['id']}?include=generation", headers={"If-None-Match": "*"})

    assert (answer.status_code, "ETag" in answer.headers) == (200, False)
