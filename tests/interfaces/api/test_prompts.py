"""Admins write prompts by the API, and nobody else sees one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from uuid_utils.compat import uuid7

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.comparison import ComparisonRow
from tales.interfaces.api.v3.prompt_rows import Comparison
from tests.fixtures.databases import Database
from tests.fixtures.rows import goal_snapshot, insert, prompt_choice
from tests.interfaces.api.world import Family, client_of, problem

PROMPTS = "/admin/prompts"
TEMPLATE = "Tell a story.\n{{ facts }}\nUse {{ words }} words.\n"
NEW = {"story_type": "hero", "language": "de", "template": TEMPLATE}


@pytest.fixture
async def boss(app: FastAPI, services: Services) -> AsyncIterator[AsyncClient]:
    """An admin's client."""
    async with client_of(app, "/api/v3", services.tokens.issue(Actor(uuid7(), is_admin=True))) as client:
        yield client


async def asked(boss: AsyncClient, method: str, path: str = "", **more: Any) -> Any:
    answer = await boss.request(method, f"{PROMPTS}{path}", **more)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def test_an_experiment_from_its_draft_to_its_end(boss: AsyncClient) -> None:
    answer = await boss.post(PROMPTS, json=NEW | {"note": "short"})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v3/admin/prompts/hero-de-2")
    draft = answer.json()
    assert (draft["state"], draft["model"], draft["weight"], draft["template"]) == ("draft", None, 100, TEMPLATE)
    assert await asked(boss, "get", "/hero-de-2") == draft

    changed = await asked(boss, "patch", "/hero-de-2", json={"template": TEMPLATE.replace("Tell", "Write")})
    assert (changed["version"], changed["note"], changed["template"][:5]) == ("hero-de-2", "short", "Write")
    active = await asked(boss, "post", "/hero-de-2/activate", json={"weight": 300})
    assert (active["state"], active["weight"], active["activated_at"] is not None) == ("active", 300, True)
    assert (await asked(boss, "patch", "/hero-de-2", json={"template": TEMPLATE}))["version"] == "hero-de-3"

    found = await asked(boss, "get", "?story_type=hero&language=de&state=active")
    assert [one["version"] for one in found["items"]] == ["hero-de-1", "hero-de-2"]
    ended = await asked(boss, "post", "/hero-de-2/promote")
    assert (ended["prompt"]["version"], ended["retired"]) == ("hero-de-2", ["hero-de-1"])
    assert (await asked(boss, "post", "/hero-de-2/retire"))["state"] == "retired"
    problem(await boss.post(f"{PROMPTS}/hero-de-2/retire"), 409, "conflict")


async def test_a_preview_and_a_comparison(boss: AsyncClient) -> None:
    await asked(boss, "post", json=NEW)

    shown = await asked(boss, "get", "/hero-de-2/preview?minutes=2&is_minimal=true")
    assert shown["prompt"].endswith("\nUse 260 words.\n")
    compared = await asked(boss, "get", "/hero-de-1/compare/hero-de-2?minutes=2")
    assert "\n+Use 260 words.\n" in compared["difference"]


@pytest.mark.parametrize(
    ("request_", "body", "status", "said"),
    [
        ("post ", NEW | {"template": "no facts"}, 422, "write {{ facts }} on one"),
        ("post ", NEW | {"template": "A\n{{ facts }}\n{{ child.name }}"}, 422, "'None' has no attribute 'name'"),
        ("post ", NEW | {"language": "xx"}, 422, "language is not one of"),
        ("patch /hero-de-1", {"template": "A\n{{ facts }}\n{% for x in y %}{% endfor %}"}, 422, "has no For"),
        ("post /hero-de-1/activate", {"weight": 0}, 422, "weight is 0"),
        ("get /hero-de-1/preview?age=18", None, 422, "age is 18"),
        ("get /hero-de-77", None, 404, "no prompt with this id"),
        ("get /hero-de-1/compare/child-de-1", None, 422, "different kinds"),
    ],
)
async def test_what_cannot_be_is_said(boss: AsyncClient, request_: str, body: Any, status: int, said: str) -> None:
    method, _, path = request_.partition(" ")
    answer = await boss.request(method, f"{PROMPTS}{path}", json=body)

    assert answer.status_code == status, answer.text
    assert said in answer.text.replace("\\u0027", "'")


