"""A family with a child, a provider that says what a test tells it to, and the use cases over a real database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from tales.application.end_attempt import EndAttempt
from tales.infrastructure.events.live_generations import LiveGenerations

from tales.application.ports import ModelAnswer, ModelCall
from tales.application.request_generation import RequestGeneration, StoryWish
from tales.application.run_attempt import RunAttempt
from tales.domain.actor import Actor
from tales.domain.brief import StoryType
from tales.domain.failures import Failure
from tales.domain.generation import AttemptId, Generation
from tales.domain.retry import RetryPolicy
from tales.infrastructure.auth.passwords import Argon2Passwords
from tales.infrastructure.persistence.unit_of_work import SqlTransactions
from tests.factories import add_user, new_child, response
from tests.fixtures.time import FakeIds

MODELS = ("first/model", "second/model")
TEXT = "The Kind Dragon\n\n" + "Mia and the dragon shared the last biscuit under the moon. " * 12


def answer(text: str = TEXT, finish_reason: str | None = "stop", failure: Failure | None = None) -> ModelAnswer:
    """What a provider answers: a story, unless a test says otherwise."""
    return ModelAnswer(
        text=text,
        finish_reason=finish_reason,
        full_response=response(),
        http_status=200,
        provider_generation_id="gen-1",
        first_token_at=None,
        failure=failure,
    )


@dataclass
class ScriptedProvider:
    """Gives the next of its answers to each call, and remembers the calls."""

    answers: list[ModelAnswer] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def complete(
        self, call: ModelCall, on_provider_id: Callable[[str], Awaitable[None]], on_text: Callable[[str], None]
    ) -> ModelAnswer:
        self.calls.append(call)
        await on_provider_id("gen-1")
        if self.meanwhile is not None:
            await self.meanwhile()
        given = self.answers.pop(0) if self.answers else answer()
        on_text(given.text)
        return given


class RecordingTexts:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.pieces: list[tuple[AttemptId, str]] = []
        self.begun: list[AttemptId] = []
        self.finished: list[AttemptId] = []

    def begin(self, attempt: AttemptId) -> None:
        self.begun.append(attempt)

    def publish(self, attempt: AttemptId, text: str) -> None:
        self.pieces.append((attempt, text))

    def finish(self, attempt: AttemptId) -> None:
        self.finished.append(attempt)


@dataclass
class RecordingLog:
    """Keeps what was logged, as a log file would."""

    events: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, **facts: object) -> None:
        self.events.append(("info", event, facts))

    def warning(self, event: str, **facts: object) -> None:
        self.events.append(("warning", event, facts))

    def error(self, event: str, **facts: object) -> None:
        self.events.append(("error", event, facts))


@dataclass
class Workshop:
    """The flow of a story, step by step."""

    transactions: SqlTransactions
    request_generation: RequestGeneration
    run_attempt: RunAttempt
    end_attempt: EndAttempt
    provider: ScriptedProvider
    texts: RecordingTexts
    live: LiveGenerations
    log: RecordingLog
    actor: Actor
    child_id: UUID

    async def ask(self, **changes: object) -> Generation:
        """A wish for a story about the family's child."""
        facts: dict[str, object] = {"story_type": StoryType.CHILD, "moral": "kindness", "child_id": self.child_id}
        return await self.request_generation(self.actor, StoryWish(**facts | changes))  # type: ignore[arg-type]

    async def run(self, attempt: AttemptId) -> None:
        """What a worker does with the attempt's job."""
        await self.run_attempt(attempt, self.actor.user_id, job=1)

    async def look(self, generation_id: UUID) -> Generation:
        """How the generation stands."""
        async with self.transactions.as_service() as work:
            generation = await work.generations.get_generation(generation_id, whole=True)
        assert generation is not None
        return generation

    async def jobs_of(self, generation: Generation) -> list[bool]:
        """Whether each attempt has a job in the queue."""
        async with self.transactions.as_service() as work:
            return [await work.jobs.has_job(attempt.id) for attempt in generation.attempts]


@pytest.fixture
async def workshop(transactions: SqlTransactions, ids: FakeIds, live: LiveGenerations) -> Workshop:
    """A family with a child, and everything that makes stories but the queue's worker."""
    actor = Actor(await add_user(transactions))
    async with transactions.as_user(actor) as work:
        child = await work.children.add(ids.new(), actor.user_id, new_child())
        await work.commit()
    provider, texts, log = ScriptedProvider(), RecordingTexts(), RecordingLog()
    end_attempt = EndAttempt(RetryPolicy(MODELS, max_attempts=3), lambda _, high: high)
    run = RunAttempt(transactions, provider, end_attempt, ids, texts, live, log, keeping_delays=(0.0, 0.0))
    return Workshop(
        transactions,
        RequestGeneration(transactions, ids, MODELS),
        run,
        end_attempt,
        provider,
        texts,
        live,
        log,
        actor,
        child.id,
    )


@pytest.fixture(scope="session")
def passwords() -> Argon2Passwords:
    """Real hashes."""
    return Argon2Passwords()
