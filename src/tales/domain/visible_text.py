"""What a reader may see of a model's text while it comes: neither its thoughts nor the marks of its chat template.

Servers that do not know a model's template leave such marks in the text. They come in any pieces, so that a mark may
begin in one and end in another; what is held back meanwhile is one unfinished mark.
"""

from __future__ import annotations

import re
from enum import Enum, auto

_NAMES = (
    "think(?:ing)?|thoughts?|thought_process|reason(?:ing)?|reflect(?:ion)?|analysis|scratch_?pad|rationale"
    "|(?:inner_|internal_)?monologue|ant_?thinking|plan(?:ning)?|brainstorm(?:ing)?|chain_of_thought|cot|deliberation"
)
_ANGLES = r"(?:<|&lt;)\s*[|｜]?\s*"
_ENDS = r"(?:\s[^<>]{0,60})?[|｜]?\s*(?:>|&gt;)"
_BRACKETED = r"(?:THINK(?:ING)?|THOUGHTS?|REASON(?:ING)?)"
_TURN_ENDS = (
    r"im_end|eot_id|eot|eom_id|end|endoftext|end_of_text|end_of_turn|end_of_turn_token|end_response|end_of_sentence"
    r"|end▁of▁sentence|eos|return|call|role_end|user|system|im_sep_end|endofturn"
)
_MARK = re.compile(
    rf"(?P<closes>{_ANGLES}/\s*(?:\w+:)?(?:{_NAMES}){_ENDS}|\[/{_BRACKETED}\]|◁/think▷"
    r"|<[|｜]end_?(?:of_)?(?:think\w*|thoughts?|reasoning|analysis)[|｜]>|<channel\|>)"
    rf"|(?P<opens>{_ANGLES}(?:\w+:)?(?:{_NAMES}){_ENDS}|\[{_BRACKETED}\]|◁think▷"
    r"|<[|｜](?:start|begin)_?(?:of_)?(?:think\w*|thoughts?|reasoning|analysis)[|｜]>|<\|channel>)"
    r"|(?P<header><[|｜](?:start|channel|im_start|start_header_id|header_start|turn)[|｜]?>|<start_of_turn>)"
    r"|(?P<body><[|｜](?:message|end_header_id|header_end|im_middle|im_sep)[|｜]>)"
    rf"|(?P<turn><[|｜]\s*(?:{_TURN_ENDS})\s*[|｜]>|<(?:eos|end_of_turn|end_of_utterance|turn\|)>|\[INST\])"
    r"|(?P<dropped><[|｜][^<>|｜\n]{1,40}[|｜]>|</?(?:s|bos|pad|unk|sop|eop|final_answer|answer|response|output|final)>"
    r"|\[/INST\]|\[(?:BOS|EOS|gMASK)\]|\[e~\[|</?<?SYS>>)",
    re.IGNORECASE,
)
_START = re.compile(r"[<\[◁&]")
_UNFINISHED = re.compile(
    r"<(?:<?/?[\s|｜]*(?:(?:[^\W\d]|[|｜])[^<>\n]{0,75})?)?\Z|\[/?[A-Za-z~]{0,10}\Z|◁[^▷\n]{0,8}\Z"
    r"|&(?:l(?:t(?:;[^<>&\n]{0,75}(?:&(?:g(?:t)?)?)?)?)?)?\Z"
)
_BREAKS_LINE = re.compile(r"<[|｜](?:im_start|turn)[|｜]?>|<start_of_turn>", re.IGNORECASE)
_STORYTELLERS = frozenset({"assistant", "model", "ai", "bot"})

# A template whose marks a server has thrown away, and not the words between them: "analysisThe user ...assistantfinal".
_GLUED_OPENING = "analysis"
_GLUED_END = "assistantfinal"


class _Mode(Enum):
    BEGINNING = auto()  # nothing but white space so far
    VISIBLE = auto()
    THOUGHT = auto()
    GLUED_THOUGHT = auto()
    HEADER = auto()  # who speaks, or on which channel
    OTHER = auto()  # another channel, or another speaker
    ENDED = auto()


