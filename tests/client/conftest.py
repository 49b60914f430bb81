"""The real service on a real socket, and both clients before it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import jwt
import pytest
import uvicorn
from uuid_utils.compat import uuid7

from tales.bootstrap import running_app
from tales.infrastructure.telemetry.logging import configure_logging
from tales.interfaces.api.app import create_app
from tales.settings import Settings
from tales.simulator.server import running_simulator
from tests.client.both import AnyClient, Kind, client_at
from tests.fixtures.databases import Database, copy_of
from tests.fixtures.server import Server
from tests.fixtures.waiting import until

SECRET = "a secret for tests, and long enough"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers at `address`."""

    address: str
    database: Database

    def new_family(self, **more: object) -> str:
        """The access token of a family that was not here before, as Supabase would give it; `more` are its claims."""
        user_id = str(uuid7())
        self.database.execute("insert into auth.users (id) values (%s)", user_id)
        claims = {
            "sub": user_id,
            "aud": "authenticated",
            "role": "authenticated",
            "exp": datetime.now(UTC) + timedelta(hours=1),
        }
        return jwt.encode(claims | more, SECRET, algorithm="HS256")


@contextmanager
def running_service(database: Database, *models: str) -> Iterator[Service]:
    """The API with a worker and a provider that plays scripts, in a thread of its own."""
    # As a server of its own does: what it logs is not among what a command in this process prints.
    configure_logging("error")
    started: list[tuple[uvicorn.Server, str]] = []
    ready = threading.Event()

    async def serve() -> None:
        async with (
            running_simulator() as simulator,
            running_app(_settings(database, simulator.url, models), with_worker=True) as app,
        ):
            config = uvicorn.Config(create_app(app.services), port=0, log_config=None, timeout_graceful_shutdown=2)
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            await until(lambda: server.started)
            port = server.servers[0].sockets[0].getsockname()[1]
            started.append((server, f"http://127.0.0.1:{port}"))
            ready.set()
            await serving

    def run() -> None:
        try:
            asyncio.run(serve())
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    server, address = started[0]
    try:
        yield Service(address, database)
    finally:
        server.should_exit = True
        thread.join()


def _settings(database: Database, provider: str, models: tuple[str, ...]) -> Settings:
    return Settings(
        database_url=database.owner_url, llm_base_url=provider, models=models, jwt_secret=SECRET, attempt_timeout=4
    )


ServiceWith: TypeAlias = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def service_with(database: Database) -> ServiceWith:
    """A service of the test's own, whose models are those that it names."""
    return lambda *models: running_service(database, *models)


@pytest.fixture(scope="module")
def service(server: Server, newest_template: str) -> Iterator[Service]:
    """A service that writes stories at once, shared by the tests of a module: each has a family of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("TALES_")]:
            patch.delenv(name)
        with copy_of(server, newest_template) as database, running_service(database, "sim/ok") as service:
            yield service


@pytest.fixture(params=list(Kind), ids=lambda kind: kind.value)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each test is run with both clients."""
    found: Kind = request.param
    return found


@pytest.fixture
async def tales(service: Service, kind: Kind) -> AsyncIterator[AnyClient]:
    """A client at the service, of a family that is signed in."""
    async with client_at(kind, service.address, token=service.new_family()) as client:
        yield client
