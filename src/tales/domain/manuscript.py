"""A model's answer -> title and text, or the reason why it is no story."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tales.domain.failures import Failure, FailureKind
from tales.domain.prompt import target_words

MAX_TITLE = 120
LEAST_WORDS = 20
LEAST_SHARE = 0.05
"""Under 20 words, or under a twentieth of what was asked for, an answer is no story."""

FALLBACK_TITLE = "A bedtime story"

_REFUSAL = re.compile(
    r"^\W*(i['’]?m (really |very )?sorry|sorry,|i (can['’]?t|cannot|can not|am not able|am unable|won['’]?t)\b"
    r"|as an ai\b|i apologi[sz]e|unfortunately, i (can|am))",
    re.IGNORECASE,
)
_TITLE_MARK = re.compile(r"^\s*(?:#{1,6}\s*|\*\*|__|title\s*:\s*)+", re.IGNORECASE)
_SENTENCE_END = (".", "。", "।")
_WORD = re.compile(r"\w+")
# Scripts without spaces between words: some two characters make a word.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Manuscript:
    """A story as the model wrote it: a title on one line, and the text."""

    title: str
    text: str


def count_words(text: str) -> int:
    """Words of `text`; two characters of an unspaced script count as one."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_WORD.findall(_UNSPACED.sub(" ", text))) + unspaced // 2


def read_manuscript(answer: str, finish_reason: str | None, minutes: int) -> Manuscript | Failure:
    """Title and text out of `answer`, or why it is none: empty, cut off, refusing or far too short.

    `finish_reason` is the provider's (OpenRouter: `stop`, `length`, `content_filter`, ...); `minutes` is the
    length that was asked for.
    """
    text = answer.replace("\r\n", "\n").strip()
    failure = _failure(text, finish_reason, minutes)
    return failure if failure is not None else _split_title(text)


def _failure(text: str, finish_reason: str | None, minutes: int) -> Failure | None:
    if finish_reason == "content_filter":
        return Failure(FailureKind.CONTENT_POLICY, "The provider's content filter withheld the answer.")
    if not text:
        return Failure(FailureKind.EMPTY, "The model's answer is empty.")
    if finish_reason == "length":
        return Failure(FailureKind.TRUNCATED, "The model's answer was cut off at its longest allowed length.")
    if _REFUSAL.match(text) and count_words(text) < target_words(1):
        return Failure(FailureKind.REFUSAL, "The model refused to write the story.")
    words = count_words(text)
    least = max(LEAST_WORDS, int(target_words(minutes) * LEAST_SHARE))
    if words < least:
        return Failure(FailureKind.TOO_SHORT, f"The model's answer has {words} words; at least {least} make a story.")
    return None


def _split_title(text: str) -> Manuscript:
    """The first line is the title when it looks like one; else the story keeps all its text."""
    first, _, rest = text.partition("\n")
    marked = _TITLE_MARK.match(first) is not None
    title = _TITLE_MARK.sub("", first).strip().strip('*_"“”').strip()
    looks_like_title = title and len(title) <= MAX_TITLE and (marked or not title.endswith(_SENTENCE_END))
    if looks_like_title and rest.strip():
        return Manuscript(title, rest.strip())
    return Manuscript(FALLBACK_TITLE, text)
