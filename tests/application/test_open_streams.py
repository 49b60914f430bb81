"""How many streams of events there are at a time is counted when they are asked for."""

from __future__ import annotations

import asyncio

import pytest

from tales.application.follow_generation import FollowGeneration
from tales.application.stream_events import OpenStreams, StreamEvents
from tales.domain.errors import NotFound, TooManyRequests
from tales.domain.limits import StreamLimits
from tales.infrastructure.providers.completion import story_text
from tests.application.conftest import Flow
from tests.fixtures.time import FakeIds


@pytest.fixture
def stream(flow: Flow) -> StreamEvents:
    """Streams, of which one user may have two."""
    limits = OpenStreams(StreamLimits(per_user=2))
    follow = FollowGeneration(flow.transactions, flow.hub)
    return StreamEvents(flow.transactions, follow, flow.hub, story_text, open_streams=limits)


async def test_of_those_that_are_asked_for_at_the_same_moment_no_more_are_let_in(
    flow: Flow, stream: StreamEvents
) -> None:
    async with flow.worker() as worker:
        asked = await flow.ask(worker)
        asking = (stream(flow.actor, asked.generation_id) for _ in range(10))
        answers = await asyncio.gather(*asking, return_exceptions=True)

    assert sum(isinstance(answer, TooManyRequests) for answer in answers) == 8


async def test_one_that_is_refused_or_never_read_keeps_no_place(flow: Flow, stream: StreamEvents, ids: FakeIds) -> None:
    async with flow.worker() as worker:
        asked = await flow.ask(worker)
        for _ in range(5):
            await stream(flow.actor, asked.generation_id)
            with pytest.raises(NotFound):
                await stream(flow.actor, ids.new())
