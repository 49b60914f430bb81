"""What counts as a story: a table of rules, each with the kind of failure that it is where it does not hold.

A text comes here that `parse_story` has taken for a whole one. A rule that has too little to go by lets a story pass: a
wrong one that is told is bad, and a good one that is thrown away, paid for, is as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from tales.domain.arcs.prompt import arc_in
from tales.domain.failures import Failure, FailureKind
from tales.domain.framing import without_opening
from tales.domain.generation import Attempt
from tales.domain.loops import is_loop
from tales.domain.names import is_named
from tales.domain.parsed_story import ParsedStory, count_words
from tales.domain.prompt import read_prompt, target_words
from tales.domain.scripts import has_mixed_word, scripts_of, scripts_of_language
from tales.domain.story_phrases import FACT_LINE, LABEL_LINE, META_ANYWHERE, META_AT_AN_EDGE
from tales.domain.story_spec import DEFAULT_LANGUAGE, MAX_MINUTES
from tales.domain.titles import MAX_TITLE, opening_words

LEAST_SHARE, MOST_SHARE = 0.5, 2.0
"""Of the words that were asked for."""

MOST_LABELS = 2
"""Lines such as `Age: 6`: a story may have a letter or a sign in it, and three are a list."""

ECHOED_WORDS = 6
"""Of the prompt's instructions, in a row: no story says that by chance."""

SAMPLE = 600
"""Characters from the beginning, the middle and the end of a text, by which its language is told."""

