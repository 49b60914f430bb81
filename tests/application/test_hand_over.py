"""Who waits in the process that makes the calls is handed the result, and who streams hears of everything once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tales.application import stories
from tales.application.follow_generation import FollowGeneration
from tales.application.generate_story import GenerateStory
from tales.application.request_generation import GenerationRequest
from tales.application.stream_events import StreamEvents
from tales.application.worker import Worker
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Generation, Status
from tales.domain.progress import Event, GenerationEnded, TextDelta
from tales.domain.story_spec import StoryType
from tales.infrastructure.events.progress_publisher import ProgressPublisher
from tales.infrastructure.providers.completion import story_text
from tests.application.conftest import PATIENT, TEXT, Flow, Hold, answer
from tests.factories import response
from tests.fixtures.databases import statements_of
from tests.fixtures.waiting import until

BROKEN = Failure(FailureKind.SERVER_ERROR, "The provider failed.")
READS = ("from tales.generations", "join tales.live_text", "tales.children")


@asynccontextmanager
async def publishing_worker(flow: Flow) -> AsyncIterator[Worker]:
    """A worker whose process has those who follow, too."""
    publisher = ProgressPublisher(flow.transactions, flow.hub, flow.log)
    run = replace(flow.run_attempt, publisher=publisher)
    async with publisher.running(), flow.worker(times=PATIENT, run=run) as worker:
        yield worker


def reads(sent: list[str]) -> list[str]:
    """The statements that read a generation, its text or a child.

    But for those that keep a text as it is written, and the worker's look, now and then, whether it has its attempts.
    """
    asked = [statement.strip().lower() for statement in sent]
    return [
        one
        for one in asked
        if not one.startswith("insert") and "worker_id" not in one and any(read in one for read in READS)
    ]


async def test_who_waits_in_the_same_process_costs_no_read(flow: Flow) -> None:
    follow, hold = FollowGeneration(flow.transactions, flow.hub), Hold()
    async with publishing_worker(flow) as worker:
        await flow.end_of(await flow.ask(worker))  # the child is known from now on
        flow.provider.meanwhile = hold
        with statements_of(flow.transactions) as sent:
            waiting = [asyncio.create_task(follow.wait(flow.actor, await flow.ask(worker), 30)) for _ in range(3)]
            await until(lambda: hold.now == 3)
            hold.release(3)
            told = [await one for one in waiting]

    assert [generation.status for generation in told] == [Status.SUCCESS] * 3
    assert reads(sent) == []
    # What they are told is what the database has.
    for generation in told:
        assert summary(await flow.look(generation.generation_id)) == generation


def summary(generation: Generation) -> Generation:
    """A generation without what is long."""
    attempts = tuple(replace(attempt, prompt=None, full_response=None) for attempt in generation.attempts)
    return replace(generation, attempts=attempts)


async def test_who_waits_hears_of_the_retry_that_gives_the_story(flow: Flow) -> None:
    follow = FollowGeneration(flow.transactions, flow.hub)
    flow.provider.answers = [answer(failure=BROKEN), answer()]
    async with publishing_worker(flow) as worker:
        told = await follow.wait(flow.actor, await flow.ask(worker), 30)

    assert [attempt.status for attempt in told.attempts] == [Status.FAILED, Status.SUCCESS]
    assert summary(await flow.look(told.generation_id)) == told


async def test_a_story_is_written_while_its_family_waits(flow: Flow) -> None:
    follow = FollowGeneration(flow.transactions, flow.hub)
    wish = GenerationRequest(story_type=StoryType.CHILD, moral="kindness", child_id=flow.child_id)
    async with publishing_worker(flow) as worker:
        generate = GenerateStory(flow.transactions, replace(flow.request_generation, dispatcher=worker), follow)
        written = await generate(flow.actor, wish)

    assert written.story.title == "The Kind Dragon"


@pytest.mark.parametrize("fails", [False, True])
async def test_who_streams_hears_every_event_once_and_in_order(flow: Flow, fails: bool) -> None:
    follow = FollowGeneration(flow.transactions, flow.hub)
    stream = StreamEvents(flow.transactions, follow, flow.hub, story_text)
    hold = Hold()
    flow.provider.meanwhile = hold
    message = {"role": "assistant", "content": TEXT}
    whole = replace(answer(), full_response=response(choices=[{"index": 0, "message": message}]))
    flow.provider.answers = [answer(failure=BROKEN)] * fails + [whole]
    async with publishing_worker(flow) as worker:
        generation = await flow.ask(worker)
        events: list[Event] = []
        async for event in await stream(flow.actor, generation.generation_id):
            assert event is not None
            events.append(event)
            hold.release()

    cursors = [str(event.cursor) for event in events]
    assert len(set(cursors)) == len(cursors)
    assert isinstance(events[-1], GenerationEnded)
    assert events[-1].status is Status.SUCCESS
    last = 1 + fails
    text = "".join(e.text for e in events if isinstance(e, TextDelta) and e.cursor.attempt_number == last)
    assert text == TEXT


async def test_who_streams_after_the_story_was_deleted_is_told_of_none(flow: Flow) -> None:
    """The process that made it remembers how it ended, for whoever comes a moment later."""
    follow = FollowGeneration(flow.transactions, flow.hub)
    stream = StreamEvents(flow.transactions, follow, flow.hub, story_text)
    async with publishing_worker(flow) as worker:
        told = await follow.wait(flow.actor, await flow.ask(worker), 30)
        assert told.story_id is not None
        await stories.delete(flow.transactions, flow.actor, told.story_id)
        events = [event async for event in await stream(flow.actor, told.generation_id)]

    assert isinstance(events[-1], GenerationEnded)
    assert (events[-1].status, events[-1].story_id) == (Status.SUCCESS, None)
