"""How five servers of models speak what they all call OpenAI's language: their paths, streams and errors.

As their sources and the complaints of their users have it (Ollama 0.12, LM Studio 0.4, llama.cpp's server, vLLM 0.4 and
0.11, OpenRouter). Pure: no network, no clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tales.domain.generation import Json
from tales.simulator.answers import (
    DONE,
    EVENT_STREAM,
    JSON_TYPE,
    Answer,
    Call,
    StoryAnswer,
    answer,
    encode,
    told_story,
    usage_of,
)

Body = Mapping[str, Json]

_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")
_THOUGHTS = ("They want", " a story.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with a status of its own, or with HTTP 200 all the same."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE

    @property
    def answer(self) -> Answer:
        """As it goes over the wire."""
        return Answer(status=self.status, content_type=self.content_type, frames=(self.body,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A server: the name of a model that it has, and where its paths begin.

    `tell` streams a story, or half of one that ends as a crash of the model does. `no_path`, `no_model` (None where any
    name will do) and `no_key` (None where keys are not looked at) are how it refuses. `parameters` are all that it
    takes; None for those that it does not know either.
    """

    name: str
    model: str
    prefix: str
    tell: Callable[[Call, Body, bool], Answer]
    no_path: Callable[[str], Refusal]
    no_model: Callable[[str], Refusal] | None = None
    no_key: Refusal | None = None
    parameters: frozenset[str] | None = None
    no_parameter: Callable[[str], Refusal] | None = None

    def answer(self, call: Call, body: Body, key: str | None, wanted_key: str | None, *, breaks: bool) -> Answer:
        """What it says to a request at the right path; `breaks` half a story off."""
        if self.no_key is not None and wanted_key is not None and key != wanted_key:
            return self.no_key.answer
        if self.no_model is not None and call.model != self.model:
            return self.no_model(call.model).answer
        if self.parameters is not None and self.no_parameter is not None and (new := body.keys() - self.parameters):
            return self.no_parameter(min(new)).answer
        return self.tell(call, body, breaks)


def _refusal(status: int, body: Json) -> Refusal:
    return Refusal(status, encode(body))


