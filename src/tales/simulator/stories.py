"""The one story that the simulator knows, told about the child of the prompt, in its language and of its length."""

from __future__ import annotations

import json
import re

from tales.simulator.tellings import ENGLISH, LANGUAGES_TOLD

# What prompts call the child and the hero (`tales.domain.fact_labels`), and the language that this is.
_CALLED = {
    "English": ("child", "hero"),
    "German": ("Kind", "Heldenfigur"),
    "French": ("enfant", "personnage principal"),
    "Spanish": ("niño o niña", "protagonista"),
    "Russian": ("ребёнок", "герой"),
}
_LABELS = "|".join(label for labels in _CALLED.values() for label in labels)
_NAME = re.compile(rf'^- (?P<what>{_LABELS}) ?: (?P<name>"(?:[^"\\\n]|\\.)*")\s*$', re.MULTILINE)
_PIECE = re.compile(r"\s*\S+")

_LANGUAGE = re.compile(r"^Write the story in (\w+)", re.MULTILINE)
_WORDS = re.compile(r"\b(\d+) (?:words|Wörter|mots|palabras|слов)\b")
_BRIEF = 200
"""Words: of a story of a minute, the middle is left out."""

_SHARE = 0.6
"""Of the words that are wanted: tests wait for each of them."""

NOBODY = "Robin"
"""Whom the story is about when the prompt names nobody."""


def tell_story(prompt: str) -> str:
    """A bedtime story about whom `prompt` names, its title on the first line: of some 300 words, if nothing is said.

    The prompt says it as those of Tales do: a line `- child: "Mia"`, or `- hero: ...`, in one of five languages; the
    language; and how many words are wanted, of which it has at least half and at most twice as many. A language that
    it does not know is answered in English.
    """
    names = _names_in(prompt)
    language = LANGUAGES_TOLD.get(language_of(prompt), ENGLISH)
    # What the family typed stands before it.
    wanted = int(found[-1]) if (found := _WORDS.findall(prompt)) else 0
    paragraphs = language.story.format(name=names[0]).strip().split("\n\n")
    if len(names) > 1:
        paragraphs.insert(2, language.friend.format(name=names[0], friend=names[1]))
    if wanted and wanted <= _BRIEF:
        paragraphs = [*paragraphs[:3], *paragraphs[-2:]]
    missing = wanted * _SHARE - sum(len(paragraph.split()) for paragraph in paragraphs)
    paragraphs[-1:-1] = language.meetings(missing)
    return "\n\n".join(paragraphs) + "\n"


def in_pieces(text: str) -> tuple[str, ...]:
    """`text` as a model gives it out, word by word; joined, the pieces are the text."""
    return tuple(_PIECE.findall(text))


def language_of(prompt: str) -> str:
    """The one that it names; or else the one that its facts are in."""
    if found := _LANGUAGE.search(prompt):
        return found[1]
    called = found["what"] if (found := _NAME.search(prompt)) else "child"
    return next(language for language, labels in _CALLED.items() if called in labels)


def _names_in(prompt: str) -> list[str]:
    """Those of child and hero."""
    return [name for found in _NAME.finditer(prompt) if (name := _unquoted(found["name"])).strip()] or [NOBODY]


def _unquoted(text: str) -> str:
    try:
        name: object = json.loads(text)
    except ValueError:
        return ""
    return name if isinstance(name, str) else ""
