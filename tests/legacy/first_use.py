"""What a family does on its first evening with the new service, over a database that has just moved."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import structlog
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tales.domain.actor import Actor
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.queue.request_rates import SqlRequestRates
from tests.fixtures.passwords import cheap_passwords
from tests.interfaces.api.conftest import wired
from tests.interfaces.api.world import Family, Worker, client_of

VERSIONS = ("v1", "v2", "v3")


def body(answer: Response, status: int = 200) -> Any:
    """The body of an answer of this status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json() if answer.content else None


async def use_service(app: FastAPI, app_url: str, user: UUID, stranger: UUID, moved: int, *, keeps: bool) -> None:
    """Read what was moved, write, rate and delete a story, all as the role that the service signs in with.

    `moved` is how many stories of `user` there were before; `keeps`: not all that is new is deleted.
    """
    engine = make_engine(app_url)
    transactions, clock = SqlTransactions(engine, SystemClock()), SystemClock()
    queue, hub = SqlAttemptQueue(transactions, clock), ProgressHub(transactions, structlog.get_logger("test"))
    services = wired(transactions, cheap_passwords(), queue, hub, SqlRequestRates(transactions))
    app.state.services = services
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(hub.running())
            await stack.enter_async_context(queue.running())

            async def client(version: str, who: UUID) -> AsyncClient:
                token = services.tokens.issue(Actor(who))
                return await stack.enter_async_context(client_of(app, f"/api/{version}", token))

            theirs = {version: await client(version, user) for version in VERSIONS}
            family = Family(user, theirs["v3"], Worker(transactions, queue, hub))
            await _read_moved(theirs, moved)
            await _write(family, theirs, await client("v3", stranger), keeps=keeps)
    finally:
        await engine.dispose()


async def _read_moved(theirs: dict[str, AsyncClient], moved: int) -> None:
    for client in theirs.values():
        listed = body(await client.get("/stories"))["items"]
        assert len(listed) == moved
        for story in listed:
            assert body(await client.get(f"/stories/{story['id']}"))["title"] == story["title"]
    for kind in ("children", "heroes"):
        assert isinstance(body(await theirs["v3"].get(f"/{kind}"))["items"], list)


async def _write(family: Family, theirs: dict[str, AsyncClient], stranger: AsyncClient, *, keeps: bool) -> None:
    newest = theirs["v3"]
    # Nothing is said that need not be, and then as much as may be.
    shy = body(await newest.post("/children", json={"name": "M", "age": 0}), 201)
    child = await family.add_child(age=17, name="M" * 80, interests=["y" * 60] * 12)
    hero = await family.add_hero(name="H" * 80)
    plain = body(await newest.post("/heroes", json={"name": "N"}), 201)
    wish = {"story_type": "combined", "child_id": child["id"], "hero_id": hero["id"], "moral": "k" * 200}
    family.worker.will_fail()
    story = await family.story(**wish, relationship_description="r" * 300)
    for version, client in theirs.items():
        assert body(await client.get(f"/stories/{story['id']}"))["content"] == story["content"], version
    assert body(await newest.get("/stories", params={"q": "dragon"}))["items"]
    body(await newest.get(f"/stories/{story['id']}", params={"include": "generation.attempts"}))
    for path in (f"stories/{story['id']}", f"children/{child['id']}", f"heroes/{hero['id']}"):
        answer = await stranger.get(path)
        assert answer.status_code == 404, f"{path}: {answer.status_code} {answer.text}"
    assert body(await newest.put(f"/stories/{story['id']}/rating", json={"rating": 10}))["rating"] == 10
    body(await newest.patch(f"/children/{shy['id']}", json={"name": "Noa", "gender": None}))
    again = await family.story(story_type="child", child_id=shy["id"], moral="kindness")
    written = [f"/children/{child['id']}", f"/heroes/{hero['id']}", f"/stories/{story['id']}"]
    if not keeps:
        written += [f"/children/{shy['id']}", f"/stories/{again['id']}", f"/heroes/{plain['id']}"]
    for path in written:
        assert (await newest.delete(path)).status_code == 204, path
