"""Prompt templates: who may change what of one, what it may say, and how a family's words come into it.

A template never gets a family's words (decision 49). It gets opaque marks, and each mark that it has written whole is
replaced by its value, quoted, when the template is through: so none can take a value apart, or out of its quotation
marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import SimpleNamespace
from typing import NoReturn

from tales.domain.checks import check_model
from tales.domain.errors import InvalidInput
from tales.domain.fact_labels import labels_of
from tales.domain.family import MAX_APPEARANCE, MAX_NAME
from tales.domain.prompt import list_facts, quoted_interests, target_words
from tales.domain.quoting import quoted
from tales.domain.sequel import LONGEST_ENDING
from tales.domain.story_spec import LANGUAGES, MAX_MORAL, MAX_RELATIONSHIP, StorySpec, StoryType
from tales.domain.titles import MAX_TITLE

MAX_TEMPLATE = 20_000
MAX_PROMPT = 32_000
"""Characters with the family's words in it: room for each of them several times in the longest template."""

MAX_NOTE = 300
MAX_WEIGHT = 1000
DEFAULT_WEIGHT = 100

# No value holds one: what is private use to Unicode is left out of them (`tales.domain.quoting`).
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([0-9]{{1,3}}){_CLOSE}")
_FACTS = f"{_OPEN}0{_CLOSE}"
# Whatever a model may take for the end of a value.
_QUOTES = re.compile('["＂”“„«»]')

_NO_VALUE = "A child, a hero or an earlier story is no value. Write one of theirs: {{ child.name }}."


class BrokenTemplate(InvalidInput):
    """A template that cannot be a prompt. The message holds no family's words: a template never sees any."""

    def __init__(self, message: str) -> None:
        super().__init__("template", message)


class TemplateState(StrEnum):
    """Only a draft changes its text; only what is active writes prompts."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Slot:
    """What a template is for. `model` is None where it is for every model that has none of its own.

    Raises: InvalidInput.
    """

    story_type: StoryType
    language: str
    model: str | None = None

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise InvalidInput("language", f"language is not one of {', '.join(sorted(LANGUAGES))}.")
        if self.model is not None:
            check_model(self.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTemplate:
    """One version. `version` is what attempts name it by; `weight` its share of the stories among the active ones.

    `is_seeded`: it came along, and writes where an operator's one fails.
    """

    version: str
    slot: Slot
    state: TemplateState
    weight: int
    template: str
    note: str
    is_seeded: bool
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether it writes prompts."""
        return self.state is TemplateState.ACTIVE


def active_for(
    templates: Iterable[PromptTemplate], story_type: StoryType, language: str, model: str
) -> tuple[PromptTemplate, ...]:
    """Those that write for a model: the active ones of this very model, or else those of every model."""
    own, any_model = Slot(story_type, language, model), Slot(story_type, language)
    active = [template for template in templates if template.is_active]
    of_own = tuple(template for template in active if template.slot == own)
    return of_own or tuple(template for template in active if template.slot == any_model)


def checked_template(text: str) -> str:
    """`text` with plain ends of line. Raises: BrokenTemplate where it could be no template at all."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n") + "\n"
    if len(text) > MAX_TEMPLATE:
        raise BrokenTemplate(f"The template has {len(text)} characters. Use at most {MAX_TEMPLATE}.")
    if any(char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} for char in text):
        raise BrokenTemplate("The template holds control or invisible characters. Use letters, marks and ends of line.")
    return text


def checked_weight(weight: int) -> int:
    """Raises: InvalidInput."""
    if not 1 <= weight <= MAX_WEIGHT:
        raise InvalidInput("weight", f"weight is {weight}. Use a whole number from 1 to {MAX_WEIGHT}.")
    return weight


@dataclass(frozen=True, slots=True, eq=False)
class _Value:
    """Stands for a family's words in a template: it can be written, and asked whether it is there, and that is all."""

    _mark: str

    def __str__(self) -> str:
        return self._mark

    def __eq__(self, other: object) -> NoReturn:
        raise BrokenTemplate("A family's words can be compared with nothing. Ask for them: {% if child.gender %}.")

    __hash__ = None  # type: ignore[assignment]  # what cannot be compared has no hash


