"""No model is called for a row that the service did not make: the provider's own ledger says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from tales.application.reaper import Reaper
from tales.application.request_generation import GenerationRequest, RequestGeneration
from tales.application.run_attempt import RunAttempt
from tales.application.worker import NoWorker, Worker
from tales.domain.actor import Actor
from tales.domain.generation import Generation
from tales.domain.repositories.attempt_queue import GRACE, WorkerInfo
from tales.domain.retry import RetryPolicy
from tales.domain.story_spec import StoryType
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.ids import Uuid7Maker
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.simulator.server import Simulator
from tests.factories import add_user, new_child
from tests.fixtures.actors import acting, user
from tests.fixtures.databases import Database
from tests.fixtures.recording import RecordingLog, RecordingPublisher
from tests.fixtures.rows import attempt, insert
from tests.fixtures.waiting import until

MODEL = "sim/ok"
QUEUE = "test"


@dataclass
class Service:
    """The service at work over a real queue, with a simulated provider."""

    database: Database
    transactions: SqlTransactions
    queue: SqlAttemptQueue
    hub: ProgressHub
    simulator: Simulator

    async def ask(self, model: str = MODEL) -> Generation:
        """A wish of a new family's, as the service takes it."""
        actor = Actor(await add_user(self.transactions))
        async with self.transactions.as_user(actor) as work:
            child = await work.children.add(uuid4(), actor.user_id, new_child())
            await work.commit()
        wish = GenerationRequest(story_type=StoryType.CHILD, moral="kindness", child_id=child.id, story_length=1)
        dispatcher = NoWorker(RecordingPublisher())
        request = RequestGeneration(self.transactions, self.queue, dispatcher, Uuid7Maker(), QUEUE, (model,))
        return await request(actor, wish)

    async def put_in(self, **changes: object) -> UUID:
        """A row that a new user inserts as Supabase's REST endpoint would; the generation's id."""
        forger = await add_user(self.transactions)
        with self.database.connect() as connection, acting(connection, user(forger)):
            row = insert(connection, "generations", attempt(forger, prompt="Do as I say.", model_used=MODEL, **changes))
        return UUID(str(row["generation_id"]))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """With a worker, while the block runs."""
        limits = Limits(connect_timeout=5.0, token_timeout=5.0, deadline=30.0)
        async with OpenAiCompatibleProvider(Endpoint(self.simulator.url, "key"), limits, SystemClock()) as provider:
            reaper = self._reaper(provider)
            worker = Worker(WorkerInfo(uuid7(), QUEUE, "here", 1, concurrency=2), reaper, self.hub)
            async with worker.running():
                yield

    async def reap(self) -> int:
        """One round of the reaper; how many attempts it ended."""
        limits = Limits(connect_timeout=5.0, token_timeout=5.0, deadline=30.0)
        async with OpenAiCompatibleProvider(Endpoint(self.simulator.url, "key"), limits, SystemClock()) as provider:
            return await self._reaper(provider)()

    def grow_old(self, generation_id: UUID) -> None:
        """As if the row had been there for longer than the reaper leaves one alone."""
        with self.database.connect() as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute(
                "update tales.generations set created_at = created_at - make_interval(secs => %s)"
                " where generation_id = %s",
                [GRACE + 1, generation_id],
            )

    def fate(self, generation_id: UUID) -> list[tuple[str, str | None]]:
        """How the attempts of a generation stand."""
        query = "select status, error_type from tales.generations where generation_id = %s order by attempt_number"
        return [(row["status"], row["error_type"]) for row in self.database.rows(query, generation_id)]

    def _reaper(self, provider: OpenAiCompatibleProvider) -> Reaper:
        log = RecordingLog()
        policy = RetryPolicy((MODEL,), 3)
        run = RunAttempt(self.queue, provider, policy, lambda low, _high: low, Uuid7Maker(), RecordingPublisher(), log)
        return Reaper(self.queue, self.transactions, run, SystemClock(), log)


@pytest.fixture
def service(
    database: Database,
    transactions: SqlTransactions,
    attempt_queue: SqlAttemptQueue,
    hub: ProgressHub,
    simulator: Simulator,
) -> Service:
    return Service(database, transactions, attempt_queue, hub, simulator)


async def test_a_row_that_was_put_in_beside_the_service_is_never_sent_to_a_model(service: Service) -> None:
    forged = await service.put_in()
    async with service.working():
        honest = await service.ask()
        await until(lambda: service.fate(honest.generation_id) == [("success", None)])
        assert await service.reap() == 0, "the service itself may be about to say more of it"
        assert service.fate(forged) == [("pending", None)]
        service.grow_old(forged)
        assert await service.reap() == 1

    assert service.fate(forged) == [("failed", "not_enqueued")]
    assert service.fate(honest.generation_id) == [("success", None)]
    assert [request.model for request in service.simulator.requests] == [MODEL], "one call, for the honest wish"


async def test_what_a_user_who_was_erased_asked_for_makes_nobody_elses_call(service: Service) -> None:
    erased = await service.ask()
    service.database.execute("delete from auth.users where id = %s", erased.user_id)
    forged = await service.put_in(generation_id=erased.generation_id)
    assert forged == erased.generation_id

    async with service.working():
        honest = await service.ask()
        await until(lambda: service.fate(honest.generation_id) == [("success", None)])
    service.grow_old(forged)
    assert await service.reap() == 1

    assert service.fate(forged) == [("failed", "not_enqueued")]
    assert len(service.simulator.requests) == 1, "the honest wish's"


async def test_what_a_user_who_was_erased_had_in_a_workers_hands_makes_nobody_elses_story(service: Service) -> None:
    async with service.working():
        erased = await service.ask("sim/slow-5")
        await until(lambda: len(service.simulator.requests) == 1)
        await asyncio.to_thread(service.database.execute, "delete from auth.users where id = %s", erased.user_id)
        forged = await service.put_in(generation_id=erased.generation_id)

    assert service.fate(forged) == [("pending", None)]
    assert service.database.rows("select from tales.stories") == []
    assert len(service.simulator.requests) == 1
