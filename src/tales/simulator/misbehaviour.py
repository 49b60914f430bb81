"""Answers that are wrong in ways that providers have been seen to be wrong, or could be.

What no JSON library would write (invalid UTF-8, numbers out of range, deep nesting) is written into the
finished bytes in the place of a marker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tales.domain.generation import Json
from tales.simulator.answers import (
    EVENT_STREAM,
    Answer,
    Call,
    Ending,
    StoryAnswer,
    answer,
    told_story,
    usage_of,
)
from tales.simulator.errors import error_object
from tales.simulator.stories import in_pieces, tell_story

_MARKER = "@marker@"
_HUGE = 20_000_000
_DEPTH = 2_000
_CRUMB = 7
_SLICE = 65_536
_GARBAGE = bytes(range(256)) * 16
_GATEWAY_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"
)


def silent(ending: Ending) -> Answer:
    """Not even headers, then `ending`."""
    return Answer(status=None, ending=ending)


def only_headers(call: Call) -> Answer:
    """Headers, then comments for ever."""
    return replace(answer(call, told_story(call), ending=Ending.KEEP_ALIVE), frames=())


def broken_off(call: Call, ending: Ending) -> Answer:
    """Half a story, then `ending`."""
    return answer(call, replace(told_story(call), broken_off=True), ending=ending)


def error_mid_stream(call: Call) -> Answer:
    """Half a story, then an error beside a choice."""
    return answer(call, replace(told_story(call), error=error_object(502)))


def error_empty_choices(call: Call) -> Answer:
    """Half a story, then an error beside no choice, with a word for a code as OpenRouter's own example has."""
    error: Json = {"code": "server_error", "message": "Provider disconnected unexpectedly"}
    return answer(call, replace(told_story(call), error=error, error_choices=False))


def choice_error(call: Call) -> Answer:
    """One JSON body with part of the story, and the error inside the choice."""
    return as_json(call, replace(told_story(call), error=error_object(502)))


def as_json(call: Call, story: StoryAnswer, padding: bytes = b"") -> Answer:
    """One JSON body, whatever was asked for."""
    whole = answer(replace(call, stream=False), story)
    return replace(whole, frames=(padding, *whole.frames))


def finished(call: Call, text: str, finish_reason: str = "stop", native: str | None = None) -> Answer:
    """`text` to its end, with another reason to finish."""
    story = replace(told_story(call, text), finish_reason=finish_reason, native_finish_reason=native or finish_reason)
    return answer(call, story)


def empty(call: Call) -> Answer:
    """Nothing, with the finish of a good answer: OpenRouter's shell around a network error upstream."""
    return answer(call, StoryAnswer(pieces=("",), native_finish_reason="network_error"))


def cut_at_length(call: Call) -> Answer:
    """Half a story that ends because it may not be longer."""
    pieces = in_pieces(tell_story(call.prompt))
    return finished(call, "".join(pieces[: len(pieces) // 2]), "length")


def garbage() -> Answer:
    """Bytes that are neither events nor JSON."""
    return Answer(content_type=EVENT_STREAM, frames=(_GARBAGE,))


def gateway_page() -> Answer:
    """The page of a gateway, with the status of a good answer."""
    return Answer(content_type="text/html", frames=(_GATEWAY_PAGE,))


def with_character(call: Call, character: str) -> Answer:
    """The story with `character` in its midst."""
    return answer(call, told_story(call, _with_ending(call, f"Good {character} night.")))


def invalid_utf8(call: Call) -> Answer:
    """The story with bytes in it that are not UTF-8."""
    return _with_bytes(answer(call, told_story(call, _with_ending(call, _MARKER))), _MARKER, b"\xff\xfe\x80")


def nonsense_usage(call: Call) -> Answer:
    """The story, and a usage in which nothing has its type."""
    usage: Json = {
        "prompt_tokens": "twelve",
        "completion_tokens": -3,
        "total_tokens": 1e300,
        "cost": _MARKER,
        "is_byok": [[["no"]]],
        "cost_details": [[{"upstream_inference_cost": [0]}], None],
        "prompt_tokens_details": "none",
        "completion_tokens_details": {"reasoning_tokens": {"of": ["course"]}},
    }
    return _with_bytes(answer(call, replace(told_story(call), usage=usage)), f'"{_MARKER}"', b"1e100000")


def not_a_number(call: Call) -> Answer:
    """The story, and a usage with NaN and Infinity, which are no JSON."""
    usage = usage_of(call, 1) | {"cost": float("nan"), "total_tokens": float("inf")}
    return answer(call, replace(told_story(call), usage=usage))


def deep(call: Call) -> Answer:
    """The story, each piece with an unknown field of 2,000 lists within each other."""
    story = replace(told_story(call, _short_story(call)), extra={"debug": _MARKER})
    return _with_bytes(answer(call, story), f'"{_MARKER}"', b"[" * _DEPTH + b"]" * _DEPTH)


def without_usage(call: Call) -> Answer:
    """The story without its price."""
    return answer(call, replace(told_story(call), usage=None))


def without_cost(call: Call) -> Answer:
    """The story with its tokens, and without what they cost."""
    story = told_story(call)
    tokens = {name: count for name, count in usage_of(call, len(story.pieces)).items() if name.endswith("_tokens")}
    return answer(call, replace(story, usage=tokens))


def usage_beside_choice(call: Call) -> Answer:
    """The story, its usage beside a choice with an empty delta."""
    return answer(call, replace(told_story(call), usage_beside_choice=True))


def reasoning(call: Call) -> Answer:
    """Thoughts, then the story."""
    thoughts = in_pieces("The child should fall asleep, so nothing loud may happen. A lantern, then.")
    story = told_story(call)
    return answer(call, replace(story, reasoning=thoughts, usage=usage_of(call, len(story.pieces), len(thoughts))))


def huge(call: Call) -> Answer:
    """20 MB of story."""
    story = tell_story(call.prompt) + "\n"
    pieces = (story,) * (_HUGE // len(story.encode()) + 1)
    return answer(call, StoryAnswer(pieces=pieces, usage=usage_of(call, len(pieces))))


def huge_json(call: Call) -> Answer:
    """20 MB of story in one JSON body."""
    whole = huge(replace(call, stream=False))
    return replace(whole, frames=_resliced(whole.frames, _SLICE))


def crumbs(call: Call) -> Answer:
    """The story in frames of seven bytes, which part lines and letters."""
    whole = answer(call, told_story(call))
    return replace(whole, frames=_resliced(whole.frames, _CRUMB))


def _short_story(call: Call) -> str:
    """The first part of the story: its title and two paragraphs."""
    return "\n\n".join(tell_story(call.prompt).split("\n\n")[:4])


def _with_ending(call: Call, ending: str) -> str:
    return f"{tell_story(call.prompt)}\n{ending}\n"


def _with_bytes(whole: Answer, marker: str, replacement: bytes) -> Answer:
    return replace(whole, frames=[frame.replace(marker.encode(), replacement) for frame in whole.frames])


def _resliced(frames: Iterable[bytes], size: int) -> Iterator[bytes]:
    whole = b"".join(frames)
    return (whole[start : start + size] for start in range(0, len(whole), size))
