"""The table of steps: every way to behave that a script can name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tales.simulator import errors, misbehaviour
from tales.simulator.answers import Answer, Call, Ending, answer, told_story
from tales.simulator.no_stories import NO_STORIES
from tales.simulator.script import PREFIX


@dataclass(frozen=True, slots=True)
class Step:
    """One way to behave.

    `form` is how a script names it; a word in capitals stands for a number, which `play` is given (else 0).
    After a last step that `tells` a whole story, a script starts over.
    """

    form: str
    meaning: str
    play: Callable[[Call, int], Answer]
    tells: bool = False

    @property
    def example(self) -> str:
        """A model whose script is this step alone."""
        return PREFIX + "-".join("1" if word.isupper() else word for word in self.form.split("-"))


def _status(status: int) -> Step:
    return Step(
        str(status), f"HTTP {status}, with OpenRouter's body", lambda call, _: errors.error_answer(call, status)
    )


def _retry_later(status: int) -> Step:
    meaning = f"HTTP {status} with `Retry-After: N` (seconds), and the same in the body's `availability.retry_after`"
    return Step(f"{status}-retry-after-N", meaning, lambda call, seconds: errors.retry_later(call, status, seconds))


def _no_story(form: str, meaning: str, tell: Callable[[str], str]) -> Step:
    return Step(form, meaning, lambda call, _: misbehaviour.finished(call, tell(call.prompt)))


_GOOD = (
    Step("ok", "A story of some 300 words", lambda call, _: answer(call, told_story(call)), tells=True),
    Step(
        "slow-MS",
        "A story, MS milliseconds before each word",
        lambda call, pause: answer(call, told_story(call), pause=pause / 1000),
        tells=True,
    ),
    Step("crumbs", "A story in frames of 7 bytes", lambda call, _: misbehaviour.crumbs(call), tells=True),
    Step("reasoning", "`delta.reasoning`, then a story", lambda call, _: misbehaviour.reasoning(call), tells=True),
    Step(
        "json",
        "One JSON body though a stream was asked for, with white space in front",
        lambda call, _: misbehaviour.as_json(call, told_story(call), b"  \n\n \n"),
        tells=True,
    ),
)

_ERRORS = (
    *(_status(status) for status in errors.ERROR_STATUSES),
    _retry_later(429),
    _retry_later(503),
    Step(
        "unavailable",
        "HTTP 503, the availability error of 2026: `retryable` true, no `code`",
        lambda call, _: errors.unavailable(call),
    ),
    Step(
        "gone",
        "HTTP 404, the availability error of 2026: `retryable` false, no `code`",
        lambda call, _: errors.gone(call),
    ),
    Step(
        "moderation",
        "HTTP 403 with `reasons`, and a `flagged_input` that repeats words of the prompt",
        lambda call, _: errors.moderation(call),
    ),
    Step(
        "raw",
        "HTTP 429 in the older wrapper, whose `metadata.raw` repeats the prompt",
        lambda call, _: errors.raw_error(call),
    ),
    Step(
        "unsupported",
        "HTTP 400: `max_tokens` is not supported, `max_completion_tokens` is",
        lambda call, _: errors.unsupported(call),
    ),
    Step("error-200", "HTTP 200 with an error as its JSON body", lambda _call, _: errors.error_with_200()),
    Step(
        "choice-error",
        "HTTP 200, one JSON body, the error in `choices[0].error`",
        lambda call, _: misbehaviour.choice_error(call),
    ),
    Step(
        "error-mid-stream",
        'Half a story, then an error chunk with `finish_reason` "error"',
        lambda call, _: misbehaviour.error_mid_stream(call),
    ),
    Step(
        "error-empty-choices",
        'Half a story, then an error chunk with no choice, its `code` the word "server_error"',
        lambda call, _: misbehaviour.error_empty_choices(call),
    ),
)

_CONNECTION = (
    Step("hang", "Takes the request, sends nothing", lambda _call, _: misbehaviour.silent(Ending.SILENCE)),
    Step("hang-after-headers", "Headers, then comments for ever", lambda call, _: misbehaviour.only_headers(call)),
    Step(
        "stall",
        "Half a story, then comments for ever",
        lambda call, _: misbehaviour.broken_off(call, Ending.KEEP_ALIVE),
    ),
    Step("drop", "Closes the connection before any answer", lambda _call, _: misbehaviour.silent(Ending.DROP)),
    Step(
        "drop-mid-stream",
        "Half a story, then the connection closes",
        lambda call, _: misbehaviour.broken_off(call, Ending.DROP),
    ),
    Step(
        "eof",
        "Half a story, then a clean end without `finish_reason` and `[DONE]`",
        lambda call, _: misbehaviour.broken_off(call, Ending.CLEAN),
    ),
)

_NO_STORY = (
    Step(
        "empty",
        '"stop" with empty content, `native_finish_reason` "network_error", no usage',
        lambda call, _: misbehaviour.empty(call),
    ),
    Step("blank", "White space only", lambda call, _: misbehaviour.finished(call, " \n\n \t\n ")),
    Step("length", 'Half a story, `finish_reason` "length"', lambda call, _: misbehaviour.cut_at_length(call)),
    Step(
        "filter",
        'A few words, `finish_reason` "content_filter"',
        lambda call, _: misbehaviour.finished(call, "Once upon a time", "content_filter", "SAFETY"),
    ),
    Step(
        "refusal",
        "A polite refusal as an answer",
        lambda call, _: misbehaviour.finished(call, "I'm sorry, but I can't help with that story."),
    ),
    Step("short", "Three words", lambda call, _: misbehaviour.finished(call, "Sleep well, dear.")),
    *(_no_story(form, meaning, tell) for form, (meaning, tell) in NO_STORIES.items()),
    Step("garbage", "`text/event-stream` that holds no events", lambda _call, _: misbehaviour.garbage()),
    Step("html", "HTTP 200 with a gateway's page", lambda _call, _: misbehaviour.gateway_page()),
    Step("huge", "20 MB of story", lambda call, _: misbehaviour.huge(call)),
    Step("huge-json", "20 MB of story in one JSON body", lambda call, _: misbehaviour.huge_json(call)),
)

_ODD_STORIES = (
    Step("nul", r"A story with `\u0000`", lambda call, _: misbehaviour.with_character(call, "\x00"), tells=True),
    Step(
        "surrogate",
        r"A story with half of a surrogate pair, `\ud800`",
        lambda call, _: misbehaviour.with_character(call, "\ud800"),
        tells=True,
    ),
    Step("utf8", "A story with bytes that are not UTF-8", lambda call, _: misbehaviour.invalid_utf8(call), tells=True),
    Step(
        "usage-nonsense",
        "A story; every number of its usage is of a wrong type or out of range",
        lambda call, _: misbehaviour.nonsense_usage(call),
        tells=True,
    ),
    Step(
        "usage-in-choices",
        "A story; its usage stands beside a choice with an empty delta",
        lambda call, _: misbehaviour.usage_beside_choice(call),
        tells=True,
    ),
    Step(
        "no-cost",
        "A story; its usage has tokens and no cost, as that of most servers but OpenRouter",
        lambda call, _: misbehaviour.without_cost(call),
        tells=True,
    ),
    Step("no-usage", "A story without usage", lambda call, _: misbehaviour.without_usage(call), tells=True),
    Step(
        "nan", "A story; its usage holds NaN and Infinity", lambda call, _: misbehaviour.not_a_number(call), tells=True
    ),
    Step(
        "deep",
        "A story; an unknown field is nested 2,000 deep",
        lambda call, _: misbehaviour.deep(call),
        tells=True,
    ),
    Step(
        "dup-id",
        "A story whose id is always the same",
        lambda call, _: answer(replace(call, generation_id="gen-0000000000-always-the-same"), told_story(call)),
        tells=True,
    ),
    Step(
        "null-id",
        "A story whose id is null, without `X-Generation-Id`",
        lambda call, _: answer(replace(call, generation_id=None), told_story(call)),
        tells=True,
    ),
)

STEPS: dict[str, Step] = {step.form: step for step in (*_GOOD, *_ERRORS, *_CONNECTION, *_NO_STORY, *_ODD_STORIES)}


def steps_table() -> str:
    """All steps as a Markdown table."""
    rows = [f"| `{step.form}` | {step.meaning} |" for step in STEPS.values()]
    return "\n".join(["| step | what the simulator does |", "|---|---|", *rows])
