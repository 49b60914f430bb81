"""A local model whose process died writes again, and a row says that it had died."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

from tales.application.ports import ModelAnswer, ModelCall
from tales.domain.failures import FailureKind
from tales.domain.retry import RetryPolicy
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.providers.endpoint import Limits
from tales.infrastructure.providers.local_model import (
    DEFAULT_NAME,
    LocalModel,
    LocalModelUnusable,
    running_local_model,
)
from tales.infrastructure.providers.local_model_provider import LocalModelProvider
from tests.fixtures.waiting import until

LIMITS = Limits(token_timeout=20.0, deadline=30.0)


@dataclass
class Starts:
    """Starts real models, and counts; `broken` makes the next starts fail."""

    count: int = 0
    broken: bool = False
    models: list[LocalModel] = field(default_factory=list)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[LocalModel]:
        self.count += 1
        if self.broken:
            raise LocalModelUnusable
        async with running_local_model(context_tokens=256) as model:
            self.models.append(model)
            yield model

    def kill(self) -> None:
        """Kill the process that was started last."""
        psutil.Process(self.models[-1].process.pid).kill()


async def ask(provider: LocalModelProvider, writes: asyncio.Event | None = None) -> ModelAnswer:
    """One call; `writes` is set when its first words are there."""

    def ignore(_: str) -> None: ...

    def hear(_: str) -> None:
        if writes is not None:
            writes.set()

    return await provider.complete(ModelCall(DEFAULT_NAME, "Say good night.", 1), ignore, hear)


def kind(answer: ModelAnswer) -> FailureKind | None:
    return answer.failure.kind if answer.failure else None


async def test_a_model_that_died_between_two_calls_fails_one_of_them_and_is_started_again() -> None:
    starts = Starts()
    async with LocalModelProvider(starts, LIMITS, SystemClock()) as provider:
        starts.kill()
        assert await starts.models[0].ends_within(5)

        met_dead = await ask(provider)
        after = await ask(provider)

    assert kind(met_dead) is FailureKind.PROVIDER_UNAVAILABLE
    assert met_dead.failure is not None
    assert RetryPolicy((DEFAULT_NAME,)).next_attempt([DEFAULT_NAME], met_dead.failure, lambda low, _: low) is not None
    assert after.failure is None
    assert after.text
    assert starts.count == 2


async def test_a_prompt_whose_arc_is_of_the_former_version_fails_for_good_and_is_not_written_freely() -> None:
    prompt = "Write.\n\nTell this story, with a few gentle words of your own for each ___:\n\nMia saw ___."
    starts = Starts()

    answer = await LocalModelProvider(starts, LIMITS, SystemClock()).complete(
        ModelCall(DEFAULT_NAME, prompt, 1), lambda _: None, lambda _: None
    )

    assert kind(answer) is FailureKind.INVALID_REQUEST
    assert answer.failure is not None
    assert RetryPolicy((DEFAULT_NAME,)).next_attempt([DEFAULT_NAME], answer.failure, lambda low, _: low) is None
    assert starts.count == 0


async def test_the_attempt_after_one_that_was_cut_off_finds_a_model() -> None:
    starts, writes = Starts(), asyncio.Event()
    async with LocalModelProvider(starts, LIMITS, SystemClock()) as provider:
        writing = asyncio.create_task(ask(provider, writes))
        await writes.wait()
        starts.kill()

        cut, after = await writing, await ask(provider)

    assert kind(cut) in {FailureKind.CONNECTION, FailureKind.STREAM_INTERRUPTED}
    assert after.failure is None
    assert starts.count == 2


async def test_two_calls_that_are_cut_off_together_start_it_once() -> None:
    starts = Starts()
    both = asyncio.Event(), asyncio.Event()
    async with LocalModelProvider(starts, LIMITS, SystemClock()) as provider:
        writing = [asyncio.create_task(ask(provider, writes)) for writes in both]
        await asyncio.gather(*(writes.wait() for writes in both))
        starts.kill()

        cut = await asyncio.gather(*writing)
        after = await ask(provider)

    assert all(answer.failure for answer in cut)
    assert after.failure is None
    assert starts.count == 2


async def test_a_model_that_cannot_be_started_is_tried_after_pauses_that_grow_and_comes_back() -> None:
    starts = Starts()
    async with LocalModelProvider(starts, LIMITS, SystemClock(), pause=1.0) as provider:
        starts.broken = True
        starts.kill()
        assert await starts.models[0].ends_within(5)

        answers = [await ask(provider) for _ in range(50)]

        assert {kind(answer) for answer in answers} == {FailureKind.PROVIDER_UNAVAILABLE}
        assert starts.count == 2, "calls that come quicker than the pause start nothing"
        waits = [answer.failure.retry_after for answer in answers if answer.failure and answer.failure.retry_after]
        assert waits
        assert max(waits) <= 1.0

        starts.broken = False

        async def answers_again() -> bool:
            return (await ask(provider)).failure is None

        await until(answers_again)
    assert starts.count == 3


async def test_nothing_is_left_when_it_is_closed_during_a_start() -> None:
    before = {child.pid for child in psutil.Process().children()}
    starts = Starts()
    async with LocalModelProvider(starts, LIMITS, SystemClock()) as provider:
        starts.kill()
        assert await starts.models[0].ends_within(5)
        await ask(provider)

    assert {child.pid for child in psutil.Process().children()} == before
