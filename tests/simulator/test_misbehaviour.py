"""The simulator fails on purpose: errors, connections that end, and answers that are no story."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tales.simulator.steps import STEPS
from tests.fixtures.waiting import until
from tests.simulator.conftest import PROMPT, Client

ENDLESS = {"hang", "hang-after-headers", "stall"}
DROPPED = {"drop", "drop-mid-stream"}


@pytest.mark.parametrize("step", [step for step in STEPS if step.isdigit()])
async def test_a_status_comes_with_openrouters_body(client: Client, step: str) -> None:
    got = await client.ask(f"sim/{step}")
    assert got.status == int(step)
    assert got.json["error"]["code"] == int(step)
    assert got.json["error"]["message"]


async def test_error_types_are_openrouters(client: Client) -> None:
    got = {step: (await client.ask(f"sim/{step}")).json["error"].get("metadata") for step in ("429", "500", "529")}
    assert got == {"429": {"error_type": "rate_limit_exceeded"}, "500": {"error_type": "server"}, "529": None}


@pytest.mark.parametrize("status", [429, 503])
async def test_a_hint_when_to_come_back_stands_in_header_and_body(client: Client, status: int) -> None:
    got = await client.ask(f"sim/{status}-retry-after-12")
    assert got.status == status
    assert got.headers["Retry-After"] == "12"
    assert got.json["error"]["availability"]["retry_after"] == 12


@pytest.mark.parametrize(("step", "status", "retryable"), [("unavailable", 503, True), ("gone", 404, False)])
async def test_availability_errors_have_no_code(client: Client, step: str, status: int, retryable: bool) -> None:
    got = await client.ask(f"sim/{step}")
    error = got.json["error"]
    assert got.status == error["http_status"] == status
    assert error["availability"]["retryable"] is retryable
    assert "code" not in error


async def test_some_errors_repeat_the_prompt(client: Client) -> None:
    moderation = await client.ask("sim/moderation")
    assert moderation.status == 403
    assert "kindness" in moderation.json["error"]["metadata"]["flagged_input"]
    raw = await client.ask("sim/raw")
    assert raw.status == 429
    assert PROMPT in raw.json["error"]["metadata"]["raw"]


async def test_an_error_can_hide_behind_http_200(client: Client) -> None:
    assert (await client.ask("sim/error-200")).json["error"]["code"] == 502
    choice = (await client.ask("sim/choice-error")).json["choices"][0]
    assert choice["finish_reason"] == "error"
    assert choice["error"]["code"] == 502
    assert choice["message"]["content"]


async def test_an_error_can_end_a_stream(client: Client) -> None:
    beside = (await client.ask("sim/error-mid-stream")).chunks
    assert beside[-1]["choices"][0]["finish_reason"] == "error"
    assert beside[-1]["error"]["code"] == 502
    alone = await client.ask("sim/error-empty-choices")
    assert alone.chunks[-1]["choices"] == []
    assert alone.chunks[-1]["error"]["code"] == "server_error"
    assert b"[DONE]" not in alone.body


async def test_an_unknown_step_names_the_known_ones(client: Client) -> None:
    got = await client.ask("sim/500-dance")
    assert got.status == 404
    assert "'dance'" in got.json["error"]["message"]
    assert "hang-after-headers" in got.json["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'{"model": "sim/ok"}', b'{"messages": [1]}', b"[" * 9999])
async def test_a_request_without_model_or_messages_is_invalid(client: Client, body: bytes) -> None:
    async with client.session.post(f"{client.simulator.url}/chat/completions", data=body) as response:
        assert response.status == 400


# Misbehaviour.


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("step", [step for step in STEPS.values() if step.form not in ENDLESS | DROPPED])
async def test_every_other_step_ends_by_itself(client: Client, step: Any, stream: bool) -> None:
    got = await client.ask(step.example, stream=stream)
    assert got.body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("step", sorted(DROPPED))
async def test_a_dropped_connection_is_an_error_for_the_client(client: Client, step: str, stream: bool) -> None:
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError)):
        await client.ask(f"sim/{step}", stream=stream)
    assert client.simulator.requests[-1].client_hung_up is False


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("step", sorted(ENDLESS))
async def test_an_endless_step_lasts_until_the_client_hangs_up(client: Client, step: str, stream: bool) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.ask(f"sim/{step}", stream=stream), 0.3)
    await until(lambda: client.simulator.requests[-1].client_hung_up)


async def test_a_stalled_story_is_marked_as_cancelled_and_still_has_a_price(client: Client) -> None:
    body = {"model": "sim/stall", "messages": [{"role": "user", "content": PROMPT}], "stream": True}
    async with client.session.post(f"{client.simulator.url}/chat/completions", json=body) as response:
        generation_id = response.headers["X-Generation-Id"]
        assert b"Lantern" in await response.content.read(20_000)
    await until(lambda: client.simulator.requests[-1].client_hung_up)
    data = (await client.get(f"/v1/generation?id={generation_id}")).json["data"]
    assert data["cancelled"] is True
    assert data["total_cost"] > 0


async def test_a_story_that_breaks_off_has_no_finish(client: Client) -> None:
    got = await client.ask("sim/eof")
    assert len(got.text) > 300
    assert {choice["finish_reason"] for chunk in got.chunks for choice in chunk["choices"]} == {None}
    assert b"[DONE]" not in got.body


async def test_answers_that_are_no_story_say_so_by_finish_or_text(client: Client) -> None:
    finishes = {}
    for step in ("empty", "blank", "length", "filter", "refusal", "short"):
        got = await client.ask(f"sim/{step}")
        last = [choice for chunk in got.chunks for choice in chunk["choices"]][-1]
        finishes[step] = (last["finish_reason"], last["native_finish_reason"], len(got.text.split()))
    assert finishes["empty"] == ("stop", "network_error", 0)
    assert finishes["blank"] == ("stop", "stop", 0)
    assert finishes["length"][:2] == ("length", "length")
    assert finishes["length"][2] > 100
    assert finishes["filter"] == ("content_filter", "SAFETY", 4)
    assert finishes["refusal"][2] == 9
    assert finishes["short"][2] == 3


async def test_odd_bytes_are_really_sent(client: Client) -> None:
    assert b"\\u0000" in (await client.ask("sim/nul")).body
    assert b"\\ud800" in (await client.ask("sim/surrogate")).body
    assert b"\xff\xfe\x80" in (await client.ask("sim/utf8")).body
    assert b": 1e100000" in (await client.ask("sim/usage-nonsense")).body
    assert b": NaN" in (await client.ask("sim/nan")).body
    assert b"[" * 2000 in (await client.ask("sim/deep")).body
    assert (await client.ask("sim/json")).body.startswith(b"  \n\n \n{")
    assert (await client.ask("sim/html")).headers["Content-Type"] == "text/html"


async def test_huge_answers_are_huge(client: Client) -> None:
    assert len((await client.ask("sim/huge")).body) > 20_000_000
    assert len((await client.ask("sim/huge-json")).json["choices"][0]["message"]["content"]) > 19_000_000


async def test_crumbs_add_up_to_the_story(client: Client) -> None:
    assert (await client.ask("sim/crumbs")).text == (await client.ask("sim/ok")).text


async def test_reasoning_comes_before_the_story(client: Client) -> None:
    got = await client.ask("sim/reasoning")
    assert got.chunks[0]["choices"][0]["delta"]["reasoning"] == "The"
    assert got.text == (await client.ask("sim/ok")).text
    assert got.chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


async def test_usage_can_stand_beside_a_choice(client: Client) -> None:
    last = (await client.ask("sim/usage-in-choices")).chunks[-1]
    assert last["choices"][0]["delta"]["content"] == ""
    assert last["usage"]["cost"] > 0


async def test_ids_can_repeat_or_be_missing(client: Client) -> None:
    ids = {(await client.ask("sim/dup-id")).headers["X-Generation-Id"] for _ in range(2)}
    assert len(ids) == 1
    got = await client.ask("sim/null-id")
    assert "X-Generation-Id" not in got.headers
    assert {chunk["id"] for chunk in got.chunks} == {None}
