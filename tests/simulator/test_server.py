"""The simulator plays its scripts, over real sockets, and shows what it was asked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
import pytest

from tales.domain.family import Hero
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.prompt import write_prompt
from tales.domain.story_spec import StorySpec, StoryType
from tales.simulator.server import Simulator, running_simulator, serve_simulator
from tales.simulator.steps import STEPS, steps_table
from tests.fixtures.waiting import until
from tests.simulator.conftest import PROMPT, Client

# Conversations.


async def test_a_script_plays_from_failure_to_story_and_then_starts_over(client: Client) -> None:
    statuses = [(await client.ask("sim/500-503-ok")).status for _ in range(6)]
    assert statuses == [500, 503, 200, 500, 503, 200]


async def test_two_conversations_with_one_script_do_not_disturb_each_other(client: Client) -> None:
    first, second = "- child: “Mia”", "- child: “Noah”"
    statuses = [(await client.ask("sim/500-ok", prompt)).status for prompt in (first, second, first, second)]
    assert statuses == [500, 500, 200, 200]


async def test_a_script_that_ends_in_an_error_stays_there(client: Client) -> None:
    assert [(await client.ask("sim/ok-402")).status for _ in range(3)] == [200, 402, 402]


@pytest.mark.parametrize("prefix", ["", "/v1", "/api/v1"])
async def test_every_prefix_is_served(client: Client, prefix: str) -> None:
    base = f"http://127.0.0.1:{client.simulator.port}{prefix}"
    body = {"model": "sim/ok", "messages": [{"role": "user", "content": [{"type": "text", "text": PROMPT}]}]}
    async with client.session.post(f"{base}/chat/completions", json=body) as response:
        assert 'Mia "Mimi" Ü' in (await response.json())["choices"][0]["message"]["content"]
    assert (await client.get(f"{prefix}/models")).json["data"][0]["id"] == "sim/ok"


# Good answers.


async def test_a_streamed_story_looks_like_openrouters(client: Client) -> None:
    got = await client.ask("sim/ok")
    assert got.body.startswith(b": OPENROUTER PROCESSING\n\n")
    assert got.body.endswith(b"data: [DONE]\n\n")
    assert got.headers["Content-Type"] == "text/event-stream"
    assert {chunk["id"] for chunk in got.chunks} == {got.headers["X-Generation-Id"]}
    assert got.chunks[0]["id"].startswith("gen-")
    assert got.chunks[-2]["choices"][0]["finish_reason"] == "stop"
    last = got.chunks[-1]
    assert last["choices"] == []
    assert last["usage"]["cost"] > 0
    assert last["usage"]["cost_details"]["upstream_inference_cost"] == last["usage"]["cost"]
    assert "openrouter_metadata" not in last


async def test_a_story_passes_as_one_and_is_about_the_child(client: Client) -> None:
    parsed = parse_story((await client.ask("sim/ok")).text, "stop", minutes=30)
    assert isinstance(parsed, ParsedStory)
    assert parsed.title == 'Mia "Mimi" Ü and the Lantern in the Garden'


async def test_a_story_is_about_the_hero_where_there_is_no_child(client: Client) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    hero = Hero(id=uuid4(), user_id=uuid4(), name="Captain 'Zoe'", appearance="a red cape", created_at=now, version=1)
    got = await client.ask("sim/ok", write_prompt(StorySpec(StoryType.HERO, "courage", hero=hero)))
    assert got.text.startswith("Captain 'Zoe' and the Lantern")


async def test_metadata_comes_only_when_asked_for(client: Client) -> None:
    got = await client.ask("sim/ok", headers={"X-OpenRouter-Metadata": "enabled"})
    assert got.chunks[-1]["openrouter_metadata"]["attempt"] == 1
    error = await client.ask("sim/429", headers={"X-OpenRouter-Metadata": "enabled"})
    assert error.json["openrouter_metadata"]["attempt"] == 0


async def test_without_streaming_the_story_is_one_json_body(client: Client) -> None:
    got = await client.ask("sim/ok", stream=False)
    assert got.json["object"] == "chat.completion"
    assert got.json["choices"][0]["finish_reason"] == "stop"
    assert got.json["choices"][0]["message"]["content"] == (await client.ask("sim/ok")).text
    assert got.json["usage"]["cost"] > 0


async def test_a_slow_story_takes_its_time(client: Client) -> None:
    start = asyncio.get_running_loop().time()
    await client.ask("sim/slow-2")
    assert asyncio.get_running_loop().time() - start > 0.5


async def test_the_price_of_a_generation_can_be_asked_for(client: Client) -> None:
    got = await client.ask("sim/no-usage")
    assert all("usage" not in chunk for chunk in got.chunks)
    found = await client.get(f"/api/v1/generation?id={got.headers['X-Generation-Id']}")
    assert found.json["data"]["total_cost"] > 0
    assert found.json["data"]["cancelled"] is False
    assert (await client.get("/v1/generation?id=gen-nobody")).status == 404


# What it shows of itself.


async def test_requests_are_listed_without_keys(client: Client) -> None:
    await client.ask("sim/500-ok", headers={"Authorization": "Bearer secret"})
    listed = await client.get("/sim/requests")
    assert b"secret" not in listed.body
    assert listed.json[0] | {"received_at": "", "header_names": []} == {
        "model": "sim/500-ok",
        "received_at": "",
        "header_names": [],
        "messages": 1,
        "stream": True,
        "step": "500",
        "client_hung_up": False,
    }
    assert "Authorization" in listed.json[0]["header_names"]
    assert [seen.model for seen in client.simulator.requests] == ["sim/500-ok"]


async def test_the_front_page_shows_every_step(client: Client) -> None:
    page = (await client.get("/")).body.decode()
    assert steps_table() in page
    assert all(f"| `{form}` |" in page for form in STEPS)


async def test_it_serves_in_the_foreground_until_cancelled() -> None:
    ready: asyncio.Future[Simulator] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve_simulator("127.0.0.1", 0, ready.set_result))
    simulator = await ready
    async with aiohttp.ClientSession() as session:
        assert (await Client(simulator, session).ask("sim/ok")).status == 200
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_closes_while_a_client_waits() -> None:
    async with aiohttp.ClientSession() as session:
        async with running_simulator() as simulator:
            waiting = asyncio.create_task(Client(simulator, session).ask("sim/hang"))
            await until(lambda: simulator.requests)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await waiting
