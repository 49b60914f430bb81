"""A parameter that a model refuses is named, and left out the next time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tales.application.ports import ModelAnswer, ModelCall
from tales.domain.failures import FailureKind
from tales.domain.model_parameters import PARAMETERS
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tales.infrastructure.providers.parameters import ParameterMemory, changed, refused_parameters
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import JSON, STREAM, WHOLE, Server, head, saying

SENT = ("model", "messages", "max_tokens", "temperature", "stream", "stream_options")


def openai(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


INSTEAD = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
EXTRA = {"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}
UPSTREAM = json.dumps(openai("Unsupported value: 'temperature' does not support 0.8 with this model.", "temperature"))

REFUSALS: list[tuple[Any, dict[str, str | None]]] = [
    (openai("Unsupported parameter: 'max_tokens'", None, "unsupported_parameter"), {"max_tokens": None}),
    (openai(INSTEAD, "max_tokens", "unsupported_parameter"), {"max_tokens": "max_completion_tokens"}),
    (openai(INSTEAD.replace("'", "`")), {"max_tokens": "max_completion_tokens"}),
    (openai("Unsupported value", "temperature", "unsupported_value"), {"temperature": None}),
    (openai("`temperature` is deprecated for this model."), {"temperature": None}),
    (openai("Only the default (1) value is supported for temperature"), {"temperature": None}),
    (openai("property 'stream_options' is unsupported"), {"stream_options": None}),
    (
        openai('Invalid JSON payload received. Unknown name "stream_options": Cannot find field.'),
        {"stream_options": None},
    ),
    (
        openai("Unknown parameter: stream_options.include_usage", "stream_options.include_usage"),
        {"stream_options": None},
    ),
    ({"detail": [EXTRA | {"input": {"include_usage": True}}]}, {"stream_options": None}),
    ({"object": "error", "message": {"detail": [EXTRA]}}, {"stream_options": None}),
    ({"error": "unknown field max_tokens"}, {"max_tokens": None}),
    ({"message": "temperature is not supported"}, {"temperature": None}),
    (
        {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": UPSTREAM}}},
        {"temperature": None},
    ),
    (openai("max_tokens is too large: 2584. This model supports at most 1024."), {"max_tokens": None}),
    (openai("Unsupported parameters: max_tokens, temperature"), {"max_tokens": None, "temperature": None}),
    (
        openai("Your organization must be verified to stream this model.", "stream", "unsupported_value"),
        {"stream": None},
    ),
    ({"raw": "unsupported parameter: temperature"}, {"temperature": None}),
]


@pytest.mark.parametrize(("body", "refused"), REFUSALS)
def test_a_refused_parameter_is_known_by_its_name(body: Any, refused: dict[str, str | None]) -> None:
    assert refused_parameters(body, SENT) == refused


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        openai("The model is overloaded."),
        openai("Invalid prompt: Mia likes the temperature of the sea"),
        openai("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."),
        openai("The stream was closed in an unexpected way."),
        openai("Unsupported parameter: 'top_p'", "top_p"),
        openai("Unsupported parameter: 'max_completion_tokens'", "max_completion_tokens"),
        {"error": {"message": "no", "metadata": {"flagged_input": "unsupported temperature", "reasons": []}}},
        {"detail": [{"msg": "field required", "loc": ["body", "input"], "input": "temperature is invalid"}]},
        {"choices": [{"message": {"content": "The temperature is invalid"}}]},
        [[[["temperature"]]]],
    ],
)
def test_an_error_about_something_else_names_none(body: Any) -> None:
    assert refused_parameters(body, SENT) == {} or "temperature of the sea" in str(body)


def test_what_was_not_sent_was_not_refused() -> None:
    assert refused_parameters(openai(INSTEAD, "max_tokens"), ("model", "messages", "max_completion_tokens")) == {}


def test_one_parameter_takes_anothers_place_until_it_is_refused_too() -> None:
    fields: dict[str, Any] = {"model": "m", "max_tokens": 5, "stream": True, "stream_options": {}}
    memory = ParameterMemory(["temperature"])
    assert memory.of("m") == {"temperature": None}
    memory.learn("m", {"max_tokens": "max_completion_tokens"})
    assert changed(fields, memory.of("m")) == {
        "model": "m",
        "max_completion_tokens": 5,
        "stream": True,
        "stream_options": {},
    }
    memory.learn("m", {"max_completion_tokens": None})
    assert "max_completion_tokens" not in changed(fields, memory.of("m"))
    assert changed(fields, memory.of("another")) == fields
    assert changed(fields, {"stream": None}) == {"model": "m", "max_tokens": 5}


def refusing(body: Any, status: str = "400 Bad Request") -> bytes:
    text = json.dumps(body).encode()
    return head(JSON, f"Content-Length: {len(text)}", status=status) + text


async def _ask_often(server: Server, clock: FakeClock, *models: str) -> list[ModelAnswer]:
    async with OpenAiCompatibleProvider(Endpoint(server.url), Limits(token_timeout=5.0), clock) as provider:
        return [await provider.complete(ModelCall(model, "p", 3), lambda _: None, lambda _: None) for model in models]


def _sent(server: Server) -> list[Any]:
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.requests]


@pytest.mark.parametrize("status", ["400 Bad Request", "422 Unprocessable Entity", "200 OK"])
async def test_the_next_call_to_the_same_model_does_without(status: str, clock: FakeClock) -> None:
    async with saying(refusing(openai(INSTEAD, "max_tokens"), status)) as server:
        first, *_ = await _ask_often(server, clock, "m/one", "m/one", "m/two")
    assert first.failure is not None
    assert first.failure.kind is FailureKind.INVALID_REQUEST
    assert first.failure.is_mended
    shown = " (HTTP 200)" if status.startswith("200") else f" (HTTP {status[:3]})"
    assert first.failure.message == (
        f"The model refuses the parameter max_tokens{shown}. The next attempt sends max_completion_tokens in its place."
    )
    one, again, two = _sent(server)
    assert "max_tokens" in one
    assert "max_tokens" not in again
    assert again["max_completion_tokens"] == one["max_tokens"]
    assert two["max_tokens"] == one["max_tokens"]


async def test_a_parameter_that_was_not_sent_any_more_mends_nothing(clock: FakeClock) -> None:
    async with saying(refusing(openai("Unsupported parameter: 'temperature'"))) as server:
        first, second = await _ask_often(server, clock, "m/one", "m/one")
    assert first.failure is not None
    assert second.failure is not None
    assert (first.failure.is_mended, second.failure.is_mended) == (True, False)


async def test_a_model_that_does_not_stream_gives_one_document(clock: FakeClock) -> None:
    document = {"choices": [{"message": {"content": "Once upon a time."}, "finish_reason": "stop"}]}
    async with (
        saying(refusing(document, "200 OK")) as server,
        OpenAiCompatibleProvider(Endpoint(server.url), Limits(), clock, ParameterMemory(["stream"])) as provider,
    ):
        answer = await provider.complete(ModelCall("m", "p", 3), lambda _: None, lambda _: None)
    assert (answer.failure, answer.text) == (None, "Once upon a time.")
    assert not {"stream", "stream_options"} & server.body.keys()


async def test_what_the_operator_leaves_out_is_not_sent(clock: FakeClock) -> None:
    async with (
        saying(head(STREAM) + WHOLE) as server,
        OpenAiCompatibleProvider(Endpoint(server.url), Limits(), clock, ParameterMemory(PARAMETERS[:4])) as provider,
    ):
        await provider.complete(ModelCall("m", "p", 3), lambda _: None, lambda _: None)
    assert server.body.keys() == {"model", "messages", "stream"}
