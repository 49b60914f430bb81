"""Why a model stopped: what a provider's word for it means for the story.

The vocabulary is open: OpenAI has five words, others send those of their own models, in any spelling. Only a word that
is known to mean "whole" lets a text be a story; half a story told as a whole one is worse than another attempt.
"""

from __future__ import annotations

import re
from enum import Enum, auto


class Ending(Enum):
    """What a finish reason says of the text before it."""

    WHOLE = auto()
    CUT_OFF = auto()  # at a limit of its length
    WITHHELD = auto()  # a filter stepped in
    REFUSED = auto()
    BROKEN = auto()  # known to be no end of a story
    UNKNOWN = auto()


_WORDS = {
    Ending.WHOLE: (
        "stop stopped end_turn turn_end end_of_turn eos eos_token eot end_of_text end_of_sequence end stop_sequence"
        " stop_token stop_word stop_criteria_met complete completed done finish finished success natural normal"
    ),
    Ending.CUT_OFF: (
        "length length_limit max_length model_length context_length max_context_length max_tokens max_token"
        " max_new_tokens max_output_tokens max_completion_tokens max_tokens_reached max_tokens_exceeded token_limit"
        " token_limit_reached token_limit_exceeded output_limit limit context_length_exceeded"
        " model_context_window_exceeded context_window_exceeded context_limit incomplete truncated"
    ),
    Ending.WITHHELD: (
        "content_filter content_filtered content_filtering filter filtered safety safety_filter image_safety"
        " prohibited_content recitation blocklist blocked spii sensitive moderation moderated flagged content_policy"
        " content_policy_violation policy_violation guardrail guardrails guardrail_intervened risk_control"
    ),
    Ending.REFUSED: "refusal refused",
    Ending.BROKEN: (
        "error errored failed failure server_error internal_error network_error upstream_error timeout timed_out"
        " insufficient_system_resource overloaded unavailable abort aborted cancel cancelled canceled interrupted"
        " tool_calls tool_call tool_use function_call malformed_function_call unexpected_tool_call too_many_tool_calls"
        " pause_turn other unknown unspecified language malformed_response"
    ),
}
_ENDINGS = {word: ending for ending, words in _WORDS.items() for word in words.split()}
_ENUM = re.compile(r"\A\w*?reason_")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GAP = re.compile(r"[\s.\-]+")
_NUMBER = re.compile(r":\s*\d+\Z")


def plain_reason(reason: str) -> str:
    """`reason` as a word in lower case: `FinishReason.MAX_TOKENS`, `FINISH_REASON_MAX_TOKENS` -> `max_tokens`."""
    word = _NUMBER.sub("", reason.strip().strip("<>\"'"))
    if not word.isupper():
        word = _CAMEL.sub("_", word)
    return _ENUM.sub("", _GAP.sub("_", word).lower())


def ending_of(reason: str) -> Ending:
    """What `reason` says of the text."""
    return _ENDINGS.get(plain_reason(reason), Ending.UNKNOWN)
