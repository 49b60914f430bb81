"""What the users of other gateways and clients suffered from does not happen here. Each test names the complaint."""

from __future__ import annotations

import json
import time

import pytest

from tales.application.ports import ModelAnswer, ModelCall
from tales.domain.failures import FailureKind
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import (
    DONE,
    HALF,
    JSON,
    STREAM,
    WHOLE,
    Now,
    Step,
    ask,
    event,
    head,
    hear,
    saying,
)

K = FailureKind
ERROR = {"code": 429, "message": "Rate limit exceeded", "metadata": {"error_type": "rate_limit_exceeded"}}


async def test_omniroute_8210_error_chunk_with_empty_choices_is_a_failure(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + HALF + event(error=ERROR, choices=[]) + DONE)
    assert observed.kind is K.RATE_LIMITED
    assert observed.body["error"] == ERROR
    assert observed.body["choices"][0]["finish_reason"] is None


async def test_omniroute_8210_an_error_alone_is_a_failure_too(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + event(error=ERROR, choices=[]))
    assert observed.kind is K.RATE_LIMITED
    assert observed.answer.text == ""


async def test_eros_engine_181_a_mid_stream_error_is_no_clean_success(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + HALF + event("", "error", error=ERROR))
    assert observed.kind is K.RATE_LIMITED
    assert observed.answer.text == "Once upon "


async def test_eros_engine_181_nor_is_a_bare_finish_reason_error(clock: FakeClock) -> None:
    assert (await hear(clock, head(STREAM) + HALF + event("", "error") + DONE)).kind is K.PROVIDER_UNAVAILABLE


async def test_eros_engine_181_nor_one_in_a_choice_without_a_stream(clock: FakeClock) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": "Once"}, "error": ERROR}
    assert (await hear(clock, head(JSON) + json.dumps({"choices": [choice]}).encode())).kind is K.RATE_LIMITED


@pytest.mark.parametrize("end", [b"", DONE])
async def test_portkey_1797_an_upstream_that_drops_mid_answer_is_no_whole_answer(end: bytes, clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + HALF + end)
    assert observed.kind is K.STREAM_INTERRUPTED
    assert (observed.answer.text, observed.answer.finish_reason) == ("Once upon ", None)


async def test_zeroclaw_10436_a_healthy_stream_is_not_cut_by_the_time_without_a_token(clock: FakeClock) -> None:
    start = time.monotonic()
    observed = await hear(clock, head(STREAM), *[HALF, 0.1] * 8, WHOLE, limits=Limits(token_timeout=0.5))
    assert time.monotonic() - start > 0.6
    assert observed.kind is None


async def test_zeroclaw_10436_keep_alive_comments_are_no_progress(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM), *[b": OPENROUTER PROCESSING\n\n", 0.1] * 20)
    assert observed.kind is K.FIRST_TOKEN_TIMEOUT


async def test_litellm_28376_a_repeated_provider_id_is_passed_on_as_it_is(clock: FakeClock) -> None:
    async with saying(head(STREAM, "X-Generation-Id: chatcmpl-1") + WHOLE) as server:
        answers = await _call_twice(server.url, clock)
    assert [answer.provider_generation_id for answer in answers] == ["chatcmpl-1", "chatcmpl-1"]


async def test_litellm_39749_a_null_id_is_none_and_not_the_word(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + event("Once.", "stop", id=None) + DONE)
    assert (observed.answer.provider_generation_id, observed.ids) == (None, [])
    assert observed.body["id"] is None


async def test_cliproxyapi_2690_white_space_before_a_slow_json_answer_is_no_matter(clock: FakeClock) -> None:
    answer = {"choices": [{"message": {"content": "Once."}, "finish_reason": "stop"}]}
    observed = await hear(clock, head(JSON), b"\n", 0.05, b"  \n\n", 0.05, b"\n" + json.dumps(answer).encode())
    assert (observed.kind, observed.answer.text) == (None, "Once.")


@pytest.mark.parametrize("beside", [[], [{"index": 0, "delta": {"role": "assistant", "content": ""}}], None, ["odd"]])
async def test_litellm_16162_the_usage_and_cost_of_a_stream_are_kept(beside: list[object], clock: FakeClock) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 9, "cost": 0.0033789, "cost_details": None}
    body = HALF + event("", "stop") + event(usage=usage, choices=beside) + DONE
    observed = await hear(clock, head(STREAM) + body)
    assert observed.kind is None
    assert '"cost": 0.0033789' in json.dumps(observed.body["usage"])
    assert observed.body["choices"][0]["finish_reason"] == "stop"


async def test_litellm_14457_a_cut_call_keeps_the_usage_that_had_come(clock: FakeClock) -> None:
    observed = await hear(clock, head(STREAM) + event("Once", usage={"cost": 0.5}), Now.WAIT_FOR_EVER)
    assert observed.kind is K.IDLE_TIMEOUT
    assert observed.body["usage"] == {"cost": 0.5}


@pytest.mark.parametrize(
    "script",
    [
        [head(JSON, status="500 Oops") + b"{}"],
        [head(JSON, "Retry-After: 0", status="503 Busy") + b"{}"],
        [head("Location: /v1/chat/completions", status="307 Again")],
        [Now.RESET],
        [b""],
        [head(STREAM) + HALF, Now.RESET],
    ],
)
async def test_reyn_3047_one_call_is_one_request(script: list[Step], clock: FakeClock) -> None:
    async with saying(*script) as server:
        observed = await ask(server.url, clock)
    assert observed.kind is not None
    assert len(server.requests) == 1


async def test_reyn_3047_a_kept_connection_that_broke_meanwhile_is_not_called_again(clock: FakeClock) -> None:
    whole = head(STREAM, f"Content-Length: {len(WHOLE)}") + WHOLE
    async with saying(whole, Now.READ_ON, Now.RESET) as server:
        first, second = await _call_twice(server.url, clock)
    assert first.failure is None
    assert second.failure is not None
    assert second.failure.kind is K.CONNECTION
    assert len(server.requests) == 2


async def test_local_operator_223_empty_content_is_a_failure_though_it_says_stop(clock: FakeClock) -> None:
    shell = event("", "stop", choices=[{"delta": {"content": None}, "finish_reason": "stop"}])
    assert (await hear(clock, head(STREAM) + shell + DONE)).kind is K.EMPTY


async def test_a_refusal_that_stands_apart_from_the_text_is_one(clock: FakeClock) -> None:
    refusal = event(choices=[{"delta": {"content": None, "refusal": "I can't."}, "finish_reason": "stop"}])
    observed = await hear(clock, head(STREAM) + refusal + DONE)
    assert observed.kind is K.REFUSAL
    assert observed.body["choices"][0]["message"]["refusal"] == "I can't."


async def _call_twice(url: str, clock: FakeClock) -> list[ModelAnswer]:
    """One call after the other by the same client, which keeps its connections."""
    async with OpenAiCompatibleProvider(Endpoint(url), Limits(), clock) as provider:
        return [await provider.complete(ModelCall("m", "p", 3), _forget, _ignore) for _ in range(2)]


def _forget(_: str) -> None:
    pass


def _ignore(_: str) -> None:
    pass
