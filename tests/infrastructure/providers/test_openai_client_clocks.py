"""How long a call may take: to connect, without a token, in all. And what counts as a token."""

from __future__ import annotations

import socket
import time

from tales.domain.failures import FailureKind
from tales.infrastructure.providers import streaming_call
from tales.infrastructure.providers.endpoint import Limits
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import DONE, HALF, JSON, STREAM, WHOLE, Now, ask, event, head, hear

COMMENT = b": OPENROUTER PROCESSING\n\n"


async def test_a_connection_that_is_never_made_ends_as_connect_timeout(clock: FakeClock) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with socket.socket() as first, socket.socket() as second:  # fill its queue: nobody takes them out
            for waiting in (first, second):
                waiting.setblocking(False)
                waiting.connect_ex(deaf.getsockname())
            observed = await ask(url, clock, limits=Limits(connect_timeout=0.3, token_timeout=0.1, deadline=5.0))
    assert observed.kind is FailureKind.CONNECT_TIMEOUT
    assert observed.answer.http_status is None


async def test_the_first_token_is_waited_for_from_when_the_request_is_sent(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + COMMENT, *[0.1, COMMENT] * 10)
    assert observed.kind is FailureKind.FIRST_TOKEN_TIMEOUT
    assert observed.answer.failure is not None
    assert "0.5 s" in observed.answer.failure.message


async def test_comments_blank_lines_and_empty_deltas_are_no_progress(clock: FakeClock) -> None:
    start = time.monotonic()
    observed = await hear(clock, head(STREAM) + HALF, *[0.1, COMMENT + event("") + b"\n\n"] * 20, WHOLE)
    assert observed.kind is FailureKind.IDLE_TIMEOUT
    assert observed.answer.text == "Once upon "
    assert time.monotonic() - start < 1.5


async def test_reasoning_is_progress_and_the_first_token(clock: FakeClock) -> None:
    thought = event(choices=[{"index": 0, "delta": {"reasoning_content": "Hm"}}])
    observed = await hear(clock, head(STREAM), *[thought, 0.1] * 8, WHOLE)
    assert observed.kind is None
    assert observed.answer.first_token_at == clock.now()


async def test_the_deadline_ends_a_healthy_stream(clock: FakeClock) -> None:
    limits = Limits(token_timeout=5.0, deadline=0.5)
    observed = await hear(clock, head(STREAM), *[HALF, 0.1] * 20, limits=limits)
    assert observed.kind is FailureKind.DEADLINE
    assert observed.answer.text.startswith("Once upon Once upon ")
    assert observed.answer.finish_reason is None


async def test_a_finished_answer_is_whole_though_the_stream_never_ends(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + HALF + event("", "stop"), Now.WAIT_FOR_EVER)
    assert observed.kind is None


async def test_after_done_the_connection_is_not_waited_for_long(clock: FakeClock) -> None:
    start = time.monotonic()
    observed = await hear(clock, head(STREAM) + WHOLE, Now.WAIT_FOR_EVER, limits=Limits(token_timeout=60.0))
    assert observed.kind is None
    assert time.monotonic() - start < streaming_call.DRAIN_TIMEOUT + 1.0


async def test_an_error_status_with_half_a_body_is_judged_by_its_status(clock: FakeClock) -> None:
    observed = await hear(clock, head(JSON, status="503 Busy") + b'{"error": {', Now.WAIT_FOR_EVER)
    assert observed.kind is FailureKind.OVERLOADED
    assert observed.body == {"raw": '{"error": {'}


async def test_a_json_body_that_stops_halfway_is_an_idle_timeout(clock: FakeClock) -> None:
    observed = await hear(clock, head(JSON) + b"  \n", 0.1, b'{"choices": [', Now.WAIT_FOR_EVER)
    assert observed.kind is FailureKind.IDLE_TIMEOUT
    assert observed.body == {"raw": '  \n{"choices": ['}


async def test_white_space_before_a_json_body_is_no_progress(clock: FakeClock) -> None:
    observed = await hear(clock, head(JSON), *[b"\n", 0.1] * 20)
    assert observed.kind is FailureKind.FIRST_TOKEN_TIMEOUT


async def test_done_without_a_finish_reason_is_half_an_answer(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + HALF + DONE)
    assert observed.kind is FailureKind.STREAM_INTERRUPTED
