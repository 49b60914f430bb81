"""The client against a provider that plays scripts: every way to behave ends as an answer, and none raises."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from decimal import Decimal

import psycopg
import pytest
import pytest_asyncio

from tales.application.ports import ModelCall
from tales.domain.failures import FailureKind
from tales.domain.generation import Json
from tales.infrastructure.postgres.escaping import unescape_json
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider, max_tokens
from tales.infrastructure.providers.streaming_call import StreamingCall
from tales.simulator.server import Simulator, running_simulator
from tales.simulator.steps import STEPS
from tests.fixtures.server import Server
from tests.fixtures.time import NOON, FakeClock
from tests.fixtures.waiting import until
from tests.infrastructure.providers.wire import IMPATIENT, ask, stored

K = FailureKind
KINDS = {
    "400": K.INVALID_REQUEST,
    "401": K.AUTHENTICATION,
    "402": K.PAYMENT_REQUIRED,
    "403": K.PERMISSION_DENIED,
    "404": K.MODEL_NOT_FOUND,
    "408": K.PROVIDER_TIMEOUT,
    "413": K.INVALID_REQUEST,
    "422": K.INVALID_REQUEST,
    "429": K.RATE_LIMITED,
    "500": K.SERVER_ERROR,
    "502": K.PROVIDER_UNAVAILABLE,
    "503": K.OVERLOADED,
    "504": K.PROVIDER_TIMEOUT,
    "524": K.PROVIDER_TIMEOUT,
    "529": K.OVERLOADED,
    "429-retry-after-N": K.RATE_LIMITED,
    "503-retry-after-N": K.OVERLOADED,
    "unavailable": K.OVERLOADED,
    "gone": K.MODEL_NOT_FOUND,
    "moderation": K.CONTENT_POLICY,
    "raw": K.RATE_LIMITED,
    "unsupported": K.INVALID_REQUEST,
    "error-200": K.PROVIDER_UNAVAILABLE,
    "choice-error": K.PROVIDER_UNAVAILABLE,
    "error-mid-stream": K.PROVIDER_UNAVAILABLE,
    "error-empty-choices": K.SERVER_ERROR,
    "hang": K.FIRST_TOKEN_TIMEOUT,
    "hang-after-headers": K.FIRST_TOKEN_TIMEOUT,
    "stall": K.IDLE_TIMEOUT,
    "drop": K.CONNECTION,
    "drop-mid-stream": K.STREAM_INTERRUPTED,
    "eof": K.STREAM_INTERRUPTED,
    "empty": K.EMPTY,
    "blank": K.EMPTY,
    "garbage": K.MALFORMED_RESPONSE,
    "html": K.MALFORMED_RESPONSE,
    "huge": K.RESPONSE_TOO_LARGE,
    "huge-json": K.RESPONSE_TOO_LARGE,
}
"""Every other step is passed on without a failure: whether its text makes a story is the domain's to say."""

ENDLESS = {"hang", "hang-after-headers", "stall"}
HALF_TOLD = {"choice-error", "error-mid-stream", "error-empty-choices", "stall", "drop-mid-stream", "eof"}


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as running:
        yield running


@pytest.mark.parametrize("form", STEPS)
async def test_each_step_of_the_simulator_ends_as_it_should(form: str, simulator: Simulator, clock: FakeClock) -> None:
    limits = IMPATIENT if form in ENDLESS else Limits(token_timeout=30.0)
    observed = await ask(simulator.url, clock, STEPS[form].example, limits=limits)
    assert observed.kind is KINDS.get(form)
    assert len(simulator.requests) == 1
    if form in HALF_TOLD:
        assert len(observed.answer.text) > 200
        assert observed.body["object"] == "chat.completion"
    if observed.kind is None:
        assert observed.answer.finish_reason in {"stop", "length", "content_filter"}
        assert observed.answer.first_token_at == NOON
        assert observed.answer.http_status == 200
    if observed.answer.failure is not None and form.isdigit():
        assert observed.answer.failure.http_status == observed.answer.http_status == int(form)


async def test_a_streamed_answer_is_kept_as_one_object_with_all_that_came(
    simulator: Simulator, clock: FakeClock
) -> None:
    observed = await ask(simulator.url, clock, "sim/ok")
    answer = observed.answer
    assert observed.ids == [answer.provider_generation_id] == [observed.body["id"]]
    assert observed.body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": answer.text},
            "finish_reason": "stop",
            "native_finish_reason": "stop",
            "logprobs": None,
        }
    ]
    assert observed.body["provider"] == "Simulator"
    assert observed.body["openrouter_metadata"]["attempt"] == 1
    assert observed.body["usage"]["completion_tokens"] > 0


async def test_one_json_body_gives_the_same_answer_as_a_stream(simulator: Simulator, clock: FakeClock) -> None:
    streamed = await ask(simulator.url, clock, "sim/ok")
    plain = await ask(simulator.url, clock, "sim/json")
    assert plain.answer.text == streamed.answer.text
    assert plain.body["usage"] == streamed.body["usage"]


async def test_reasoning_is_kept_but_not_told(simulator: Simulator, clock: FakeClock) -> None:
    observed = await ask(simulator.url, clock, "sim/reasoning")
    message = observed.body["choices"][0]["message"]
    assert message["reasoning"] == message["reasoning_details"][0]["text"] != ""
    assert message["reasoning"] not in observed.answer.text
    assert len(message["reasoning_details"]) == 1


