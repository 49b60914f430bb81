"""A spec and the id of its generation -> the arc of its story: the whole text, with gaps for a model to fill.

The same id gives the same arc: a retry tells the same story again, in other words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from tales.domain.arcs.beats import (
    ABOUT_CHILD,
    ABOUT_HERO,
    AFTER_A_STORY,
    AFTER_A_STORY_IN_BRIEF,
    BETWEEN,
    ENDINGS,
    ENDINGS_IN_BRIEF,
    LIKES,
    THE_TWO,
    WISDOM,
    WISDOM_IN_BRIEF,
)
from tales.domain.arcs.cast import GAP, cast_of
from tales.domain.arcs.rooms import PLACES
from tales.domain.arcs.themes import deeds_of
from tales.domain.prompt import target_words
from tales.domain.story_spec import StorySpec

WORDS_IN_A_GAP = 5
"""What a model puts into one, on average."""

BRIEF = 1
"""Minutes of a story that has no room for a way with meetings."""

LITTLE, MIDDLE, LARGE = 3, 5, 7
_BRACE = re.compile(r"\{(\w+)\}")
_BAND = re.compile(r"(?P<from>[357])(?P<on>\+?):")

T = TypeVar("T")


def compose_arc(spec: StorySpec, generation_id: UUID) -> str:
    """The title, an empty line, and the paragraphs of a story of about the length that `spec` asks for."""
    draw = _Draw(generation_id)
    told_before = spec.earlier.title if spec.earlier else ""
    places = [place for place in PLACES if not _is_told(place.titles, told_before)]
    place = draw.one("place", places)
    is_brief = spec.minutes <= BRIEF
    words = cast_of(spec, place.companion, is_brief=is_brief)
    band = _band(spec.child.age if spec.child else MIDDLE)

    def told(beat: str) -> str:
        return _told(beat, words, band)

    beginning = [told(draw.one("about", ABOUT_CHILD if spec.child else ABOUT_HERO))]
    if spec.child and spec.hero:
        beginning.append(told(draw.one("two", THE_TWO)))
    if spec.earlier:
        beginning.append(told(AFTER_A_STORY_IN_BRIEF if is_brief else AFTER_A_STORY))
    beginning.append(told(place.brief if is_brief else place.call))
    deeds = deeds_of(spec.moral, in_brief=is_brief)
    end = [told(draw.one("deed", deeds))] if deeds else []
    middle: list[str] = []
    if is_brief:
        end += [told(draw.one("wisdom", WISDOM_IN_BRIEF)), told(draw.one("ending", ENDINGS_IN_BRIEF))]
    else:
        end += [told(place.trouble), told(draw.one("wisdom", WISDOM)), told(place.way_home)]
        end.append(told(draw.one("ending", ENDINGS)))
        meetings = [*draw.all("meetings", place.meetings), *draw.all("between", BETWEEN)]
        if spec.child and spec.child.interests:
            meetings.insert(0, draw.one("likes", LIKES))
        room = target_words(spec.minutes) - _length([*beginning, *end])
        middle = _middle([told(beat) for beat in meetings], room)
    return "\n\n".join([told(draw.one("title", place.titles)), *beginning, *middle, *end])


class _Draw:
    """Draws lots that the same generation draws again: Python's own may change with its version."""

    def __init__(self, generation_id: UUID) -> None:
        self._id = generation_id

    def one(self, what: str, options: Sequence[T]) -> T:
        return options[self._number(what) % len(options)]

    def all(self, what: str, options: Sequence[T]) -> list[T]:
        """All of them, in an order of their own."""
        return [options[place] for place in sorted(range(len(options)), key=lambda i: self._number(f"{what} {i}"))]

    def _number(self, what: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self._id} {what}".encode()).digest()[:8])


def _middle(meetings: list[str], words: int) -> list[str]:
    """So many of the meetings that they have about `words` words."""
    taken: list[str] = []
    for meeting in meetings:
        if _length([*taken, meeting]) - _length([meeting]) / 2 > words:
            break
        taken.append(meeting)
    return taken


def _length(beats: Sequence[str]) -> int:
    """In words, with what the gaps will hold."""
    text = " ".join(beats)
    return len(text.split()) + len(GAP.findall(text)) * (WORDS_IN_A_GAP - 1)


def _told(beat: str, words: dict[str, str], band: int) -> str:
    """A beat for a child of `band`, with its names."""
    paragraphs = (_lines(paragraph, band) for paragraph in beat.split("\n\n"))
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    # Names go in last, and all at once: what stands in one is never read as a brace.
    text = _BRACE.sub(lambda brace: words[brace[1]], text)
    return text.replace(" one years old", " one year old").replace(" zero years old", " not one year old yet")


def _lines(paragraph: str, band: int) -> str:
    kept = []
    for line in paragraph.split("\n"):
        mark = _BAND.match(line)
        if mark is None:
            kept.append(line)
        elif int(mark["from"]) == band or (mark["on"] and int(mark["from"]) < band):
            kept.append(line[mark.end() :])
    return " ".join(" ".join(kept).split())


def _band(age: int) -> int:
    return LITTLE if age < MIDDLE else MIDDLE if age < LARGE else LARGE


def _is_told(titles: Sequence[str], before: str) -> bool:
    return any(title.rpartition("}")[2] in before for title in titles)
