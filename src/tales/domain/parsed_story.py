"""A model's answer -> title and text, or the reason why it is no story."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tales.domain.answers import clean
from tales.domain.failures import Failure, FailureKind
from tales.domain.finish_reasons import Ending, ending_of, plain_reason
from tales.domain.framing import without_closing
from tales.domain.prompt import target_words
from tales.domain.refusals import opens_with_refusal
from tales.domain.titles import opening_words, split_title

LEAST_WORDS = 20
LEAST_SHARE = 0.05
"""Under 20 words, or under a twentieth of what was asked for, an answer is no story."""

LONGEST_REFUSAL = target_words(1)
"""In words. What is longer is a story, however it opens."""

# What an end that is not a whole story's says. Why it stands before "empty": a model that thinks up to the limit is cut
# off with nothing written.
_ENDED = {
    Ending.WITHHELD: Failure(FailureKind.CONTENT_POLICY, "The provider's content filter withheld the answer."),
    Ending.CUT_OFF: Failure(FailureKind.TRUNCATED, "The model's answer was cut off at its longest allowed length."),
    Ending.REFUSED: Failure(FailureKind.REFUSAL, "The model refused to write the story."),
}
# Scripts without spaces between words (Thai, Lao, Burmese, Khmer, Japanese, Chinese): two characters make one.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
# What stands between two spaces and holds no letter, such as a dash. Words are counted by their spaces, not as `\w+`:
# the vowel signs of Hindi and the accents of decomposed text would cut them in pieces.
_NO_WORD = re.compile(r"\s[^\w\s]++(?!\S)")


@dataclass(frozen=True, slots=True)
class ParsedStory:
    """A story as the model wrote it: a title on one line, and the text."""

    title: str
    text: str


def count_words(text: str) -> int:
    """Words of `text`; two characters of an unspaced script count as one."""
    unspaced = 0
    if _UNSPACED.search(text) is not None:
        text, unspaced = _UNSPACED.subn(" ", text)
    return len(text.split()) - len(_NO_WORD.findall(" " + text)) + unspaced // 2


def parse_story(answer: str, finish_reason: str | None, minutes: int) -> ParsedStory | Failure:
    """Title and text out of `answer`, or why it is none: empty, cut off, refusing or far too short.

    `finish_reason` is the provider's (OpenRouter: `stop`, `length`, `content_filter`, ...); `minutes` is the
    length that was asked for.
    """
    text = without_closing(clean(answer))
    failure = _failure(text, finish_reason, minutes)
    if failure is not None:
        return failure
    title, story = split_title(text)
    return ParsedStory(title or opening_words(story), story)


def _broken(finish_reason: str, ending: Ending) -> Failure:
    # A word that nobody knows is the provider's, and may be anybody's.
    word = f" ({plain_reason(finish_reason)})" if ending is Ending.BROKEN else ""
    return Failure(
        FailureKind.PROVIDER_UNAVAILABLE, f"The provider ended the answer for a reason that makes no whole story{word}."
    )


def _failure(text: str, finish_reason: str | None, minutes: int) -> Failure | None:
    ending = Ending.WHOLE if finish_reason is None else ending_of(finish_reason)
    if ending in _ENDED:
        return _ENDED[ending]
    if not text:
        return Failure(FailureKind.EMPTY, "The model's answer is empty.")
    if ending is not Ending.WHOLE:
        return _broken(finish_reason or "", ending)
    least = max(LEAST_WORDS, int(target_words(minutes) * LEAST_SHARE))
    # That a story is long shows at its beginning.
    enough = max(LONGEST_REFUSAL, least)
    words = count_words(text[: 10 * enough])
    if words < enough:
        words = count_words(text)
    if words < LONGEST_REFUSAL and opens_with_refusal(text):
        return Failure(FailureKind.REFUSAL, "The model refused to write the story.")
    if words < least:
        return Failure(FailureKind.TOO_SHORT, f"The model's answer has {words} words; at least {least} make a story.")
    return None
