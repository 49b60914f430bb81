"""Reads a `chat.completion` object that may hold anything: what every provider's answer is, streamed or not."""

from __future__ import annotations

from collections.abc import Mapping

from tales.domain.finish_reasons import Ending, ending_of
from tales.domain.generation import Json
from tales.domain.visible_text import visible
from tales.infrastructure.providers.message_parts import text_of


def is_completion(body: Json) -> bool:
    """Whether `body` is an answer of a model, good or bad."""
    return isinstance(body, Mapping) and isinstance(body.get("choices"), list)


def story_text(body: Json) -> str:
    """What the model wrote for a reader: neither its thoughts nor the marks of its template."""
    return visible(text_of(_message(body).get("content")))


def refusal_text(body: Json) -> str:
    """The model's refusal, where the provider keeps it apart from the text."""
    return text_of(_message(body).get("refusal"))


def finish_reason(body: Json) -> str | None:
    """Why the model stopped; None when nothing says that it did.

    Gateways call an end a good one that was none: what the model's own provider is known to mean goes first.
    """
    choice = _first_choice(body)
    reason, native = choice.get("finish_reason"), choice.get("native_finish_reason")
    if not isinstance(reason, str) or not reason.strip():
        return None
    is_doubtful = isinstance(native, str) and ending_of(native) not in (Ending.WHOLE, Ending.UNKNOWN)
    return native if isinstance(native, str) and is_doubtful and ending_of(reason) is Ending.WHOLE else reason


def provider_id(body: Json) -> str | None:
    """The provider's id of the generation."""
    return name_of(body.get("id")) if isinstance(body, Mapping) else None


def error_of(body: Json) -> Json:
    """The error that `body` reports or is, at its top or in its first choice; None where there is none."""
    top = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(body, Mapping) and body.get("object") == "error":
        return body  # vLLM, before version 0.10
    return top or _first_choice(body).get("error") or None


def name_of(value: Json) -> str | None:
    """`value` as a name or an id, None where it is neither."""
    return value.strip() or None if isinstance(value, str) else None


def _message(body: Json) -> Mapping[str, Json]:
    message = _first_choice(body).get("message")
    return message if isinstance(message, Mapping) else {}


def _first_choice(body: Json) -> Mapping[str, Json]:
    choices = body.get("choices") if isinstance(body, Mapping) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, Mapping) else {}
