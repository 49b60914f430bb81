"""A call whose text nobody wants any more is ended at once, and what had come is kept."""

from __future__ import annotations

import asyncio

from tales.application.ports import ModelCall, TextRefused
from tales.domain.failures import Failure, FailureKind
from tales.infrastructure.providers.endpoint import Endpoint
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import HALF, IMPATIENT, STREAM, Now, head, saying


async def test_the_rest_is_not_waited_for_and_the_beginning_is_kept(clock: FakeClock) -> None:
    refusal = Failure(FailureKind.UNSUITABLE, "Not for children.")
    pieces: list[str] = []

    def take(piece: str) -> None:
        pieces.append(piece)
        raise TextRefused(refusal)

    async with (
        saying(head(STREAM) + HALF, Now.WAIT_FOR_EVER) as server,
        OpenAiCompatibleProvider(Endpoint(server.url), IMPATIENT, clock) as provider,
    ):
        started = asyncio.get_running_loop().time()
        answer = await provider.complete(ModelCall("m/one", "Tell a story.", 3), lambda _: None, take)

        assert asyncio.get_running_loop().time() - started < IMPATIENT.token_timeout
    assert answer.failure is not None
    assert (answer.failure.kind, answer.failure.message) == (FailureKind.UNSUITABLE, "Not for children.")
    assert answer.text == "Once upon "
    assert answer.full_response
    assert len(pieces) == 1