class _Record(SimpleNamespace):
    """Has values by their names, and is none itself."""

    def __str__(self) -> NoReturn:
        raise BrokenTemplate(_NO_VALUE)

    def __eq__(self, other: object) -> NoReturn:
        raise BrokenTemplate(_NO_VALUE)

    __hash__ = None


@dataclass(frozen=True, slots=True)
class TemplateValues:
    """What a template may use, by name, and the words that stand behind its marks."""

    names: Mapping[str, object]
    words: Sequence[str]


def template_values(spec: StorySpec) -> TemplateValues:
    """What a template is given of `spec`: numbers and kinds as they are, and a family's words as marks."""
    words = [list_facts(spec, labels_of(spec.language))]

    def marked(quotation: str) -> _Value:
        words.append(quotation)
        return _Value(f"{_OPEN}{len(words) - 1}{_CLOSE}")

    def value(text: str | None, maximum: int) -> _Value | None:
        return marked(quoted(text, maximum)) if text else None

    child, hero, earlier = spec.child, spec.hero, spec.earlier
    names = {
        "facts": _Value(_FACTS),
        "story_type": str(spec.story_type),
        "language": LANGUAGES[spec.language],
        "minutes": spec.minutes,
        "words": target_words(spec.minutes),
        "moral": value(spec.moral, MAX_MORAL),
        "relationship": value(spec.relationship_description, MAX_RELATIONSHIP),
        "child": child
        and _Record(
            name=value(child.name, MAX_NAME),
            age=child.age,
            gender=value(child.gender, MAX_NAME),
            interests=marked(quoted_interests(child)) if child.interests else None,
        ),
        "hero": hero and _Record(name=value(hero.name, MAX_NAME), appearance=value(hero.appearance, MAX_APPEARANCE)),
        "earlier": earlier
        and _Record(title=value(earlier.title, MAX_TITLE), ending=value(earlier.ending, LONGEST_ENDING)),
    }
    return TemplateValues(names, words)


def fill(rendered: str, values: TemplateValues) -> str:
    """The prompt: what a template has written, with the family's words where it has put their marks.

    Raises: BrokenTemplate when it has no place for the facts, or writes what only a family's words may stand in.
    """
    rendered = re.sub(r"\n{3,}", "\n\n", rendered).strip() + "\n"
    if rendered.count(_FACTS) != 1 or f"\n{_FACTS}\n" not in f"\n{rendered}":
        raise BrokenTemplate("The facts are not in it once, on a line of their own: write {{ facts }} on one.")
    before, _, after = rendered.partition(_FACTS)
    if not before.strip() or not after.strip():
        raise BrokenTemplate("Instructions must stand before and after {{ facts }}, so that no fact can pass for one.")
    if found := _QUOTES.search(rendered):
        raise BrokenTemplate(f"It writes {found[0]}: only what a family typed stands in quotation marks.")
    if len(rendered) > MAX_TEMPLATE:
        raise BrokenTemplate(f"It writes {len(rendered)} characters. Let it write at most {MAX_TEMPLATE}.")
    missing = [number for number in _MARK.findall(rendered) if int(number) >= len(values.words)]
    if missing or _OPEN in (bare := _MARK.sub("", rendered)) or _CLOSE in bare:
        raise BrokenTemplate("It takes a family's words apart. Write each of them as it is: {{ child.name }}.")
    prompt = _MARK.sub(lambda mark: values.words[int(mark[1])], rendered)
    if len(prompt) > MAX_PROMPT:
        raise BrokenTemplate(
            f"It writes {len(prompt)} characters with a family's words. Let it write at most {MAX_PROMPT}."
        )
    return prompt