@pytest.mark.parametrize("form", ["429-retry-after-7", "503-retry-after-7"])
async def test_the_provider_says_when_to_come_back(form: str, simulator: Simulator, clock: FakeClock) -> None:
    failure = (await ask(simulator.url, clock, f"sim/{form}")).answer.failure
    assert failure is not None
    assert (failure.retry_after, failure.retryable) == (7.0, True)


async def test_a_model_that_is_gone_is_not_worth_another_attempt(simulator: Simulator, clock: FakeClock) -> None:
    failure = (await ask(simulator.url, clock, "sim/gone")).answer.failure
    assert failure is not None
    assert failure.retryable is False


async def test_the_limit_of_size_keeps_what_had_come(simulator: Simulator, clock: FakeClock) -> None:
    limits = Limits(token_timeout=2.0, max_body_bytes=100_000)
    streamed = await ask(simulator.url, clock, "sim/huge", limits=limits)
    plain = await ask(simulator.url, clock, "sim/huge-json", limits=limits)
    assert streamed.kind is plain.kind is K.RESPONSE_TOO_LARGE
    assert 0 < len(streamed.answer.text) < 100_000
    assert len(plain.body["raw"].encode("utf-8", "surrogateescape")) == 100_000


async def test_connections_are_used_again(simulator: Simulator, clock: FakeClock) -> None:
    async with OpenAiCompatibleProvider(Endpoint(simulator.url), Limits(), clock) as provider:
        answers = [await provider.complete(ModelCall("sim/ok", str(n), 3), _forget, _ignore) for n in range(5)]
        session = provider._open_session()
        assert session.connector is not None
        assert sum(len(kept) for kept in session.connector._conns.values()) == 1
    assert all(answer.failure is None for answer in answers)
    assert len({answer.provider_generation_id for answer in answers}) == 5


async def test_many_calls_run_side_by_side(simulator: Simulator, clock: FakeClock) -> None:
    async with OpenAiCompatibleProvider(Endpoint(simulator.url), Limits(), clock) as provider:
        calls = [provider.complete(ModelCall("sim/ok", str(n), 3), _forget, _ignore) for n in range(150)]
        answers = await asyncio.gather(*calls)
    assert all(answer.failure is None for answer in answers)
    assert all(Decimal(repr(stored_cost(answer.full_response))) > 0 for answer in answers)


async def test_a_closed_provider_can_be_called_again(simulator: Simulator, clock: FakeClock) -> None:
    provider = OpenAiCompatibleProvider(Endpoint(simulator.url), Limits(), clock)
    await provider.close()
    for _ in range(2):
        answer = await provider.complete(ModelCall("sim/ok", "p", 3), _forget, _ignore)
        assert answer.failure is None
        await provider.close()


async def test_a_cancelled_call_hangs_up_and_lets_the_cancellation_through(
    simulator: Simulator, clock: FakeClock
) -> None:
    async with OpenAiCompatibleProvider(Endpoint(simulator.url), Limits(), clock) as provider:
        began = asyncio.Event()
        call = asyncio.create_task(provider.complete(ModelCall("sim/stall", "p", 3), _forget, lambda _: began.set()))
        await began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: simulator.requests[0].client_hung_up)


async def test_an_error_of_the_listener_is_not_the_providers(simulator: Simulator, clock: FakeClock) -> None:
    def broken(_: str) -> None:
        raise TimeoutError("the listener's")

    async with OpenAiCompatibleProvider(Endpoint(simulator.url), Limits(), clock) as provider:
        with pytest.raises(TimeoutError, match="the listener's"):
            await provider.complete(ModelCall("sim/ok", "p", 3), _forget, broken)


async def test_every_response_can_be_stored_in_postgresql(
    simulator: Simulator, clock: FakeClock, server: Server
) -> None:
    observed = [await ask(simulator.url, clock, STEPS[form].example) for form in STEPS if form not in ENDLESS]
    with psycopg.connect(server.superuser_url) as connection:
        for one in observed:
            row = connection.execute("select %s::jsonb", [stored(one.body)]).fetchone()
            assert row is not None
            # Numbers aside: JSONB writes 1e300 in full.
            assert _words_of(unescape_json(row[0])) == _words_of(one.body)


def test_the_longest_story_has_room_in_any_language() -> None:
    assert max_tokens(30) > 30 * 130 * 4
    assert max_tokens(1) > 1_500


def stored_cost(body: object) -> float:
    assert isinstance(body, dict)
    assert stored(body)
    cost = body["usage"]["cost"]
    assert isinstance(cost, float)
    return cost


def _words_of(body: Json) -> list[Json]:
    return [body.get("choices"), body.get("raw")] if isinstance(body, dict) else [body]


def _forget(_: str) -> None:
    pass


def _ignore(_: str) -> None:
    pass


async def test_a_call_leaves_nothing_behind_that_has_to_be_searched_for(simulator: Simulator, clock: FakeClock) -> None:
    """What refers to itself is freed by a search through everything, which keeps all calls waiting.

    A connection that breaks is another matter: aiohttp keeps its error, and the error all that led to it.
    """
    gc.collect()
    gc.disable()
    try:
        for model in ("sim/ok", "sim/500", "sim/stall", "sim/empty"):
            await ask(simulator.url, clock, model)
        left = [streaming_call for streaming_call in gc.get_objects() if isinstance(streaming_call, StreamingCall)]
    finally:
        gc.enable()
    assert left == []
