"""A story that a model has put into JSON or HTML, as plain text: its title as a heading, then its paragraphs."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"

MOST_CHARACTERS = 1_000_000
"""Longer answers are no stories, and not taken apart."""

LONGEST_SURROUNDING = 400
"""Characters before and after the JSON of a story."""

_TITLE = re.compile(
    r"(?:story[_ ]?)?(?:title|name|heading|headline)|titel|titre|t[ií]tulo|titolo|tytuł|název|titul|başlık|название"
    r"|назва|заголовок|タイトル|題名|제목|标题|標題|题目|العنوان|عنوان|शीर्षक",
    re.IGNORECASE,
)
_TEXT = re.compile(
    r".*(?:story|tale|text|content|body|narrative|paragraph|page|chapter|scene|geschichte|märchen|histoire|conte|cuento"
    r"|histor|stori|racconto|fiaba|verhaal|sprookje|opowie|bajka|pohádk|příběh|рассказ|сказк|истори|казк|історі|masal"
    r"|hikaye|hikâye|saga|berättelse|eventyr|fortælling|物語|お話|本文|이야기|동화|본문|故事|正文|内容|قصة|النص|कहानी).*",
    re.IGNORECASE,
)
_NO_STORY = re.compile(r".*(?:reason|think|thought|plan|analysis|note|prompt|summary|moral|meta).*", re.IGNORECASE)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")


def unwrapped(text: str) -> str:
    """`text` without what it is wrapped in; as it is where that is nothing."""
    if len(text) > MOST_CHARACTERS:
        return text
    found = _out_of_json(text) if "{" in text or text.lstrip().startswith(("[", '"')) else None
    story = text if found is None else found
    if "<" in story and _HTML.search(story) is not None:
        story = _out_of_html(story)
    return _without_entities(story) if "&" in story else story


def _out_of_json(text: str) -> str | None:
    start = next((place for place, mark in enumerate(text) if mark in '{["'), 0)
    if start > LONGEST_SURROUNDING:
        return None
    for candidate in (text, _TRAILING_COMMA.sub(r"\1", text)):
        try:
            value, end = _DECODER.raw_decode(candidate, start)
        except (ValueError, RecursionError):
            continue
        is_all = len(candidate) - end <= LONGEST_SURROUNDING
        return _story(value) if is_all and (isinstance(value, dict | list) or end == len(candidate.rstrip())) else None
    return None


def _story(value: Value) -> str | None:
    if isinstance(value, str):
        return value if "\n" in value else None
    text = "\n\n".join(part.strip() for part in _texts(value) if part.strip())
    if not text:
        return None
    title = " ".join((_title(value) or "").split())
    return f"# {title}\n\n{text}" if title else text


def _title(value: Value) -> str | None:
    """The first title there is, the outer before the inner."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and _TITLE.fullmatch(key.strip()):
                return inner
    inners = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((title for inner in inners if isinstance(inner, dict) and (title := _title(inner))), None)


def _texts(value: Value) -> Iterator[str]:
    """The story's own texts, in their order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for inner in _story_fields(value).values():
            yield from _texts(inner)


def _story_fields(fields: Mapping[str, Value]) -> dict[str, Value]:
    """The fields that are called a story; where none is, all but the title and what is none by its name."""
    named: dict[str, Value] = {
        key: value for key, value in fields.items() if not _TITLE.fullmatch(key.strip()) and value
    }
    stories = {key: value for key, value in named.items() if _TEXT.fullmatch(key) and not _NO_STORY.fullmatch(key)}
    return stories or {key: value for key, value in named.items() if not _NO_STORY.fullmatch(key)}


def _no_text(_: str) -> None:
    """Numbers are no text, and a long one would be an error."""


# A control character in a string, such as a line's end, is how models write JSON.
_DECODER = json.JSONDecoder(strict=False, parse_int=_no_text, parse_float=_no_text)

_BLOCKS = frozenset(
    [
        "html",
        "body",
        "head",
        "div",
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "article",
        "section",
        "main",
        "header",
        "footer",
        "title",
        "story",
        "text",
        "content",
        "paragraph",
        "center",
        "hr",
        "ul",
        "ol",
        "li",
        "blockquote",
        "table",
        "tr",
    ]
)
_INLINE = frozenset(
    [
        "span",
        "em",
        "strong",
        "b",
        "i",
        "u",
        "a",
        "font",
        "small",
        "big",
        "s",
        "mark",
        "br",
        "img",
        "style",
        "script",
        "meta",
        "link",
    ]
)
_HEADINGS = frozenset({"title", "h1", "h2"})
_HTML = re.compile(rf"<!doctype|<!--|</?(?:{'|'.join(sorted(_BLOCKS | _INLINE))})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos|nbsp|[lr][sd]quo|hellip|[mn]dash);", re.IGNORECASE
)
_GAP = re.compile(r"\s+")


class _Reader(HTMLParser):
    """Marked text -> plain text. Tags that are none of HTML's are the story's own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.pieces: list[str] = []
        self.headings: list[str] = []
        self._heading: list[str] | None = None
        self._hidden = 0
        self._paragraphs = 0

    def all_pieces(self) -> list[str]:
        """What it has read, a heading without an end included."""
        return [*self.pieces, *(self._heading or ())]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "br":
            self._say("\n")
        elif tag in _BLOCKS:
            self._say("\n\n")
            self._paragraphs += tag == "p"
            if tag in _HEADINGS and self._heading is None:
                self._heading = []
        elif tag not in _INLINE:
            self._say(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)
        elif tag in _HEADINGS and self._heading is not None:
            self._end_heading()
        elif tag in _BLOCKS:
            self._paragraphs = max(0, self._paragraphs - (tag == "p"))
            self._say("\n\n")
        elif tag not in _INLINE:
            self._say(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._say(_GAP.sub(" ", data) if self._paragraphs else data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def _say(self, text: str) -> None:
        (self.pieces if self._heading is None else self._heading).append(text)

    def _end_heading(self) -> None:
        """A page and its text are often headed alike: the first heading is the title, and said once."""
        heading, self._heading = " ".join("".join(self._heading or ()).split()), None
        if heading and heading not in self.headings:
            self.pieces.append(f"\n\n{heading}\n\n" if self.headings else f"\n\n# {heading}\n\n")
            self.headings.append(heading)


def _out_of_html(text: str) -> str:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "\n".join(line.strip() for line in "".join(reader.all_pieces()).split("\n"))


def _without_entities(text: str) -> str:
    """`text` with its characters as such, also where they were escaped twice."""
    for _ in range(3):
        if _ENTITY.search(text) is None:
            break
        text = html.unescape(text).replace("\xa0", " ")
    return text
