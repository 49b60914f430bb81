"""The chunks of a stream become the one object that a plain answer would have been."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tales.infrastructure.providers.json_reading import UnreadableJson, read_json
from tales.infrastructure.providers.stream_accumulator import ParsedChunk, StreamAccumulator
from tests.infrastructure.providers.wire import stored


def assembled(*chunks: Any) -> Any:
    whole = StreamAccumulator()
    for chunk in chunks:
        whole.add(chunk)
    return whole.result()


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def message_of(*chunks: Any) -> Any:
    return assembled(*chunks)["choices"][0]["message"]


def test_the_object_has_the_form_of_a_plain_answer() -> None:
    usage = {"prompt_tokens": 3, "cost": 0.0033789}
    end = {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop", "native_finish_reason": "end"}]}
    assert assembled(
        {"id": "gen-1", "object": "chat.completion.chunk", "model": "m", "timings": {"n": 1}}
        | delta(role="assistant", content="Once "),
        {"id": "gen-1", "provider": "P", "timings": {"n": 2}} | delta(content="upon"),
        end,
        {"choices": [], "usage": usage, "openrouter_metadata": {"attempt": 1}},
    ) == {
        "id": "gen-1",
        "object": "chat.completion",
        "model": "m",
        "provider": "P",
        "timings": {"n": 2},
        "usage": usage,
        "openrouter_metadata": {"attempt": 1},
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Once upon"},
                "finish_reason": "stop",
                "native_finish_reason": "end",
            }
        ],
    }


def test_null_says_nothing_new() -> None:
    whole = assembled(
        {"usage": {"cost": 1}, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"usage": None, "choices": [{"index": 0, "delta": {"content": None}, "finish_reason": None}]},
    )
    assert whole["usage"] == {"cost": 1}
    assert whole["choices"][0]["finish_reason"] == "stop"


def test_tool_calls_and_reasoning_details_are_put_together_by_their_index() -> None:
    message = message_of(
        delta(
            tool_calls=[{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a'}}],
            reasoning="Hm",
            reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "H"}, "odd"],
        ),
        delta(
            tool_calls=[{"index": 0, "function": {"arguments": '": 1}'}}],
            reasoning="m.",
            reasoning_details=[
                {"type": "reasoning.text", "index": 0, "text": "m", "signature": "s"},
                {"type": "reasoning.encrypted", "index": 0, "data": "x"},
            ],
        ),
    )
    assert message["tool_calls"] == [
        {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    ]
    assert message["reasoning"] == "Hmm."
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "Hm", "signature": "s"},
        "odd",
        {"type": "reasoning.encrypted", "index": 0, "data": "x"},
    ]


def test_content_in_parts_is_text_and_a_refusal_stays_apart() -> None:
    message = message_of(delta(content=[{"type": "text", "text": "Once"}, {"type": "thinking"}, 7], refusal="No"))
    assert (message["content"], message["refusal"]) == ("Once", "No")


def test_halves_of_a_surrogate_pair_in_two_chunks_become_one_character() -> None:
    assert message_of(delta(content="\ud83d"), delta(content="\ude34 \ud800"))["content"] == "😴 \ud800"


def test_only_text_usage_and_an_end_are_progress() -> None:
    whole = StreamAccumulator()
    assert whole.add(delta(role="assistant", content="")) == ParsedChunk("", is_progress=False, has_token=False)
    assert whole.add({"choices": []}) == ParsedChunk("", is_progress=False, has_token=False)
    assert whole.add(delta(reasoning="Hm")) == ParsedChunk("", is_progress=True, has_token=True)
    assert whole.add(delta(content="Once")) == ParsedChunk("Once", is_progress=True, has_token=True)
    assert not whole.has_ended
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    assert whole.add(end) == ParsedChunk("", is_progress=True, has_token=False)
    assert whole.add({"choices": [], "usage": {"cost": 1}}) == ParsedChunk("", is_progress=True, has_token=False)
    assert whole.has_ended


@given(st.text(), st.lists(st.integers(0, 50), max_size=10))
def test_however_a_text_is_cut_into_chunks_it_is_put_together_again(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert message_of(*(delta(content=piece) for piece in pieces))["content"] == text


NAMES = st.sampled_from(
    [
        *("id", "choices", "delta", "message", "content", "index", "finish_reason", "tool_calls", "reasoning_details"),
        *("error", "usage", "type", "text", "function", "x\x00", "\ud800"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=5)
NONSENSE = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=25
)


@given(st.lists(st.dictionaries(NAMES, NONSENSE, max_size=6), max_size=6))
def test_whatever_the_chunks_are_the_object_can_be_stored(chunks: list[Any]) -> None:
    assert stored(assembled(*(read_json(json.dumps(chunk)) for chunk in chunks)))


@given(st.text(max_size=40) | st.sampled_from(["1e999", "[NaN]", '{"a": -Infinity}']))
def test_whatever_a_text_is_what_is_read_of_it_can_be_stored(text: str) -> None:
    try:
        value = read_json(text)
    except UnreadableJson:
        return
    assert stored(value)
