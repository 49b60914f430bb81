"""Tales on a real socket, and a family that follows its stories."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from tales.bootstrap import App, running_app
from tales.domain.actor import Actor
from tales.interfaces.api.app import create_app
from tales.interfaces.api.http_protocol import HttpProtocol
from tales.settings import Settings
from tales.simulator.server import Simulator
from tests.fixtures.databases import Database

SECRET = "a secret for tests, and long enough"


@dataclass(frozen=True)
class Event:
    """A server-sent event; a comment has no name."""

    name: str
    id: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Served:
    """A server, and a client below /api/v3 that is signed in."""

    app: App
    client: httpx.AsyncClient
    child_id: str = ""

    async def ask(self, model: str | None = None) -> str:
        """The id of a new generation."""
        wish = {"story_type": "child", "child_id": self.child_id, "moral": "kindness", "story_length": 1}
        answer = await self.client.post("/generations", json=wish | ({"model": model} if model else {}))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["generation_id"])

    async def stream(
        self, generation_id: str, last: str | None = None, *, comments: bool = False
    ) -> AsyncGenerator[Event]:
        """The events of a generation, after `last`."""
        headers = {"Last-Event-ID": last} if last else {}
        async with self.client.stream("GET", f"/generations/{generation_id}/events", headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Accel-Buffering"] == "no"
            assert "Content-Encoding" not in answer.headers
            async for event in parsed(answer.aiter_lines()):
                if event.name or comments:
                    yield event

    async def events(self, generation_id: str, last: str | None = None) -> list[Event]:
        """All of them, to the end of the stream."""
        async with asyncio.timeout(30), aclosing(self.stream(generation_id, last)) as stream:
            return [event async for event in stream]

    async def first(self, generation_id: str, name: str, last: str | None = None, count: int = 1) -> list[Event]:
        """The events up to the `count`th of this name; then the client leaves."""
        seen: list[Event] = []
        async with asyncio.timeout(30), aclosing(self.stream(generation_id, last)) as stream:
            async for event in stream:
                seen.append(event)
                if [other.name for other in seen].count(name) == count:
                    return seen
        raise AssertionError(f"the stream ended without {name}: {seen}")

    async def generation(self, generation_id: str) -> dict[str, Any]:
        """How it stands."""
        return dict((await self.client.get(f"/generations/{generation_id}")).json())

    async def until_ended(self, generation_id: str) -> dict[str, Any]:
        """How it ended."""
        async with asyncio.timeout(30):
            while (generation := await self.generation(generation_id))["status"] == "pending":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return generation


async def parsed(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    """Server-sent events as the HTML standard reads them (section 9.2.6)."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield Event(fields.get("event", ""), fields.get("id", ""), json.loads(fields.get("data", "{}")))
            fields = {}


def text_of(events: list[Event], attempt: int = 1) -> str:
    """The text that deltas bring, joined."""
    return "".join(
        event.data["text"] for event in events if event.name == "delta" and event.data["attempt_number"] == attempt
    )


def settings(database: Database, simulator: Simulator, models: str, **changes: Any) -> Settings:
    """A process over this database and this provider."""
    facts: dict[str, Any] = {
        "database_url": database.owner_url,
        "llm_base_url": simulator.url,
        "models": tuple(models.split(",")),
        "jwt_secret": SecretStr(SECRET),
    }
    return Settings(**facts | changes)


@asynccontextmanager
async def served(app: App, quiet_seconds: float = 15.0) -> AsyncIterator[Served]:
    """`app` on a socket, and a family at its client."""
    services = replace(app.services, stream_events=replace(app.services.stream_events, quiet_seconds=quiet_seconds))
    api = create_app(services)
    config = uvicorn.Config(
        api, port=0, http=HttpProtocol, ws="none", log_config=None, lifespan="off", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- it tells nobody
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    actor = await services.sign_in.local_user()
    async with client_at(port, services.tokens.issue(actor)) as client:
        child = (await client.post("/children", json={"name": "Mia", "age": 6})).json()["id"]
        yield Served(app, client, child)
    server.should_exit = True
    await serving


def client_at(port: int, token: str) -> httpx.AsyncClient:
    """A client of the server at this port."""
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/api/v3", headers={"Authorization": f"Bearer {token}"}, timeout=20
    )


@asynccontextmanager
async def tales(
    database: Database, simulator: Simulator, models: str, *, with_worker: bool = True, **changes: Any
) -> AsyncIterator[Served]:
    """A whole process of Tales, in this one."""
    quiet_seconds = changes.pop("quiet_seconds", 15.0)
    async with (
        running_app(settings(database, simulator, models, **changes), with_worker=with_worker) as app,
        served(app, quiet_seconds) as family,
    ):
        yield family


def stranger_of(family: Served, user_id: Any) -> dict[str, str]:
    """The headers of somebody else."""
    return {"Authorization": f"Bearer {family.app.services.tokens.issue(Actor(user_id))}"}
