"""Whatever a provider answers over the wire, its attempt ends in the right state, and what can be stored is stored."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tales.application.request_generation import GenerationRequest, RequestGeneration
from tales.application.run_attempt import RunAttempt
from tales.application.worker import NoWorker
from tales.domain.actor import Actor
from tales.domain.generation import Attempt, Generation, Status
from tales.domain.repositories.attempt_queue import WorkerInfo
from tales.domain.retry import RetryPolicy
from tales.domain.story_spec import StoryType
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.simulator.server import Simulator
from tests.factories import add_user, new_child
from tests.fixtures.databases import Database
from tests.fixtures.recording import RecordingLog, RecordingPublisher
from tests.fixtures.time import FakeIds

CHILD = "Zephyrine"
KEY = "sk-canary-0123456789"
MiB = 1024 * 1024


class Writer:
    """Asks a simulated model for a story, once."""

    def __init__(
        self,
        transactions: SqlTransactions,
        queue: SqlAttemptQueue,
        ids: FakeIds,
        simulator: Simulator,
        provider: OpenAiCompatibleProvider,
    ) -> None:
        self.transactions = transactions
        self.queue = queue
        self.ids = ids
        self.simulator = simulator
        self.provider = provider
        self.log = RecordingLog()

    async def write(self, *models: str) -> Generation:
        """The generation, when all its attempts have ended."""
        actor = Actor(await add_user(self.transactions))
        async with self.transactions.as_user(actor) as work:
            child = await work.children.add(self.ids.new(), actor.user_id, new_child(name=CHILD))
            await work.commit()
        publisher = RecordingPublisher()
        policy = RetryPolicy(models, max_attempts=len(models))
        run = RunAttempt(self.queue, self.provider, policy, lambda *_: 0.0, self.ids, publisher, self.log)
        request = RequestGeneration(self.transactions, self.queue, NoWorker(publisher), self.ids, "test", models)
        wish = GenerationRequest(story_type=StoryType.CHILD, moral="kindness", child_id=child.id, story_length=1)
        generation = await request(actor, wish)
        worker = WorkerInfo(self.ids.new(), "test", "here", 1, concurrency=1)
        while generation.status is Status.PENDING:
            (claimed,) = await self.queue.claim(worker, 1)
            await run.save(claimed, await run.call(claimed))
            async with self.transactions.as_service() as work:
                found = await work.generations.get_generation(generation.generation_id, whole=True)
            assert found is not None
            generation = found
        return generation


@pytest.fixture
async def writer(
    transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, ids: FakeIds, simulator: Simulator
) -> AsyncIterator[Writer]:
    """A writer with a patience of 2 seconds: a busy machine needs some to read 20 MB."""
    limits = Limits(connect_timeout=5.0, token_timeout=2.0, deadline=60.0)
    async with OpenAiCompatibleProvider(Endpoint(simulator.url, KEY), limits, SystemClock()) as provider:
        yield Writer(transactions, attempt_queue, ids, simulator, provider)


def content_of(attempt: Attempt) -> str:
    """The text inside the stored response."""
    response = attempt.full_response
    assert isinstance(response, dict)
    return str(response["choices"][0]["message"]["content"])  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    ("model", "status", "error_type"),
    [
        ("sim/ok", Status.SUCCESS, None),
        ("sim/json", Status.SUCCESS, None),
        ("sim/nul", Status.SUCCESS, None),
        ("sim/surrogate", Status.SUCCESS, None),
        ("sim/utf8", Status.SUCCESS, None),
        ("sim/usage-nonsense", Status.SUCCESS, None),
        ("sim/nan", Status.SUCCESS, None),
        ("sim/no-usage", Status.SUCCESS, None),
        ("sim/usage-in-choices", Status.SUCCESS, None),
        ("sim/reasoning", Status.SUCCESS, None),
        ("sim/null-id", Status.SUCCESS, None),
        ("sim/dup-id", Status.SUCCESS, None),
        ("sim/huge", Status.FAILED, "response_too_large"),
        ("sim/huge-json", Status.FAILED, "response_too_large"),
        ("sim/empty", Status.FAILED, "empty"),
        ("sim/blank", Status.FAILED, "empty"),
        ("sim/length", Status.FAILED, "truncated"),
        ("sim/filter", Status.FAILED, "content_policy"),
        ("sim/refusal", Status.FAILED, "refusal"),
        ("sim/short", Status.FAILED, "too_short"),
        ("sim/garbage", Status.FAILED, "malformed_response"),
        ("sim/html", Status.FAILED, "malformed_response"),
        ("sim/drop", Status.FAILED, "connection"),
        ("sim/drop-mid-stream", Status.FAILED, "stream_interrupted"),
        ("sim/eof", Status.FAILED, "stream_interrupted"),
        ("sim/hang", Status.TIMEOUT, "first_token_timeout"),
        ("sim/hang-after-headers", Status.TIMEOUT, "first_token_timeout"),
        ("sim/stall", Status.TIMEOUT, "idle_timeout"),
        ("sim/401", Status.FAILED, "authentication"),
        ("sim/402", Status.FAILED, "payment_required"),
        ("sim/moderation", Status.FAILED, "content_policy"),
        ("sim/429", Status.FAILED, "rate_limited"),
        ("sim/503", Status.FAILED, "overloaded"),
        ("sim/504", Status.TIMEOUT, "provider_timeout"),
    ],
)
async def test_each_answer_ends_its_attempt_in_the_right_state(
    writer: Writer, model: str, status: Status, error_type: str | None
) -> None:
    generation = await writer.write(model)

    assert [(a.status, a.error_type) for a in generation.attempts] == [(status, error_type)]
    assert (generation.story_id is not None) is (status is Status.SUCCESS)
    assert len(writer.simulator.requests) == 1


async def test_a_nul_comes_back_out_of_the_database_as_it_came(writer: Writer) -> None:
    assert "\x00" in content_of((await writer.write("sim/nul")).latest)


async def test_a_lone_surrogate_comes_back_out_of_the_database_as_it_came(writer: Writer) -> None:
    assert "\ud800" in content_of((await writer.write("sim/surrogate")).latest)


async def test_a_usage_full_of_nonsense_is_unknown_and_not_lost(writer: Writer) -> None:
    attempt = (await writer.write("sim/usage-nonsense")).latest

    assert (attempt.prompt_tokens, attempt.completion_tokens, attempt.known_cost_usd) == (None, None, None)
    assert isinstance(attempt.full_response, dict)
    assert attempt.full_response["usage"]


@pytest.mark.parametrize("model", ["sim/huge", "sim/huge-json"])
async def test_of_an_answer_of_20_mb_as_much_is_kept_as_may_come(
    writer: Writer, database: Database, model: str
) -> None:
    await writer.write(model)

    (row,) = database.rows("select length(full_response::text) as kept from tales.generations")
    assert 8 * MiB < row["kept"] < 20 * MiB


@pytest.mark.parametrize("model", ["sim/drop-mid-stream", "sim/eof", "sim/stall", "sim/error-mid-stream"])
async def test_what_had_arrived_of_a_cut_call_is_kept(writer: Writer, model: str) -> None:
    attempt = (await writer.write(model)).latest

    assert attempt.status is not Status.SUCCESS
    assert CHILD in content_of(attempt)
    assert attempt.provider_generation_id is not None


async def test_three_calls_are_three_rows_and_the_story_names_the_third(writer: Writer) -> None:
    generation = await writer.write("sim/500-500-ok", "sim/500-500-ok", "sim/500-500-ok")

    assert [a.status for a in generation.attempts] == [Status.FAILED, Status.FAILED, Status.SUCCESS]
    assert len(writer.simulator.requests) == 3


@pytest.mark.parametrize("model", ["sim/raw", "sim/moderation", "sim/401", "sim/error-200", "sim/choice-error"])
async def test_litellm_35951_nobodys_words_and_no_key_reach_an_error_message_or_a_log(
    writer: Writer, database: Database, model: str
) -> None:
    await writer.write(model)

    (row,) = database.rows("select error_message, full_response::text as response from tales.generations")
    said = json.dumps([row["error_message"], repr(writer.log.events)])
    assert not any(word in said for word in (CHILD, "dragon", "kindness", KEY))
    assert KEY not in row["response"]
