"""A key, a prompt, a family's or a provider's words are in no failure, no log and no repr (litellm 35951)."""

from __future__ import annotations

import json
import logging

import pytest

from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tales.simulator.server import running_simulator
from tales.simulator.steps import STEPS
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import IMPATIENT, JSON, STREAM, Now, Step, ask, event, head, saying

KEY = "sk-canary-key"
HEADER = "canary-header"
WORDS = "canary-mia-and-her-dragon"
ERROR = {"code": WORDS, "message": WORDS, "metadata": {"raw": WORDS, "flagged_input": WORDS, "reasons": [WORDS]}}


def assert_silent(*texts: str) -> None:
    for text in texts:
        assert "canary" not in text


@pytest.mark.parametrize("form", [form for form in STEPS if not form.startswith("huge")])
async def test_whatever_happens_nothing_is_said_of_them(
    form: str, clock: FakeClock, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_simulator() as simulator:
        endpoint = Endpoint(simulator.url, KEY, {"X-Title": HEADER})
        observed = await ask(simulator.url, clock, STEPS[form].example, endpoint=endpoint, prompt=WORDS)
    assert_silent(repr(observed.answer.failure), caplog.text, *capfd.readouterr())


@pytest.mark.parametrize(
    "script",
    [
        [head(JSON, status="403 Forbidden") + json.dumps({"error": ERROR}).encode()],
        [head(JSON, f"Retry-After: {WORDS}", status=f"429 {WORDS}") + json.dumps({"error": WORDS}).encode()],
        [head(STREAM) + event("Once", error=ERROR, choices=[])],
        [head(STREAM) + b"data: {" + WORDS.encode() + b"\n\n"],
        [head(STREAM, f"Set-Cookie: {WORDS}", f"Location: {WORDS}", status="302 Found")],
        [f"{WORDS}\r\n\r\n".encode()],
        [f"HTTP/1.1 200 OK\r\n{WORDS}\r\n\r\n".encode()],
        [head(JSON) + WORDS.encode()],
        [head(STREAM, "Content-Length: 99") + WORDS.encode(), Now.RESET],
        [head(STREAM, f"Content-Encoding: {WORDS}") + WORDS.encode()],
    ],
)
async def test_nor_of_what_broken_or_talkative_servers_say(
    script: list[Step], clock: FakeClock, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with saying(*script) as server:
        observed = await ask(server.url, clock, endpoint=Endpoint(server.url, KEY, {"X-Title": HEADER}), prompt=WORDS)
    assert observed.answer.failure is not None
    assert_silent(repr(observed.answer.failure), caplog.text, *capfd.readouterr())


def test_no_repr_shows_the_key_or_the_headers(clock: FakeClock) -> None:
    endpoint = Endpoint("http://127.0.0.1:1", KEY, {"X-Title": HEADER})
    provider = OpenAiCompatibleProvider(endpoint, Limits(), clock)
    assert_silent(repr(endpoint), str(endpoint), repr(provider), repr(IMPATIENT))
    assert "http://127.0.0.1:1" in repr(endpoint)
