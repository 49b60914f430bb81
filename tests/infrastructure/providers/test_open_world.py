"""What other providers than OpenAI have been seen to send: a new word, value or order falls on the safe side."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tales.domain.failures import Failure, FailureKind
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.infrastructure.providers.endpoint import Limits
from tests.domain.factories import words
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import (
    DONE,
    JSON,
    STREAM,
    Now,
    Observed,
    Step,
    event,
    head,
    hear,
)

K = FailureKind
TEXT = f"Once upon a time there was a moon. {words(40)}"
STORY = f"Title\n\n{TEXT}"


def choice(finish: Any = None, *, index: int = 0, **fields: Any) -> bytes:
    """A chunk with a choice of any form."""
    return event(choices=[{"index": index, "finish_reason": finish} | fields])


def pieces(text: str, size: int = 7) -> bytes:
    """`text` in small deltas."""
    return b"".join(event(text[place : place + size]) for place in range(0, len(text), size))


def outcome(observed: Observed) -> FailureKind | ParsedStory | None:
    """What becomes of the attempt."""
    if observed.answer.failure is not None:
        return observed.answer.failure.kind
    read = parse_story(observed.answer.text, observed.answer.finish_reason, 1)
    return read.kind if isinstance(read, Failure) else read


async def outcome_of(clock: FakeClock, *script: Step) -> FailureKind | ParsedStory | None:
    return outcome(await hear(clock, head(STREAM), *script))


BRIEF = Limits(token_timeout=0.2, deadline=10.0)
"""A provider that thinks takes longer than that, and shows it."""


WHOLE = ParsedStory("Title", TEXT)


class TestWholeOrNot:
    @pytest.mark.parametrize(
        ("reason", "kind"),
        [
            ("MAX_TOKENS", K.TRUNCATED),
            ("SAFETY", K.CONTENT_POLICY),
            ("insufficient_system_resource", K.PROVIDER_UNAVAILABLE),
            ("a_word_of_next_year", K.PROVIDER_UNAVAILABLE),
            ("FINISH_REASON_MAX_TOKENS", K.TRUNCATED),
            ("refusal", K.REFUSAL),
        ],
    )
    @pytest.mark.parametrize("streamed", [True, False])
    async def test_half_a_text_is_no_story(
        self, reason: str, kind: FailureKind, streamed: bool, clock: FakeClock
    ) -> None:
        if streamed:
            assert await outcome_of(clock, pieces(STORY) + choice(reason, delta={}) + DONE) is kind
        else:
            body = {"choices": [{"message": {"content": STORY}, "finish_reason": reason}]}
            assert outcome(await hear(clock, head(JSON) + json.dumps(body).encode())) is kind

    @pytest.mark.parametrize("reason", ["tool_calls", "TOOL_CALLS", "function_call"])
    async def test_half_a_text_and_a_tool_call_are_tried_again(self, reason: str, clock: FakeClock) -> None:
        call = {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        observed = await hear(
            clock, head(STREAM) + pieces(STORY) + choice(delta={"tool_calls": [call]}) + choice(reason, delta={}) + DONE
        )
        assert outcome(observed) is K.PROVIDER_UNAVAILABLE
        assert observed.body["choices"][0]["message"]["tool_calls"] == [call]

    @pytest.mark.parametrize("reason", ["STOP", "FINISH_REASON_STOP", "FinishReason.STOP", "end_turn", "eos"])
    async def test_a_whole_one_is_one_in_any_spelling(self, reason: str, clock: FakeClock) -> None:
        assert await outcome_of(clock, pieces(STORY) + choice(reason, delta={}) + DONE) == WHOLE

    @pytest.mark.parametrize("reason", ["FinishReason.STOP", "end_turn", "unheard_of"])
    async def test_nothing_is_empty_whatever_the_word_for_its_end(self, reason: str, clock: FakeClock) -> None:
        assert await outcome_of(clock, choice(reason, delta={"content": ""}) + DONE) is K.EMPTY

    @pytest.mark.parametrize("later", ["", None, " ", "stop"])
    async def test_a_later_empty_reason_takes_back_nothing(self, later: str | None, clock: FakeClock) -> None:
        usage = {"prompt_tokens": 120, "completion_tokens": 600}
        beside = [{"index": 0, "delta": {"content": ""}, "finish_reason": later}]
        observed = await hear(
            clock, head(STREAM) + pieces(STORY) + choice("stop", delta={}) + event(choices=beside, usage=usage) + DONE
        )
        assert outcome(observed) == WHOLE
        assert observed.body["choices"][0]["finish_reason"] == "stop"

    async def test_a_later_reason_that_is_less_whole_counts(self, clock: FakeClock) -> None:
        filtered = choice("content_filter", delta={})
        assert await outcome_of(clock, pieces(STORY) + choice("stop", delta={}) + filtered + DONE) is K.CONTENT_POLICY
        assert await outcome_of(clock, pieces(STORY) + filtered + choice("stop", delta={}) + DONE) is K.CONTENT_POLICY

    @pytest.mark.parametrize(
        "error",
        [
            event("", "error", error={"code": 502, "message": "m"}),
            event(choices=[], error={"code": "server_error", "message": "m"}),
            event("", "error"),
            choice("error", delta={}, error={"code": 429, "message": "m"}),
            event(choices=[], error="m"),
        ],
    )
    async def test_an_error_after_the_reason_leaves_the_story_whole(self, error: bytes, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM) + pieces(STORY) + choice("stop", delta={}) + error)
        assert outcome(observed) == WHOLE

    async def test_an_error_with_the_reason_or_before_it_does_not(self, clock: FakeClock) -> None:
        error = {"code": 502, "message": "m"}
        assert await outcome_of(clock, pieces(STORY) + event("", "stop", error=error)) is K.PROVIDER_UNAVAILABLE
        both = event(choices=[], error=error) + choice("stop", delta={})
        assert await outcome_of(clock, pieces(STORY) + both) is K.PROVIDER_UNAVAILABLE

    @pytest.mark.parametrize(
        "last",
        [
            choice("stop", message={"role": "assistant", "content": STORY}),
            choice("stop", delta={}, message={"role": "assistant", "content": STORY}),
            choice("stop", delta={"content": STORY}),
            choice("stop", delta={}) + choice(delta={"content": STORY}),
            choice("stop", message={"content": [{"type": "text", "text": STORY}]}),
            event(choices=[{"index": 0, "message": {"content": STORY}, "finish_reason": "stop"}]),
        ],
    )
    async def test_a_last_chunk_with_the_whole_message_does_not_double_it(self, last: bytes, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM) + pieces(STORY) + last + DONE)
        assert outcome(observed) == WHOLE
        assert observed.body["choices"][0]["message"]["content"] == STORY

    async def test_a_last_message_brings_what_was_missing(self, clock: FakeClock) -> None:
        last = choice("stop", message={"role": "assistant", "content": STORY, "reasoning": "Hm"})
        observed = await hear(clock, head(STREAM) + pieces(STORY[:60]) + last + DONE)
        assert outcome(observed) == WHOLE
        assert observed.body["choices"][0]["message"]["reasoning"] == "Hm"

    async def test_a_short_last_piece_may_be_what_came_before(self, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM) + event("Sleep. ") + event("Sleep. ", "stop") + DONE)
        assert observed.answer.text == "Sleep. Sleep. "

    async def test_where_each_piece_has_a_reason_only_the_end_of_the_stream_tells(self, clock: FakeClock) -> None:
        each = b"".join(
            choice("STOP", delta={"content": STORY[place : place + 20]}) for place in range(0, len(STORY), 20)
        )
        assert await outcome_of(clock, each + DONE) == WHOLE
        assert await outcome_of(clock, each, Now.RESET) is K.STREAM_INTERRUPTED
        assert await outcome_of(clock, each) is K.STREAM_INTERRUPTED
        assert await outcome_of(clock, each + choice("STOP", delta={})) == WHOLE
        assert await outcome_of(clock, each, Now.WAIT_FOR_EVER) is K.IDLE_TIMEOUT

    @pytest.mark.parametrize("native", ["MAX_TOKENS", "network_error", "SAFETY"])
    async def test_a_gateway_that_calls_a_bad_end_a_good_one_is_not_believed(
        self, native: str, clock: FakeClock
    ) -> None:
        assert isinstance(
            await outcome_of(clock, pieces(STORY) + choice("stop", delta={}, native_finish_reason=native) + DONE), K
        )

    async def test_but_a_native_word_that_nobody_knows_is_no_matter(self, clock: FakeClock) -> None:
        end = choice("stop", delta={}, native_finish_reason="completed_v2")
        assert await outcome_of(clock, pieces(STORY) + end + DONE) == WHOLE


class TestThinking:
    @pytest.mark.parametrize(
        "part",
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "secret plan"}]},
            {"type": "thinking", "thinking": "secret plan"},
            {"type": "reasoning", "text": "secret plan"},
            {"type": "reasoning.text", "text": "secret plan"},
            {"type": "redacted_thinking", "data": "secret plan"},
            {"type": "summary_text", "text": "secret plan"},
            {"type": "a_type_of_next_year", "text": "secret plan"},
        ],
    )
    async def test_typed_parts_are_progress_and_kept_and_no_story(self, part: dict[str, Any], clock: FakeClock) -> None:
        thought = choice(delta={"content": [part]})
        observed = await hear(
            clock,
            head(STREAM),
            *[thought, 0.06] * 5,
            choice(delta={"content": [{"type": "text", "text": STORY}]}) + choice("stop", delta={}) + DONE,
            limits=BRIEF,
        )
        assert outcome(observed) == WHOLE
        assert "secret plan" not in "".join(observed.pieces)
        assert "secret plan" in json.dumps(observed.body)
        assert observed.answer.first_token_at == clock.now()

    @pytest.mark.parametrize(
        "delta",
        [
            {"reasoning": "Hm"},
            {"reasoning_content": "Hm"},
            {"reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0}]},
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "Hm", "index": 0}], "content": ""},
            {"thinking": "Hm"},
            {"thinking_blocks": [{"type": "thinking", "thinking": "Hm"}]},
            {"reasoning": {"content": "Hm"}},
            {"reasoning_text": "Hm"},
        ],
    )
    async def test_reasoning_by_any_name_is_progress_and_kept(self, delta: dict[str, Any], clock: FakeClock) -> None:
        observed = await hear(
            clock,
            head(STREAM),
            *[choice(delta=delta), 0.06] * 5,
            pieces(STORY) + choice("stop", delta={}) + DONE,
            limits=BRIEF,
        )
        assert outcome(observed) == WHOLE
        assert "Hm" in json.dumps(observed.body)

    @pytest.mark.parametrize(
        "delta",
        [
            {"reasoning": "", "content": ""},
            {"reasoning_details": [{"type": "reasoning.text", "text": "", "index": 0}]},
            {"content": []},
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": ""}]}]},
        ],
    )
    async def test_what_says_nothing_is_no_progress(self, delta: dict[str, Any], clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM), *[choice(delta=delta), 0.06] * 8, limits=BRIEF)
        assert observed.kind is K.FIRST_TOKEN_TIMEOUT

    @pytest.mark.parametrize(
        "text",
        [
            "<|channel|>analysis<|message|>secret plan..<|end|><|start|>assistant<|channel|>final<|message|>",
            "<thinking>secret plan</thinking>",
            "<reasoning>secret plan</reasoning>\n\n",
            "[THINK]secret plan[/THINK]",
            "<think>secret plan</think>\n\n",
        ],
    )
    @pytest.mark.parametrize("size", [1, 7, 1000])
    async def test_thoughts_in_the_text_are_in_no_story_nor_shown_live(
        self, text: str, size: int, clock: FakeClock
    ) -> None:
        observed = await hear(clock, head(STREAM) + pieces(text + STORY, size) + choice("stop", delta={}) + DONE)
        assert outcome(observed) == WHOLE
        assert "".join(observed.pieces).strip() == STORY
        assert observed.body["choices"][0]["message"]["content"] == text + STORY

    async def test_thoughts_in_a_document_are_none_either(self, clock: FakeClock) -> None:
        parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "plan"}]}, {"type": "text", "text": STORY}]
        body = {"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]}
        observed = await hear(clock, head(JSON) + json.dumps(body).encode())
        assert outcome(observed) == WHOLE
        assert observed.body == body

    @pytest.mark.parametrize("mark", ["<|im_end|>", "<|eot_id|>", "</s>", "<end_of_turn>"])
    async def test_the_mark_of_an_end_is_no_text(self, mark: str, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM) + pieces(STORY + mark) + choice("stop", delta={}) + DONE)
        assert outcome(observed) == WHOLE
        assert "".join(observed.pieces) == STORY

    async def test_what_was_held_back_is_told_at_the_end(self, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM) + pieces(STORY + " <think") + choice("stop", delta={}) + DONE)
        assert "".join(observed.pieces) == STORY + " <think"

    async def test_a_cut_stream_keeps_what_was_held_back(self, clock: FakeClock) -> None:
        observed = await hear(clock, head(STREAM) + pieces(STORY + " <th"), Now.RESET)
        assert observed.kind is K.STREAM_INTERRUPTED
        assert observed.answer.text == STORY + " <th"


class TestUsage:
    @pytest.mark.parametrize(
        "later",
        [
            {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            {"prompt_tokens": 0, "completion_tokens": 0, "cost": 0, "cost_details": {"upstream_inference_cost": 0}},
            {},
            None,
            {"prompt_tokens": None},
            {"completion_tokens": 600},
        ],
    )
    async def test_a_later_usage_of_zeros_takes_back_nothing(self, later: Any, clock: FakeClock) -> None:
        usage = {"prompt_tokens": 120, "completion_tokens": 600, "cost": 0.1}
        observed = await hear(
            clock,
            head(STREAM)
            + pieces(STORY)
            + choice("stop", delta={})
            + event(choices=[], usage=usage)
            + event(choices=[], usage=later)
            + DONE,
        )
        assert {name: observed.body["usage"][name] for name in usage} == usage

    async def test_a_usage_that_grows_with_each_chunk_is_its_last_state(self, clock: FakeClock) -> None:
        growing = [event("x ", usage={"prompt_tokens": 9, "completion_tokens": n}) for n in range(1, 4)]
        observed = await hear(clock, head(STREAM), *growing, choice("stop", delta={}) + DONE)
        assert observed.body["usage"] == {"prompt_tokens": 9, "completion_tokens": 3}