class VisibleText:
    """Takes a text in pieces, gives what may be seen of it. In whatever pieces it comes, the same is seen."""

    def __init__(self) -> None:
        self._mode = _Mode.BEGINNING
        self._held = ""
        self._header = ""
        self._header_ends_with_line = False
        self._has_thought = False
        self._has_words = False

    def feed(self, piece: str) -> str:
        """What `piece` brings to see."""
        if self._mode is _Mode.VISIBLE and not self._held and _START.search(piece) is None:
            self._has_words = self._has_words or not piece.isspace()
            return piece
        text, self._held = self._held + piece, ""
        return "".join(self._read(text))

    def end(self) -> str:
        """No more comes: what was held back was no mark."""
        rest, self._held = self._held, ""
        if self._mode is _Mode.BEGINNING:
            self._mode = _Mode.VISIBLE
        return rest if self._mode is _Mode.VISIBLE else ""

    def _read(self, text: str) -> list[str]:
        seen: list[str] = []
        place = self._begin(text) if self._mode is _Mode.BEGINNING else 0
        while place < len(text) and self._mode is not _Mode.ENDED:
            if self._mode is _Mode.GLUED_THOUGHT:
                place = self._skip_glued(text, place)
                continue
            found = _START.search(text, place)
            start = found.start() if found else len(text)
            self._take(text[place:start], seen)
            if found is None:
                break
            mark = _MARK.match(text, start)
            if mark is not None:
                self._turn(mark, seen)
                place = mark.end()
            elif _UNFINISHED.match(text, start):
                self._held = text[start:]
                break
            else:
                self._take(text[start], seen)
                place = start + 1
        return seen

    def _begin(self, text: str) -> int:
        """Where to read on; nothing is read before the first word can be told."""
        first = text.lstrip()
        if len(first) <= len(_GLUED_OPENING) and _GLUED_OPENING.startswith(first):
            self._held = text
            return len(text)
        glued = first.startswith(_GLUED_OPENING) and first[len(_GLUED_OPENING)].isupper()
        self._mode = _Mode.GLUED_THOUGHT if glued else _Mode.VISIBLE
        return 0

    def _skip_glued(self, text: str, place: int) -> int:
        end = text.find(_GLUED_END, place)
        if end >= 0:
            self._mode = _Mode.VISIBLE
            return end + len(_GLUED_END)
        self._held = text[max(place, len(text) - len(_GLUED_END) + 1) :]
        return len(text)

    def _take(self, text: str, seen: list[str]) -> None:
        """Text without a mark."""
        if self._mode is _Mode.HEADER:
            self._header += text
            if self._header_ends_with_line and "\n" in self._header:
                self._header, _, text = self._header.partition("\n")
                self._end_header()
            else:
                return
        if self._mode is _Mode.VISIBLE and text:
            self._has_words = self._has_words or not text.isspace()
            seen.append(text)

    def _turn(self, mark: re.Match[str], seen: list[str]) -> None:
        kind = mark.lastgroup
        if kind == "opens":
            self._has_thought = True
            if self._mode is _Mode.VISIBLE:
                self._mode = _Mode.THOUGHT
        elif kind == "closes":
            if self._mode is _Mode.THOUGHT:
                self._mode = _Mode.VISIBLE
            elif self._mode is _Mode.VISIBLE and not self._has_thought:
                # The template opened the thought in the prompt: that shows only now, and `clean` sees to it.
                seen.append(mark[0])
        elif self._mode is _Mode.THOUGHT:
            return  # a thought may hold any other mark
        elif kind == "header":
            # The channel belongs to the speaker before it.
            self._header = f"{self._header} " if self._mode is _Mode.HEADER else ""
            self._mode = _Mode.HEADER
            self._header_ends_with_line = _BREAKS_LINE.fullmatch(mark[0]) is not None
        elif kind == "body" and self._mode is _Mode.HEADER:
            self._end_header()
        elif kind == "turn":
            self._mode = _Mode.ENDED if self._mode is _Mode.VISIBLE and self._has_words else _Mode.VISIBLE

    def _end_header(self) -> None:
        words = self._header.lower().split()
        if words and words[0] in _STORYTELLERS:
            del words[0]
        self._header = ""
        self._mode = _Mode.VISIBLE if not words or words[0].startswith("final") else _Mode.OTHER


def visible(text: str) -> str:
    """What may be seen of a whole text."""
    reading = VisibleText()
    return reading.feed(text) + reading.end()


_STRAY_END = re.compile(
    rf"{_ANGLES}/\s*(?:\w+:)?(?:{_NAMES}){_ENDS}|\[/{_BRACKETED}\]|◁/think▷|<channel\|>", re.IGNORECASE
)


def without_opening_thought(text: str) -> str:
    """`text` without a thought of which only the end was marked."""
    end = 0
    if "/" in text or "<channel|>" in text:
        for stray in _STRAY_END.finditer(text):
            end = stray.end()
    return text[end:]
