"""No model is called for a row that the service did not make: the provider's own ledger says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import structlog
from tales.application.end_attempt import EndAttempt
from tales.application.sweep import GRACE, Sweep
from tales.infrastructure.events.live_generations import LiveGenerations
from tales.infrastructure.queue.worker import Worker

from tales.application.request_generation import RequestGeneration, StoryWish
from tales.application.run_attempt import RunAttempt
from tales.domain.actor import Actor
from tales.domain.brief import StoryType
from tales.domain.generation import Generation
from tales.domain.retry import RetryPolicy
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.ids import Uuid7Maker
from tales.infrastructure.persistence.unit_of_work import SqlTransactions
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tales.infrastructure.providers.simulator.server import Simulator
from tests.application.conftest import RecordingTexts
from tests.factories import add_user, new_child
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock
from tests.infrastructure.persistence.actors import acting, user
from tests.infrastructure.persistence.rows import attempt, insert

MODEL = "sim/ok"


@dataclass
class Service:
    """The service at work over a real queue, with a simulated provider."""

    database: Database
    transactions: SqlTransactions
    live: LiveGenerations
    simulator: Simulator
    end_attempt: EndAttempt

    async def ask(self) -> Generation:
        """A wish of a new family's, as the service takes it."""
        actor = Actor(await add_user(self.transactions))
        async with self.transactions.as_user(actor) as work:
            child = await work.children.add(uuid4(), actor.user_id, new_child())
            await work.commit()
        wish = StoryWish(story_type=StoryType.CHILD, moral="kindness", child_id=child.id, story_length=1)
        return await RequestGeneration(self.transactions, Uuid7Maker(), (MODEL,))(actor, wish)

    async def put_in(self, **changes: object) -> UUID:
        """A row that a new user inserts as Supabase's REST endpoint would; the generation's id."""
        forger = await add_user(self.transactions)
        with self.database.connect() as connection, acting(connection, user(forger)):
            row = insert(connection, "generations", attempt(forger, prompt="Do as I say.", model_used=MODEL, **changes))
        return UUID(str(row["generation_id"]))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """With a worker, while the block runs."""
        log = structlog.get_logger("test")
        limits = Limits(connect_timeout=5.0, token_timeout=5.0, deadline=30.0)
        async with OpenAiCompatibleProvider(Endpoint(self.simulator.url, "key"), limits, SystemClock()) as provider:
            run = RunAttempt(
                self.transactions, provider, self.end_attempt, Uuid7Maker(), RecordingTexts(), self.live, log
            )
            async with Worker(self.database.app_url, Lane("test"), run, 2, log).running():
                yield

    async def sweep(self) -> int:
        """One round of the sweep, in a while; how many attempts it ended."""
        clock = FakeClock(datetime.now(UTC) + timedelta(seconds=GRACE + 5))
        return await Sweep(self.transactions, self.end_attempt, clock, RecordingTexts(), structlog.get_logger("test"))()

    async def until_no_job_waits(self) -> None:
        """The worker has taken whatever there was."""
        async with asyncio.timeout(20):
            while self.database.rows("select from tales_queue.pgqueuer"):  # noqa: ASYNC110 -- the database tells nobody
                await asyncio.sleep(0.05)

    def fate(self, generation_id: UUID) -> list[tuple[str, str | None]]:
        """How the attempts of a generation stand."""
        query = "select status, error_type from tales.generations where generation_id = %s order by attempt_number"
        return [(row["status"], row["error_type"]) for row in self.database.rows(query, generation_id)]


@pytest.fixture
def service(database: Database, transactions: SqlTransactions, live: LiveGenerations, simulator: Simulator) -> Service:
    return Service(
        database, transactions, live, simulator, EndAttempt(RetryPolicy((MODEL,), 3), lambda low, _high: low)
    )


async def test_a_row_that_was_put_in_beside_the_service_is_never_sent_to_a_model(service: Service) -> None:
    forged = await service.put_in()
    async with service.working():
        honest = await service.ask()
        await service.until_no_job_waits()
        assert await service.sweep() == 1

    assert service.fate(forged) == [("failed", "not_enqueued")]
    assert service.fate(honest.generation_id) == [("success", None)]
    assert [request.model for request in service.simulator.requests] == [MODEL], "one call, for the honest wish"


async def test_the_job_of_a_user_who_was_erased_makes_nobody_elses_call(service: Service) -> None:
    erased = await service.ask()
    service.database.execute("delete from auth.users where id = %s", erased.user_id)
    forged = await service.put_in(generation_id=erased.generation_id)
    assert forged == erased.generation_id

    async with service.working():
        await service.until_no_job_waits()
    assert await service.sweep() == 1

    assert service.fate(forged) == [("failed", "not_enqueued")]
    assert list(service.simulator.requests) == []
