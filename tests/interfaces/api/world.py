"""A family at its client, and a model that writes what a test wants."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from httpx import AsyncClient, Response
from uuid_utils.compat import uuid7

from tales.application.ports import ModelAnswer, ModelCall
from tales.application.run_attempt import RunAttempt
from tales.domain.actor import Actor
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Attempt, AttemptRequest
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.repositories.attempt_queue import AttemptQueue, Cast, WorkerInfo
from tales.domain.repositories.limits import RequestRates
from tales.domain.repositories.unit_of_work import UnitOfWork
from tales.domain.retry import RetryPolicy
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.events.progress_publisher import ProgressPublisher
from tales.infrastructure.ids import Uuid7Maker
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import response

MODELS = ("first/model", "second/model")
QUEUE = "test"
SECRET = "a secret of thirty-two characters!"
PASSWORD = "correct horse battery"
TEXT = "The Kind Dragon\n\n" + "Mia and the dragon shared the last biscuit under the moon. " * 12
PROBLEM = "application/problem+json"


class Silence:
    """A log that nobody reads."""

    def info(self, event: str, **facts: object) -> None: ...

    def warning(self, event: str, **facts: object) -> None: ...

    def error(self, event: str, **facts: object) -> None: ...


class NoDatabase:
    """A database that a request must not get to (`tales.domain.repositories.unit_of_work.Transactions`)."""

    def as_user(self, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
        raise AssertionError

    def as_requester(self, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
        raise AssertionError

    def as_service(self) -> AbstractAsyncContextManager[UnitOfWork]:
        raise AssertionError


class NoQueue(AttemptQueue):
    """A queue that a request must not get to."""

    async def enqueue(
        self,
        actor: Actor,
        request: AttemptRequest,
        cast: Cast,
        worker_id: UUID | None = None,
        limits: GenerationLimits = NO_LIMITS,
    ) -> Attempt | None:
        raise AssertionError


class NoRates(RequestRates):
    """Nobody's requests are counted."""

    async def take(self, user_id: UUID, per_minute: int) -> float:
        raise AssertionError


@dataclass
class Model:
    """Writes a story, unless it is told to fail first."""

    failures: list[Failure] = field(default_factory=list)
    full_response: dict[str, Any] = field(default_factory=response)
    text: str = TEXT

    async def complete(
        self, call: ModelCall, on_provider_id: Callable[[str], None], on_text: Callable[[str], None]
    ) -> ModelAnswer:
        failure = self.failures.pop(0) if self.failures else None
        return ModelAnswer(
            text="" if failure else self.text,
            finish_reason=None if failure else "stop",
            full_response=None if failure else self.full_response,
            http_status=failure.http_status if failure else 200,
            provider_generation_id=None if failure else f"gen-{uuid7()}",
            first_token_at=None,
            failure=failure,
        )


class Worker:
    """Makes the calls of the generations that a test names, as a worker of this process does."""

    def __init__(self, transactions: SqlTransactions, queue: SqlAttemptQueue, hub: ProgressHub) -> None:
        self.model = Model()
        self._info = WorkerInfo(uuid7(), QUEUE, "test", os.getpid(), concurrency=1)
        self._queue = queue
        policy = RetryPolicy(MODELS, max_attempts=3)
        # Its rounds do not run: what other processes hear is no matter here.
        publisher = ProgressPublisher(transactions, hub, Silence())
        self._run = RunAttempt(queue, self.model, policy, lambda _low, _high: 0.0, Uuid7Maker(), publisher, Silence())
        self._transactions = transactions

    def will_fail(self, times: int = 1) -> None:
        """The next calls end without a story."""
        self.model.failures += [Failure(FailureKind.SERVER_ERROR, "The provider failed.", http_status=500)] * times

    async def run(self, generation_id: UUID | str) -> None:
        """Make the calls of a generation until it ends."""
        while claimed := await self._queue.claim(self._info, 1, [UUID(str(generation_id))]):
            for attempt in claimed:
                await self._run.save(attempt, await self._run.call(attempt))

    async def prompts(self, generation_id: UUID | str) -> list[str | None]:
        """What each call of a generation sent."""
        async with self._transactions.as_service() as work:
            generation = await work.generations.get_generation(UUID(str(generation_id)), whole=True)
        return [attempt.prompt for attempt in generation.attempts] if generation else []


@dataclass(frozen=True)
class Family:
    """A signed-in family, its client and the worker that serves it."""

    user_id: UUID
    client: AsyncClient
    worker: Worker

    async def add_child(self, **changes: Any) -> dict[str, Any]:
        body = {"name": "Mia", "age": 6, "interests": ["dragons"], "gender": "girl"} | changes
        return created(await self.client.post("/children", json=body))

    async def add_hero(self, **changes: Any) -> dict[str, Any]:
        body = {"name": "Captain Moon", "appearance": "a silver cape"} | changes
        return created(await self.client.post("/heroes", json=body))

    async def ask(self, **changes: Any) -> dict[str, Any]:
        """A generation that nobody has begun to work on."""
        body = changes if "story_type" in changes else await self.wish(**changes)
        answer = await self.client.post("/generations", json=body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def wish(self, **changes: Any) -> dict[str, Any]:
        """The body of a wish for a story about a new child."""
        child = await self.add_child()
        return {"story_type": "child", "child_id": child["id"], "moral": "kindness", "story_length": 3} | changes

    async def story(self, **changes: Any) -> dict[str, Any]:
        """A finished story."""
        generation = await self.ask(**changes)
        await self.worker.run(generation["generation_id"])
        ended = (await self.client.get(f"/generations/{generation['generation_id']}")).json()
        return dict((await self.client.get(f"/stories/{ended['story_id']}")).json())


def created(answer: Response) -> dict[str, Any]:
    """What was created, which `Location` names."""
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"].endswith(f"/{answer.json()['id']}")
    return dict(answer.json())


def problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    """The problem that `answer` is (RFC 9457)."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body.get("code")) == (status, code), answer.text
    assert answer.headers["Content-Type"] == PROBLEM
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert body["status"] == status
    assert body["type"] == f"/problems/{code}"
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


def refused(answer: Response, *fields: str) -> dict[str, Any]:
    """The problem of a request that is refused for exactly these fields."""
    body = problem(answer, 422, "invalid_input")
    assert [error["field"] for error in body["errors"]] == list(fields)
    assert body["field"] == fields[0]
    assert all(error["detail"] for error in body["errors"])
    return body


def client_of(app: Any, path: str = "", token: str | None = None, client: str = "127.0.0.1") -> AsyncClient:
    """A client of `app` below `path`, at the network address `client`."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(app, client=(client, 50_000))
    return AsyncClient(transport=transport, base_url=f"http://tales.test{path}", headers=headers)
