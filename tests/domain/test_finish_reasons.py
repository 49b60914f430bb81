from __future__ import annotations

import pytest

from tales.domain.failures import Failure, FailureKind
from tales.domain.finish_reasons import Ending, ending_of
from tales.domain.parsed_story import ParsedStory, parse_story
from tests.domain.factories import words

WHOLE = [
    *("stop", "STOP", "Stop", " stop ", "end_turn", "END_TURN", "EndTurn", "endTurn", "end-turn", "eos", "EOS"),
    *("eos_token", "stop_sequence", "stopSequence", "FINISH_REASON_STOP", "FinishReason.STOP", "FinishReason.Stop"),
    *("<FinishReason.STOP: 1>", "finishReason.stop", "STOP_REASON_END_TURN", "StopReason.end_turn", "COMPLETE"),
    *("completed", "done", "finished", "end_of_turn", "finish_reason.eos"),
]
CUT_OFF = [
    *("length", "LENGTH", "MAX_TOKENS", "max_tokens", "maxTokens", "MaxTokens", "FinishReason.MAX_TOKENS"),
    *("FINISH_REASON_MAX_TOKENS", "model_length", "max_output_tokens", "max_completion_tokens", "max_length"),
    *("token_limit", "model_context_window_exceeded", "incomplete"),
]
WITHHELD = [
    *("content_filter", "CONTENT_FILTER", "contentFilter", "SAFETY", "safety", "FINISH_REASON_SAFETY"),
    *("FinishReason.PROHIBITED_CONTENT", "RECITATION", "BLOCKLIST", "SPII", "IMAGE_SAFETY", "sensitive"),
    *("guardrail_intervened", "content_filtered"),
]
BROKEN = [
    *("insufficient_system_resource", "tool_calls", "TOOL_CALLS", "tool_use", "function_call", "error", "Error"),
    *("MALFORMED_FUNCTION_CALL", "OTHER", "FINISH_REASON_UNSPECIFIED", "abort", "cancelled", "pause_turn"),
]
UNKNOWN = ["", " ", "a word of next year", "not_stop", "unstop", "stop?", "🐉", "stopp", "null"]


@pytest.mark.parametrize(
    ("reasons", "ending"),
    [
        (WHOLE, Ending.WHOLE),
        (CUT_OFF, Ending.CUT_OFF),
        (WITHHELD, Ending.WITHHELD),
        (["refusal", "REFUSAL"], Ending.REFUSED),
        (BROKEN, Ending.BROKEN),
        (UNKNOWN, Ending.UNKNOWN),
    ],
)
def test_a_reason_is_known_in_any_spelling_and_a_new_one_is_none(reasons: list[str], ending: Ending) -> None:
    assert {reason: ending_of(reason) for reason in reasons} == dict.fromkeys(reasons, ending)


@pytest.mark.parametrize(
    ("reasons", "kind"),
    [
        (CUT_OFF, FailureKind.TRUNCATED),
        (WITHHELD, FailureKind.CONTENT_POLICY),
        (BROKEN, FailureKind.PROVIDER_UNAVAILABLE),
        (UNKNOWN, FailureKind.PROVIDER_UNAVAILABLE),
    ],
)
def test_half_a_text_is_no_story_whatever_the_word_for_its_end(reasons: list[str], kind: FailureKind) -> None:
    for reason in reasons:
        result = parse_story(f"Mia and the Moon\n\n{words(60)}", reason, 1)
        assert isinstance(result, Failure), reason
        assert result.kind is kind, reason


@pytest.mark.parametrize("reason", WHOLE)
def test_a_whole_text_is_a_story_whatever_the_word_for_its_end(reason: str) -> None:
    assert isinstance(parse_story(f"Mia and the Moon\n\n{words(60)}", reason, 1), ParsedStory)


def test_a_word_that_nobody_knows_is_not_repeated() -> None:
    result = parse_story(words(60), "Mia and her dragon", 1)
    assert isinstance(result, Failure)
    assert "Mia" not in result.message
