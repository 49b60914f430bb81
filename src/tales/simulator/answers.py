"""Bodies of good answers as OpenRouter sends them (its API reference: chat completion, streaming).

A step of a script makes an `Answer`: what goes over the wire, and how it ends. The server plays it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from tales.domain.generation import Json
from tales.simulator.stories import in_pieces, tell_story

PROVIDER = "Simulator"
KEEP_ALIVE = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"
EVENT_STREAM = "text/event-stream"
JSON_TYPE = "application/json"
PROMPT_PRICE = 0.15e-6
COMPLETION_PRICE = 0.6e-6
"""US dollars a token."""
PRICING: dict[str, Json] = {"prompt": f"{PROMPT_PRICE:.8f}", "completion": f"{COMPLETION_PRICE:.8f}", "request": "0"}
"""The same as OpenRouter's list of models has it."""


class Ending(Enum):
    """What happens once an answer's bytes are out."""

    CLEAN = auto()  # the body ends as HTTP says
    DROP = auto()  # the connection closes, in the middle of the body
    SILENCE = auto()  # nothing more comes, ever
    KEEP_ALIVE = auto()  # comments (in JSON: line ends) come for ever


@dataclass(frozen=True, slots=True)
class Call:
    """What the simulator knows of one request; `created` in seconds since 1970."""

    model: str
    prompt: str
    stream: bool
    wants_metadata: bool
    generation_id: str | None
    created: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes over the wire. With `status` None not even headers do.

    `pause` in seconds is waited before each frame. `tokens` is how many the model wrote; with `generation_id`
    None there is no generation to ask the price of.
    """

    status: int | None = 200
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    frames: Iterable[bytes] = ()
    pause: float = 0.0
    ending: Ending = Ending.CLEAN
    generation_id: str | None = None
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryAnswer:
    """What a model says, before it is put on the wire.

    `broken_off` sends the first half and no end. `error` ends the answer in the place of a finish;
    `error_choices` says whether a choice stands beside it. `usage_beside_choice` puts the usage where
    some streams have it, beside a choice with an empty delta.
    """

    pieces: tuple[str, ...]
    reasoning: tuple[str, ...] = ()
    finish_reason: str = "stop"
    native_finish_reason: str = "stop"
    usage: Json = None
    usage_beside_choice: bool = False
    broken_off: bool = False
    error: Json = None
    error_choices: bool = True
    extra: Mapping[str, Json] = field(default_factory=dict)


def told_story(call: Call, text: str | None = None) -> StoryAnswer:
    """The story for `call`, or `text` in its place, told to its end."""
    pieces = in_pieces(tell_story(call.prompt)) if text is None else in_pieces(text) or (text,)
    return StoryAnswer(pieces=pieces, usage=usage_of(call, len(pieces)))


def usage_of(call: Call, completion_tokens: int, reasoning_tokens: int = 0) -> dict[str, Json]:
    """OpenRouter's usage of an answer of so many tokens; a word of the prompt counts as one token."""
    prompt_tokens = len(in_pieces(call.prompt))
    prompt_cost = round(prompt_tokens * PROMPT_PRICE, 10)
    completion_cost = round((completion_tokens + reasoning_tokens) * COMPLETION_PRICE, 10)
    cost = round(prompt_cost + completion_cost, 10)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens + reasoning_tokens,
        "total_tokens": prompt_tokens + completion_tokens + reasoning_tokens,
        "cost": cost,
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": cost,
            "upstream_inference_prompt_cost": prompt_cost,
            "upstream_inference_completions_cost": completion_cost,
        },
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0, "video_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens, "image_tokens": 0, "audio_tokens": 0},
    }


def answer(call: Call, story: StoryAnswer, *, pause: float = 0.0, ending: Ending = Ending.CLEAN) -> Answer:
    """`told` in the form that `call` asked for: server-sent events, or one JSON body."""
    return Answer(
        content_type=EVENT_STREAM if call.stream else JSON_TYPE,
        headers={"X-Generation-Id": call.generation_id} if call.generation_id is not None else {},
        frames=_events(call, story) if call.stream else (json_body(call, story),),
        pause=pause,
        ending=ending,
        generation_id=call.generation_id,
        tokens=len(story.reasoning) + len(story.pieces),
    )


