"""Where the title ends and the story begins in what a model wrote.

The prompt asks for the title alone on the first line. Models add marks of their own all the same: Markdown, a label,
quotation marks, or a sentence before it ("Sure! Here is a story:"). No child should read those.
"""

from __future__ import annotations

import re

from tales.domain.framing import without_opening

MAX_TITLE = 120
LONGEST_OPENING = 40

_LABELS = (
    "title|titel|titre|título|titolo|tytuł|název|titul|başlık|название|заголовок|назва|タイトル|題名|제목"
    "|标题|標題|题目|العنوان|عنوان|शीर्षक"
)
_LABEL = rf"[\#*_\s]*(?:{_LABELS})[*_\s]*"
# A line with nothing but the label: the title is on the next one.
_LABEL_LINE = re.compile(rf"\A{_LABEL}[:：]?[*_ \t]*\n+", re.IGNORECASE)
_LABEL_BEFORE = re.compile(rf"{_LABEL}[:：]", re.IGNORECASE)
_HEADING = re.compile(r"\s*\#")
_EMPHASISED = re.compile(r"\s*(?P<mark>\*{1,3}|_{1,3})[^*_]+(?P=mark)\s*")
# A rule, or "Story:", between the title and the story.
_SEPARATOR = re.compile(r"\A\s*(?:(?:[-=*_~][ \t]?){3,}|[*_]*story[*_]*:[*_]*)[ \t]*(?:\n|\Z)", re.IGNORECASE)
_SENTENCE_END = (".", "。", "।")
_QUOTES = ('""', "''", "“”", "‘’", "„“", "„”", "«»", "»«", "「」", "『』", "《》", "「」")


def split_title(text: str) -> tuple[str | None, str]:
    """Title and story; None when the first line is no title, and then the story keeps all its text."""
    text = _SEPARATOR.sub("", _without_preamble(text)).lstrip()
    text = _without_label_line(text)
    first, _, rest = text.partition("\n")
    rest = _SEPARATOR.sub("", rest).strip()
    title = _unmarked(first)
    is_title = 0 < len(title) <= MAX_TITLE and (_is_marked(first) or not title.endswith(_SENTENCE_END))
    return (title, rest) if is_title and rest else (None, text.lstrip("# "))


def opening_words(story: str) -> str:
    """A title for a story that has none: its first words, which are in its own language and tell it from others."""
    line = " ".join(story.partition("\n")[0].split())
    if len(line) <= LONGEST_OPENING:
        return line
    # A script without spaces is cut anywhere.
    whole_words = line[: LONGEST_OPENING + 1].rpartition(" ")[0] or line[:LONGEST_OPENING]
    return whole_words.rstrip(" ,;:.!?-–—«»„“”\"'、。，") + "…"


def _without_preamble(text: str) -> str:
    """`text` without the sentence that a model says before it begins."""
    text = without_opening(text, MAX_TITLE)
    first, _, rest = text.partition("\n")
    rest = rest.lstrip()
    # A colon may also end the story's own first line; before a marked title it does not.
    introduces = first.endswith((":", "：")) and not _is_marked(first) and _is_marked(rest.partition("\n")[0])
    return rest if rest and introduces else text


def _without_label_line(text: str) -> str:
    """`text` with a label on a line of its own before its title; where no title follows, the label is one."""
    label = _LABEL_LINE.match(text)
    if label is None:
        return text
    following, _, rest = text[label.end() :].partition("\n")
    is_title = len(following) <= MAX_TITLE and (_is_marked(following) or not following.endswith(_SENTENCE_END))
    return f"Title: {text[label.end() :]}" if is_title and rest.strip() else text


def _is_marked(line: str) -> bool:
    """Whether a line says of itself that it is a title."""
    return bool(_LABEL_BEFORE.match(line) or _HEADING.match(line) or _EMPHASISED.fullmatch(line))


def _unmarked(line: str) -> str:
    """A title without label, Markdown and quotation marks around it."""
    title = _LABEL_BEFORE.sub("", line, count=1) if _LABEL_BEFORE.match(line) else line
    title = title.strip("*_# \t")
    while len(title) > 1 and title[0] + title[-1] in _QUOTES and not set(title[0] + title[-1]) & set(title[1:-1]):
        title = title[1:-1].strip("*_# \t")
    return title
