"""A story as a PDF (tagged, PDF/UA-1), set by Typst in the one font that it brings for books.

That font, Libertinus Serif, has the letters of Latin, Cyrillic and Greek. A story with other letters, or with pictures
such as emoji, is not set at all: a device prints it with its own fonts.
"""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from functools import cache, partial
from importlib import resources

from babel.dates import format_date

from tales.application.fair_threads import Bounds, FairThreads
from tales.domain.invisible import without_invisible
from tales.domain.story import Story
from tales.domain.story_spec import DEFAULT_LANGUAGE, LANGUAGES

MEDIA_TYPE = "application/pdf"
MOST = 100_000
"""Characters of a story that is set, which take a second of a core. Half an hour of reading aloud has a third."""
BOUNDS = Bounds("PDFs", at_a_time=1, waiting=32, per_client=8)
"""PDFs that a process makes at a time, and those that wait for it: of stories as they are, for a second or two."""

HAS = (
    "\u0020-\u007e\u00a0-\u02e4\u0300-\u036f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u0477\u048c-\u04c4"
    "\u04d0-\u04f9\u1e00-\u1f15\u2010-\u2027\u2030-\u2037\u2039-\u203e\u20ab\u20ac\u2116\u2122\u2153-\u215e"
    "\u2190-\u2199\u2605\u2660\u2663\u2665\u2666\u2669-\u266f"
)
"""What the font has of what stories are written with, as ranges of a regular expression."""

_CAN_BE_SET = re.compile(rf"[{HAS}]*")
# Typst stops at endless piles of accents, which no language writes.
_PILE = re.compile(r"[\u0300-\u036f]{5}")
_SPACE = re.compile(r"\s+")
# A line breaks within a word that would be wider than the page.
_BREAK = "\u200b"
_WIDE = re.compile(r"\S{40}(?=\S)")
_WIDE_IN_TITLE = re.compile(r"\S{24}(?=\S)")


def can_be_set(story: Story, language: str) -> bool:
    """Whether the font has all letters of the story and of its date in its language, and it is of a story's length."""
    if len(story.content) > MOST:
        return False
    text = _plain("\n".join((story.title, _day(story, language), story.content)))
    return _CAN_BE_SET.fullmatch(text) is not None and _PILE.search(text) is None


async def make_pdf(story: Story, paragraphs: list[str], language: str) -> bytes:
    """The bytes of a story that `can_be_set`. One is made at a time, beside the event loop; families take turns.

    Raises: TooManyRequests when too many of the family's wait, Unavailable when too many wait in all.
    """
    facts = {
        "title": _WIDE_IN_TITLE.sub(rf"\g<0>{_BREAK}", _plain(story.title) or "☾"),
        "day": _plain(_day(story, language)),
        "paragraphs": [_WIDE.sub(rf"\g<0>{_BREAK}", plain) for text in paragraphs if (plain := _plain(text))],
        "language": _known(language),
    }
    return await asyncio.wrap_future(_threads().submit(str(story.user_id), partial(_set, json.dumps(facts))))


def _day(story: Story, language: str) -> str:
    return format_date(story.created_at, "long", _known(language))


def _known(language: str) -> str:
    return language if language in LANGUAGES else DEFAULT_LANGUAGE


def _plain(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFC", without_invisible(text))).strip()


def _set(facts: str) -> bytes:
    import typst  # noqa: PLC0415 -- 84 MB, which only those who ask for a PDF wait for

    template = resources.files(__package__).joinpath("templates", "pdf", "story.typ").read_bytes()
    try:
        return typst.compile(
            template, sys_inputs={"story": facts}, ignore_system_fonts=True, format="pdf", pdf_standards="ua-1"
        )
    except BaseException as error:  # noqa: BLE001 -- a panic of Rust is no Exception
        # Its own words may quote the story, and the log says what goes wrong.
        raise RuntimeError(f"a story could not be set: {type(error).__name__}") from None


@cache
def _threads() -> FairThreads:
    return FairThreads(BOUNDS)
