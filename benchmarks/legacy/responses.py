"""What the models answered: JSON in OpenRouter's shape, written as fields of COPY."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Model:
    """A model that stories were written by."""

    name: bytes
    provider: bytes
    price: float
    """US dollars for a token."""


MODELS = (
    Model(b"openai/gpt-4o-mini", b"OpenAI", 0.6e-6),
    Model(b"anthropic/claude-3.5-haiku", b"Anthropic", 4e-6),
    Model(b"google/gemini-flash-1.5", b"Google AI Studio", 0.3e-6),
    Model(b"meta-llama/llama-3.1-70b-instruct", b"DeepInfra", 0.4e-6),
    Model(b"deepseek/deepseek-r1:free", b"Chutes", 0.0),
)
MODEL_WEIGHTS = (60, 75, 90, 97, 100)
"""Cumulative, in percent: most stories come from the default model."""

_RESPONSE = b"".join((
    b'{"id": "gen-%d-%b", "provider": "%b", "model": "%b", "object": "chat.completion", "created": %d, ',
    b'"choices": [{"logprobs": null, "finish_reason": "stop", "native_finish_reason": "stop", "index": 0, ',
    b'"message": {"role": "assistant", "content": "%b", "refusal": null, "reasoning": %b}}], ',
    b'"usage": {"prompt_tokens": %d, "completion_tokens": %d, "total_tokens": %d, "cost": %.7f, "is_byok": false, ',
    b'"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": %d}}}',
))  # fmt: skip
_INFO = b'{"attempts": %d, "duration_ms": %d, "temperature": 0.%d, "prompt_version": "v%d", "language": "%b"}'


def response(rng: Random, model: Model, created: int, content: bytes, reasoning: bytes | None) -> bytes:
    """A whole response. `created` in seconds since 1970; `content` and `reasoning` are insides of JSON strings."""
    thought = len(reasoning) // 4 if reasoning else 0
    asked, told = 150 + int(rng.random() * 300), len(content) // 4 + thought
    return _RESPONSE % (
        *(created, b"%020x" % rng.getrandbits(80), model.provider, model.name, created, content),
        b'"%b"' % reasoning if reasoning else b"null",
        *(asked, told, asked + told, (asked + told) * model.price, thought),
    )


def information(rng: Random, created: int, language: bytes) -> bytes:
    """Further facts about a call."""
    tries = 1 if rng.random() < 0.9 else 2
    return _INFO % (
        tries,
        1500 + int(rng.random() * 20_000),
        int(rng.random() * 10),
        created // 20_000_000 % 5,
        language,
    )