async def test_a_goal_from_its_setting_to_its_end(
    boss: AsyncClient, family: Family, services: Services, database: Database
) -> None:
    assert (await asked(boss, "get", "/goals"))["items"] == []
    (goal,) = (await asked(boss, "put", "/goals/child/en", json={"measure": "good", "window_days": 7}))["items"]
    assert (goal["measure"], goal["floor_percent"], goal["window_days"]) == ("good", 5, 7)
    assert goal["models"] == list(services.request_generation.models[:1])
    assert (goal["counted_at"], goal["arms"], goal["idle"]) == (None, [], "one_arm")
    assert goal["advice"].startswith("There is one version with one model alone")
    for wrong in (
        {"measure": "fame"},
        {"measure": "good", "models": ["nobody/has-it"]},
        {"measure": "good", "models": []},
    ):
        assert (await boss.put(f"{PROMPTS}/goals/child/en", json=wrong)).status_code == 422
    assert (await boss.put(f"{PROMPTS}/goals/child/xx", json={"measure": "good"})).status_code == 422

    asked_for = await family.ask()
    why = await asked(boss, "get", f"/why/{asked_for['generation_id']}")
    assert (why["reason"], why["weights"], why["goal"], why["arms"], why["is_repeated"]) == (None, None, None, [], True)
    with database.connect() as connection:
        (row,) = connection.execute("select id from tales.prompt_goals").fetchall()
        choice = prompt_choice(asked_for) | {"reason": "goal"}
        choice["snapshot_id"] = insert(connection, "goal_snapshots", goal_snapshot(row))["id"]
        insert(connection, "prompt_choices", choice)
    why = await asked(boss, "get", f"/why/{asked_for['generation_id']}")
    assert (why["reason"], why["goal"]["measure"], why["passed_over"]) == ("goal", "good", None)
    (arm,) = why["arms"]
    assert (arm["hits"], arm["trials"], 0 < arm["drawn"] < 1) == (9, 10, True)
    problem(await boss.get(f"{PROMPTS}/why/{uuid7()}"), 404, "not_found")
    (draw,) = (await asked(boss, "get", "/goals/child/en/draws"))["items"]
    assert draw["generation_id"] == asked_for["generation_id"]
    assert (draw["version"], draw["model"], draw["status"]) == ("bedtime-2", "first/model", "pending")
    (goal,) = (await asked(boss, "get", "/goals"))["items"]
    (arm,) = goal["arms"]
    assert (arm["draws"], arm["stories"], arm["best_probability"]) == (0, 0, 1.0), "another version wrote"
    problem(await boss.get(f"{PROMPTS}/goals/hero/en/draws"), 404, "not_found")

    assert (await boss.delete(f"{PROMPTS}/goals/child/en")).status_code == 204
    problem(await boss.delete(f"{PROMPTS}/goals/child/en"), 404, "not_found")


@pytest.mark.parametrize(("hits", "is_small"), [(5_010, True), (5_200, False)])
def test_a_difference_that_is_too_small_to_look_for_is_told(hits: int, is_small: bool) -> None:
    row = ComparisonRow(
        experiment="child-en-1 50, child-en-2 50",
        measure="success",
        prompt_version="child-en-2",
        baseline="child-en-1",
        hits=hits,
        trials=10_000,
        baseline_hits=5_000,
        baseline_trials=10_000,
    )
    told = Comparison.model_validate(row)
    assert (told.more_needed, told.is_small) == (0, is_small)


async def test_nobody_else_reaches_them(family: Family) -> None:
    problem(await family.client.post(PROMPTS, json=NEW), 403, "forbidden")
    for method, path in (
        ("get", ""),
        ("get", "/hero-de-1"),
        ("get", "/hero-de-1/preview"),
        ("post", "/hero-de-1/promote"),
    ):
        problem(await family.client.request(method, f"{PROMPTS}{path}"), 403, "forbidden")


async def test_who_changed_what_is_listed_page_by_page(boss: AsyncClient) -> None:
    for change in ("retire", "activate"):
        await asked(boss, "post", f"/hero-de-1/{change}", json={"weight": 7} if change == "activate" else None)
    pages = []
    cursor: str | None = None
    while True:
        answer = await boss.get("/admin/changes", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["items"])
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    activated, retired = (item for page in pages for item in page)
    assert [activated[name] for name in ("relation", "action", "subject")] == [
        "prompt_templates",
        "changed",
        "hero-de-1",
    ]
    assert (retired["before"]["state"], retired["after"]["state"]) == ("active", "retired")
    assert activated["after"]["weight"] == 7
    assert "template" not in activated["after"]
    assert activated["changed_by"] == retired["changed_by"] is not None
    assert (await boss.get("/admin/changes?by_operator=true")).json()["items"] == []
    assert len((await boss.get(f"/admin/changes?changed_by={activated['changed_by']}")).json()["items"]) == 2
    assert (await boss.get("/admin/changes?relation=x")).status_code == 422
