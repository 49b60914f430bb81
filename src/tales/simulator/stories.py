"""The one story that the simulator knows, told about the child of the prompt, in its language and of its length."""

from __future__ import annotations

import json
import re

from tales.simulator.tellings import ENGLISH, LANGUAGES_TOLD

_NAME = re.compile(r'^- (?:child|hero): ("(?:[^"\\\n]|\\.)*")\s*$', re.MULTILINE)
_PIECE = re.compile(r"\s*\S+")

_LANGUAGE = re.compile(r"^Write the story in (\w+)", re.MULTILINE)
_WORDS = re.compile(r"^Write the story in .*of about (\d+) words", re.MULTILINE)
_BRIEF = 200
"""Words: of a story of a minute, the middle is left out."""

_SHARE = 0.6
"""Of the words that are wanted: tests wait for each of them."""

NOBODY = "Robin"
"""Whom the story is about when the prompt names nobody."""


def tell_story(prompt: str) -> str:
    """A bedtime story about whom `prompt` names, its title on the first line: of some 300 words, if nothing is said.

    The prompt says it as `tales.domain.prompt` does: a line `- child: "Mia"`, or `- hero: ...`; the language; and how
    many words are wanted, of which it has at least half and at most twice as many. A language that it does not know is
    answered in English.
    """
    names = _names_in(prompt)
    told = LANGUAGES_TOLD.get(found[1] if (found := _LANGUAGE.search(prompt)) else "English", ENGLISH)
    wanted = int(found[1]) if (found := _WORDS.search(prompt)) else 0
    paragraphs = told.story.format(name=names[0]).strip().split("\n\n")
    if len(names) > 1:
        paragraphs.insert(2, told.friend.format(name=names[0], friend=names[1]))
    if wanted and wanted <= _BRIEF:
        paragraphs = [*paragraphs[:3], *paragraphs[-2:]]
    missing = wanted * _SHARE - sum(len(paragraph.split()) for paragraph in paragraphs)
    paragraphs[-1:-1] = told.meetings(missing)
    return "\n\n".join(paragraphs) + "\n"


def in_pieces(text: str) -> tuple[str, ...]:
    """`text` as a model gives it out, word by word; joined, the pieces are the text."""
    return tuple(_PIECE.findall(text))


def _names_in(prompt: str) -> list[str]:
    """Those of child and hero."""
    return [name for found in _NAME.finditer(prompt) if (name := _unquoted(found[1])).strip()] or [NOBODY]


def _unquoted(text: str) -> str:
    try:
        name: object = json.loads(text)
    except ValueError:
        return ""
    return name if isinstance(name, str) else ""
