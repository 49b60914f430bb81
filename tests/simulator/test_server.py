"""The simulator plays its scripts, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tales.domain.family import Hero
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.prompt import write_prompt
from tales.domain.story_spec import StorySpec, StoryType
from tales.simulator.script import ScriptStep, Turns, UnknownStep, parse_script
from tales.simulator.server import Simulator, running_simulator, serve_simulator
from tales.simulator.steps import STEPS, steps_table
from tests.fixtures.waiting import until

PROMPT = 'Write a bedtime story.\n- child: "Mia \\"Mimi\\" Ü"\n- moral of the story: "kindness"\n'
ENDLESS = {"hang", "hang-after-headers", "stall"}
DROPPED = {"drop", "drop-mid-stream"}


@dataclass
class Got:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def chunks(self) -> list[Any]:
        events = [event for event in self.body.decode().split("\n\n") if event.startswith("data: {")]
        return [json.loads(event.removeprefix("data: ")) for event in events]

    @property
    def text(self) -> str:
        deltas = [choice["delta"] for chunk in self.chunks for choice in chunk["choices"]]
        return "".join(delta["content"] for delta in deltas)


class Client:
    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session

    async def ask(
        self, model: str, prompt: str = PROMPT, *, stream: bool = True, headers: dict[str, str] | None = None
    ) -> Got:
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": stream}
        url = f"{self.simulator.url}/chat/completions"
        async with self.session.post(url, json=body, headers=headers) as response:
            return Got(response.status, response.headers, await response.read())

    async def get(self, path: str) -> Got:
        url = f"http://{self.simulator.host}:{self.simulator.port}{path}"
        async with self.session.get(url) as response:
            return Got(response.status, response.headers, await response.read())


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with running_simulator() as simulator, aiohttp.ClientSession() as session:
        yield Client(simulator, session)


# The grammar of scripts and whose turn it is.


def test_a_script_is_read_step_by_step_and_the_longest_form_wins() -> None:
    script = parse_script("sim/500-429-retry-after-7-slow-20-error-mid-stream-huge-json-ok", STEPS)
    assert script == (
        ScriptStep("500"),
        ScriptStep("429-retry-after-N", 7),
        ScriptStep("slow-MS", 20),
        ScriptStep("error-mid-stream"),
        ScriptStep("huge-json"),
        ScriptStep("ok"),
    )


@pytest.mark.parametrize(
    "model", ["sim/", "sim/ok-", "sim/slow", "sim/slow-fast", "sim/418", "gpt-4o", "", "sim/429-retry-after-9999999"]
)
def test_what_is_no_script_is_refused(model: str) -> None:
    with pytest.raises(UnknownStep):
        parse_script(model, STEPS)


def test_every_form_can_be_parsed_back_from_its_example() -> None:
    for step in STEPS.values():
        assert [parsed.form for parsed in parse_script(step.example, STEPS)] == [step.form]


def test_the_last_step_repeats_or_the_script_starts_over() -> None:
    turns = Turns()
    assert [turns.take("a", 3, starts_over=False) for _ in range(5)] == [0, 1, 2, 2, 2]
    assert [turns.take("b", 3, starts_over=True) for _ in range(5)] == [0, 1, 2, 0, 1]


def test_the_oldest_conversations_are_forgotten() -> None:
    turns = Turns(capacity=2)
    for conversation in "abc":
        turns.take(conversation, 2, starts_over=False)
    assert turns.take("a", 2, starts_over=False) == 0
    assert turns.take("c", 2, starts_over=False) == 1


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


# Errors.


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