def _error(status: int, message: str, **fields: Json) -> Refusal:
    return _refusal(status, {"error": {"message": message} | fields})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manner:
    """What sets a server's stream apart from others'.

    `fields` stand in each chunk, `choice` in each choice, `figures` where the story ends and beside the usage. `first`
    is the delta before all text, `thoughts` the field for those, `last` the delta at the end, and `crash` how a stream
    ends whose model fails.
    """

    new_id: Callable[[], str]
    fields: Body
    crash: bytes
    choice: Body = field(default_factory=dict)
    first: Body | None = None
    delta: Body = field(default_factory=dict)
    thoughts: str = "reasoning_content"
    last: Body = field(default_factory=dict)
    last_choice: Body = field(default_factory=dict)
    figures: Body = field(default_factory=dict)

    def tell(self, call: Call, body: Body, breaks: bool) -> Answer:
        """The stream of a story, thoughts first; the usage comes where it is asked for."""
        story = told_story(call)
        return Answer(
            content_type=EVENT_STREAM, frames=self._frames(call, story, body, breaks), tokens=len(story.pieces)
        )

    def _frames(self, call: Call, story: StoryAnswer, body: Body, breaks: bool) -> Iterator[bytes]:
        frame: dict[str, Json] = {
            "id": self.new_id(),
            "object": "chat.completion.chunk",
            "created": call.created,
            "model": call.model,
            **self.fields,
        }

        def chunk(delta: Body, finish: str | None = None, choice: Body | None = None, **fields: Json) -> bytes:
            whole_choice: Json = {"index": 0, "delta": delta, "finish_reason": finish, **self.choice, **(choice or {})}
            return _event(frame | {"choices": [whole_choice]} | fields)

        if self.first is not None:
            yield chunk(self.first)
        # A grammar leaves no room for thoughts.
        for thought in _THOUGHTS if "grammar" not in body else ():
            yield chunk({**self.delta, self.thoughts: thought})
        for piece in story.pieces[: len(story.pieces) // 2] if breaks else story.pieces:
            yield chunk({**self.delta, "content": piece})
        if breaks:
            yield self.crash
            return
        yield chunk(self.last, "stop", self.last_choice, **self.figures)
        options = body.get("stream_options")
        if isinstance(options, Mapping) and options.get("include_usage") is True:
            whole = usage_of(call, len(story.pieces), len(_THOUGHTS))
            usage: Json = {name: whole[name] for name in _TOKENS}
            yield _event(frame | {"choices": [], "usage": usage, **self.figures})
        yield DONE


def _event(value: Json) -> bytes:
    return b"data: " + encode(value) + b"\n\n"


def _openrouter(call: Call, _: Body, breaks: bool) -> Answer:
    """Comments before and between; an error beside a choice that ends with it."""
    story = told_story(call)
    error: Json = {"code": 502, "message": "Provider disconnected unexpectedly"} if breaks else None
    return answer(call, StoryAnswer(pieces=story.pieces, usage=story.usage, error=error))


def _vllm_error(status: int, message: str, kind: str, param: str | None = None) -> Refusal:
    return _error(status, message, type=kind, param=param, code=status)


def _old_vllm_error(status: int, message: str, kind: str) -> Refusal:
    """Before version 0.10 the error is the body."""
    return _refusal(status, {"object": "error", "message": message, "type": kind, "param": None, "code": status})


def _extra(name: str) -> Refusal:
    what = f"[{{'type': 'extra_forbidden', 'loc': ('body', '{name}'), 'msg': 'Extra inputs are not permitted'}}]"
    return _old_vllm_error(400, what, "BadRequestError")


_FASTAPI_404 = _refusal(404, {"detail": "Not Found"})

_OLLAMA = _Manner(
    new_id=lambda: f"chatcmpl-{secrets.randbelow(1000)}",  # so that they come again
    fields={"system_fingerprint": "fp_ollama"},
    delta={"role": "assistant", "content": ""},
    thoughts="reasoning",
    last={"role": "assistant", "content": ""},
    crash=_event({"error": {"message": "an error was encountered while running the model", "type": "api_error"}}),
)
_LM_STUDIO = _Manner(
    new_id=lambda: f"chatcmpl-{secrets.token_hex(11)}",
    fields={"system_fingerprint": "qwen2.5-7b-instruct"},
    choice={"logprobs": None},
    delta={"role": "assistant"},
    figures={"stats": {}},
    crash=b"event: error\n" + _event({"error": {"message": "The model has crashed without additional information."}}),
)
_LLAMA_CPP = _Manner(
    new_id=lambda: f"chatcmpl-{secrets.token_urlsafe(24)}",
    fields={"system_fingerprint": "b6962-230d1169e"},
    first={"role": "assistant", "content": None},
    figures={"timings": {"prompt_n": 12, "prompt_per_second": 310.5, "predicted_n": 300, "predicted_per_second": 41.2}},
    # A field of its own, which no reader of events knows.
    crash=b"error: " + encode({"code": 500, "message": "Compute error.", "type": "server_error"}) + b"\n\n",
)
_VLLM = _Manner(
    new_id=lambda: f"chatcmpl-{secrets.token_hex(16)}",
    fields={"prompt_token_ids": None},
    choice={"logprobs": None, "token_ids": None},
    first={"role": "assistant", "content": ""},
    last={"content": ""},
    last_choice={"stop_reason": 128009},  # a token's number
    crash=_event({"error": {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "code": 500}})
    + DONE,
)


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name="ollama",
            model="llama3.2",
            prefix="/v1",
            tell=_OLLAMA.tell,
            no_path=lambda _: Refusal(404, b"404 page not found", "text/plain"),
            no_model=lambda model: _error(
                404, f'model "{model}" not found, try pulling it first', type="api_error", param=None, code=None
            ),
        ),
        Dialect(
            name="lm-studio",
            model="qwen2.5-7b-instruct",
            prefix="/v1",
            tell=_LM_STUDIO.tell,
            no_path=lambda path: _refusal(200, {"error": f"Unexpected endpoint or method. (POST {path})"}),
            no_model=lambda model: _error(
                400,
                f'Invalid model identifier "{model}". Please specify a valid downloaded model (e.g., qwen3-14b).',
                type="invalid_request_error",
                param="model",
                code="model_not_found",
            ),
            no_key=_error(
                401, "Malformed LM Studio API token.", type="invalid_request_error", param=None, code="invalid_api_key"
            ),
        ),
        Dialect(
            name="llama.cpp",
            model="any",
            prefix="/v1",
            tell=_LLAMA_CPP.tell,
            no_path=lambda _: _error(404, "File Not Found", code=404, type="not_found_error"),
            no_key=_error(401, "Invalid API Key", code=401, type="authentication_error"),
        ),
        Dialect(
            name="vllm",
            model="its-model",
            prefix="/v1",
            tell=_VLLM.tell,
            no_path=lambda _: _FASTAPI_404,
            no_model=lambda model: _vllm_error(404, f"The model `{model}` does not exist.", "NotFoundError", "model"),
            no_key=_refusal(401, {"error": "Unauthorized"}),
        ),
        Dialect(
            name="vllm-0.4",
            model="its-model",
            prefix="/v1",
            tell=_VLLM.tell,
            no_path=lambda _: _FASTAPI_404,
            no_model=lambda model: _old_vllm_error(404, f"The model `{model}` does not exist.", "NotFoundError"),
            no_key=_refusal(401, {"error": "Unauthorized"}),
            parameters=frozenset({"model", "messages", "max_tokens", "temperature", "stream", "guided_grammar"}),
            no_parameter=_extra,
        ),
        Dialect(
            name="openrouter",
            model="openai/gpt-4o-mini",
            prefix="/api/v1",
            tell=_openrouter,
            no_path=lambda _: Refusal(404, b"<!DOCTYPE html><html><title>Not Found</title></html>", "text/html"),
            no_model=lambda model: _error(400, f"{model} is not a valid model ID", code=400),
            no_key=_error(401, "User not found.", code=401),
        ),
    )
}
"""By name."""