_QUOTED = re.compile(r"[“„«»\"][^“”„«»\"\n]{1,600}[”“«»\"]")
_SENTENCE = re.compile(r"[^.!?…。！？।؟\n]+[.!?…。！？।؟]*")
_MARKUP = re.compile(
    r"\*\*|__|```|^ {0,3}#{1,6} |^[ \t]*[*•] \S|(?<!\w)\*\w[^*\n]*\*|</?[a-zA-Z][^<>\n]*>|\[[^\]\n]+\]|\{[^}\n]*\}"
    r"|^\|.*\|$|&[a-z]{2,6};|\\n",
    re.MULTILINE,
)
_FACTS = re.compile(r"[®™©]|https?://|www\.|\S@\w+\.\w|\b(?:1[5-9]|20)\d\d\b|[$€£]\s?\d|\b(?:Inc|Ltd|LLC|GmbH)\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a story was asked to be. `minutes` is None where nobody said; `names` are those of child and hero.

    `instructions` is what the prompt says beside the facts, `family_words` what the family typed.
    """

    language: str
    minutes: int | None
    names: tuple[str, ...] = ()
    instructions: str = ""
    family_words: str = ""


def asked_of(attempt: Attempt) -> Asked:
    """What was asked for by the prompt of `attempt`."""
    prompt = attempt.prompt or ""
    arc = arc_in(prompt)
    parts = read_prompt(prompt.removesuffix(arc) if arc else prompt)
    return Asked(
        language=attempt.language or DEFAULT_LANGUAGE,
        minutes=attempt.story_length,
        names=parts.names,
        instructions=parts.instructions,
        family_words=parts.family_words,
    )


@dataclass(frozen=True, slots=True)
class StoryCheck:
    """Holds stories against the rules, but for those whose kinds are `off`.

    `speaks(text, language)` is False where a text is surely in another language; `unsuitable(text, language)` says
    whether a word in it is not for children.
    """

    speaks: Callable[[str, str], bool]
    unsuitable: Callable[[str, str], bool]
    off: Collection[FailureKind] = frozenset()

    def __call__(self, story: ParsedStory, asked: Asked) -> Failure | None:
        """Why `story` is none; None where it is one."""
        for rule in RULES:
            if rule.kind not in self.off and rule.is_broken(self, story, asked):
                return Failure(rule.kind, rule.sentence)
        return None

    def early(self, text: str, asked: Asked) -> Failure | None:
        """Why a text of which this much has come will be no story, where that is sure already."""
        # What a model says before it begins is taken off a whole answer, too.
        story = ParsedStory("", without_opening(text.lstrip(), MAX_TITLE))
        for rule in RULES:
            if rule.is_early and rule.kind not in self.off and rule.is_broken(self, story, asked):
                return Failure(rule.kind, rule.sentence)
        return None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when it is broken, and what is said then. `is_early`: half a text can break it for good."""

    kind: FailureKind
    sentence: str
    is_broken: Callable[[StoryCheck, ParsedStory, Asked], bool]
    is_early: bool = False


def narration(text: str) -> str:
    """`text` in lower case without what somebody in it says: there it speaks for itself."""
    return _QUOTED.sub(" ", text.replace("’", "'")).lower()


def _is_too_short(_: StoryCheck, story: ParsedStory, asked: Asked) -> bool:
    return asked.minutes is not None and count_words(story.text) < target_words(asked.minutes) * LEAST_SHARE


def _is_too_long(_: StoryCheck, story: ParsedStory, asked: Asked) -> bool:
    return count_words(story.text) > target_words(asked.minutes or MAX_MINUTES) * MOST_SHARE


def _is_garbled(_: StoryCheck, story: ParsedStory, asked: Asked) -> bool:
    whole = f"{story.title}\n{story.text}"
    if "\N{REPLACEMENT CHARACTER}" in whole or has_mixed_word(whole):
        return True
    strange = scripts_of(whole) - scripts_of_language(asked.language) - scripts_of(asked.family_words)
    return bool(strange - {"latin"})


def _has_markup(_: StoryCheck, story: ParsedStory, _asked: Asked) -> bool:
    return _MARKUP.search(story.text) is not None


def _is_list_of_facts(_: StoryCheck, story: ParsedStory, asked: Asked) -> bool:
    if FACT_LINE.search(story.text) or len(LABEL_LINE.findall(story.text)) > MOST_LABELS:
        return True
    return any(found[0] not in asked.family_words for found in _FACTS.finditer(f"{story.title}\n{story.text}"))


def _is_echo(_: StoryCheck, story: ParsedStory, asked: Asked) -> bool:
    instructions = re.findall(r"\w+", asked.instructions.lower())
    words = " ".join(["", *re.findall(r"\w+", story.text.lower()), ""])
    starts = range(len(instructions) - ECHOED_WORDS + 1)
    return any(f" {' '.join(instructions[at : at + ECHOED_WORDS])} " in words for at in starts)


def _speaks_of_itself(_: StoryCheck, story: ParsedStory, _asked: Asked) -> bool:
    narrated = narration(story.text)
    if META_ANYWHERE.search(narrated):
        return True
    sentences = [sentence for sentence in _SENTENCE.findall(narrated) if sentence.strip()]
    if META_AT_AN_EDGE.search(" ".join([*sentences[:1], *sentences[-2:]])):
        return True
    return _repeats_title(story)


def _repeats_title(story: ParsedStory) -> bool:
    """Whether the title stands in the text once more, on a line of its own."""
    title = _bare(story.title)
    if not title or story.title == opening_words(story.text):
        return False
    return any(_bare(line) == title for line in story.text.split("\n"))


def _bare(line: str) -> str:
    return " ".join(re.findall(r"\w+", line.casefold()))


def _is_loop(_: StoryCheck, story: ParsedStory, _asked: Asked) -> bool:
    return is_loop(story.text)


def _is_in_another_language(check: StoryCheck, story: ParsedStory, asked: Asked) -> bool:
    text = story.text
    for name in asked.names:
        text = text.replace(name, " ")
    middle = max(0, (len(text) - SAMPLE) // 2)
    # Of a short text they are one and the same.
    parts = {text[:SAMPLE], text[middle : middle + SAMPLE], text[-SAMPLE:]}
    return not all(check.speaks(part, asked.language) for part in parts)


def _leaves_somebody_out(_: StoryCheck, story: ParsedStory, asked: Asked) -> bool:
    return not all(is_named(name, f"{story.title}\n{story.text}", asked.language) for name in asked.names)


def _is_unsuitable(check: StoryCheck, story: ParsedStory, asked: Asked) -> bool:
    return check.unsuitable(f"{story.title}\n{story.text}", asked.language)


RULES: tuple[Rule, ...] = (
    Rule(FailureKind.GARBLED, "The text holds broken characters or mixes scripts.", _is_garbled, is_early=True),
    Rule(
        FailureKind.UNSUITABLE,
        "The text has a word that is not for children. Let it pass with TALES_SUITABLE_WORDS.",
        _is_unsuitable,
        is_early=True,
    ),
    Rule(FailureKind.FACTS, "The text lists facts, or names a year, a brand or an address.", _is_list_of_facts),
    Rule(FailureKind.ECHO, "The text repeats what the model was told to do.", _is_echo, is_early=True),
    Rule(
        FailureKind.WRONG_LANGUAGE,
        "The text is in another language than the one that was asked for.",
        _is_in_another_language,
        is_early=True,
    ),
    Rule(FailureKind.MARKUP, "The text holds marks that nobody can read aloud.", _has_markup),
    Rule(FailureKind.META, "The text speaks of itself as a text, or repeats its title.", _speaks_of_itself),
    Rule(FailureKind.LOOP, "The text says the same again and again.", _is_loop, is_early=True),
    Rule(FailureKind.TOO_SHORT, "The story has less than half of the words that were asked for.", _is_too_short),
    Rule(FailureKind.TOO_LONG, "The story has more than twice the words that were asked for.", _is_too_long),
    Rule(FailureKind.NAME_MISSING, "The child or the hero is not in the story by name.", _leaves_somebody_out),
)