def json_body(call: Call, story: StoryAnswer) -> bytes:
    """A whole answer as one JSON body."""
    choice: dict[str, Json] = {
        "index": 0,
        "finish_reason": story.finish_reason if story.error is None else "error",
        "native_finish_reason": story.native_finish_reason,
        "logprobs": None,
        "message": {
            "role": "assistant",
            "content": "".join(_half(story.pieces) if story.error is not None else story.pieces),
            "refusal": None,
            "reasoning": "".join(story.reasoning) or None,
        },
    }
    body = _frame(call, "chat.completion") | {"choices": [choice]} | dict(story.extra)
    if story.error is not None and story.error_choices:
        choice["error"] = story.error
    elif story.error is not None:
        body |= {"choices": [], "error": story.error}
    if story.usage is not None:
        body["usage"] = story.usage
    encoded = encode(body | _metadata(call))
    return encoded[: len(encoded) // 2] if story.broken_off else encoded


def encode(value: Json) -> bytes:
    """`value` as JSON in UTF-8."""
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8: it goes as an escape
        return json.dumps(value).encode()


def _events(call: Call, story: StoryAnswer) -> Iterator[bytes]:
    """The server-sent events of a streamed answer."""
    yield KEEP_ALIVE
    for piece in story.reasoning:
        details: Json = [{"type": "reasoning.text", "text": piece, "index": 0}]
        yield _event(call, _choice({"content": "", "reasoning": piece, "reasoning_details": details}))
    for piece in _half(story.pieces) if story.broken_off or story.error is not None else story.pieces:
        yield _event(call, _choice({"content": piece}) | dict(story.extra))
    if story.broken_off:
        return
    if story.error is not None:  # the stream ends after it
        choices = _choice({"content": ""}, "error") if story.error_choices else {"choices": []}
        yield _event(call, {"error": story.error} | choices)
        return
    yield _event(call, _choice({"content": ""}, story.finish_reason, story.native_finish_reason))
    if story.usage is not None:
        choices = _choice({"content": ""}) if story.usage_beside_choice else {"choices": []}
        yield _event(call, choices | {"usage": story.usage} | _metadata(call))
    yield DONE


def _half(pieces: tuple[str, ...]) -> tuple[str, ...]:
    return pieces[: len(pieces) // 2]


def _frame(call: Call, kind: str) -> dict[str, Json]:
    return {
        "id": call.generation_id,
        "object": kind,
        "created": call.created,
        "model": call.model,
        "provider": PROVIDER,
    }


def _event(call: Call, fields: Mapping[str, Json]) -> bytes:
    return b"data: " + encode(_frame(call, "chat.completion.chunk") | dict(fields)) + b"\n\n"


def _choice(delta: dict[str, Json], finish: str | None = None, native: str | None = None) -> dict[str, Json]:
    return {
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant"} | delta,
                "finish_reason": finish,
                "native_finish_reason": native or finish,
                "logprobs": None,
            }
        ]
    }


def _metadata(call: Call) -> dict[str, Json]:
    return {"openrouter_metadata": openrouter_metadata(call, 200)} if call.wants_metadata else {}


def openrouter_metadata(call: Call, status: int) -> dict[str, Json]:
    """What the header `X-OpenRouter-Metadata: enabled` asks for: OpenRouter's own attempts within one call."""
    served = status == 200
    return {
        "requested": call.model,
        "strategy": "direct",
        "region": None,
        "summary": f"available=1, selected={PROVIDER}" if served else "available=1",
        "attempt": 1 if served else 0,
        "is_byok": False,
        "endpoints": {
            "total": 1,
            "available": [{"provider": PROVIDER, "model": call.model, "selected": served}],
        },
        "attempts": [{"provider": PROVIDER, "model": call.model, "status": status}],
    }
