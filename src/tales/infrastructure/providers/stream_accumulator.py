"""The chunks of a stream -> the one `chat.completion` object that they are pieces of.

Text grows, fragments are put together by their index, and of everything else the last value that says something stays,
whether anybody knows the field or not: null, an empty text and a usage of zeros take nothing back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tales.domain.finish_reasons import Ending, ending_of, plain_reason
from tales.domain.generation import Json
from tales.domain.visible_text import VisibleText
from tales.infrastructure.providers.message_parts import has_words, is_thought, text_of
from tales.infrastructure.providers.pieces import Pieces

LEAST_REPEATED = 16
"""Characters. What is shorter may come twice in a story; what is longer and all that came before is said again."""

_TEXT = frozenset({"role", "content"})
_NO_FIELD = frozenset({"choices"})
_NO_FIELD_OF_CHOICE = frozenset({"delta", "message", "finish_reason"})


@dataclass(slots=True)
class ParsedChunk:
    """What one chunk, or several, brought: text of the story, anything that counts as progress, any token at all."""

    text: str = ""
    is_progress: bool = False
    has_token: bool = False

    def add(self, other: ParsedChunk) -> None:
        """What came after it belongs to it too."""
        self.text += other.text
        self.is_progress |= other.is_progress
        self.has_token |= other.has_token


class StreamAccumulator:
    """Takes chunks, gives the object. Holds what has come so far, so that a cut stream keeps its text."""

    def __init__(self) -> None:
        self._fields: dict[str, Json] = {}
        self._choices: dict[int, _Choice] = {}
        self.was_whole = False
        """Whether the text had ended before an error came: then the error is of what came after it."""

    @property
    def id(self) -> Json:
        """The provider's id, as the chunks have it."""
        return self._fields.get("id")

    @property
    def has_ended(self) -> bool:
        """Whether a finish reason or an error says that no more text will come."""
        return bool(self._fields.get("error")) or any(choice.has_ended for choice in self._choices.values())

    def add(self, chunk: Mapping[str, Json]) -> ParsedChunk:
        """Take one chunk in."""
        choices = chunk.get("choices")
        if chunk.get("error"):
            self._note_error()
        _update(self._fields, chunk, _NO_FIELD)
        parsed = ParsedChunk(is_progress=bool(chunk.get("usage") or chunk.get("error")))
        for place, fields in enumerate(choices if isinstance(choices, list) else ()):
            if not isinstance(fields, dict):
                continue
            if fields.get("error"):
                self._note_error()
            choice = self._choice(fields.get("index"), place)
            piece = choice.add(fields)
            if choice is not self._story:
                piece.text = ""
            parsed.add(piece)
        return parsed

    def end(self) -> ParsedChunk:
        """No more chunks come."""
        return ParsedChunk(self._story.end()) if self._choices else ParsedChunk()

    def result(self, *, is_done: bool = True) -> dict[str, Json]:
        """The object as far as it has come: without a finish reason where none came.

        `is_done`: the stream was not cut. Where each piece has had a finish reason, that alone tells the last one.
        """
        choices = [{"index": index} | choice.result(is_done=is_done) for index, choice in sorted(self._choices.items())]
        return self._fields | {"object": "chat.completion", "choices": choices}

    def _note_error(self) -> None:
        if not self._fields.get("error") and self._choices:
            self.was_whole = self.was_whole or self._story.is_finished

    def _choice(self, index: Json, place: int) -> _Choice:
        number = index if isinstance(index, int) else place
        if number not in self._choices:
            self._choices[number] = _Choice()
        return self._choices[number]

    @property
    def _story(self) -> _Choice:
        """Only one choice is asked for, and only one is read."""
        return self._choices[min(self._choices)]


class _Choice:
    def __init__(self) -> None:
        self._fields: dict[str, Json] = {"finish_reason": None}
        self._message = Pieces()
        self._visible = VisibleText()
        self._goes_on = False  # text has come after a finish reason

    @property
    def is_finished(self) -> bool:
        """Whether it has said why it ended, and no error did."""
        return self.has_ended and not self._fields.get("error")

    @property
    def has_ended(self) -> bool:
        return bool((self._fields["finish_reason"] and not self._goes_on) or self._fields.get("error"))

    def add(self, fields: Mapping[str, Json]) -> ParsedChunk:
        delta, message = fields.get("delta"), fields.get("message")
        reason = fields.get("finish_reason")
        if isinstance(reason, str):
            reason = reason.strip()
        ends = bool(reason or fields.get("error"))
        parsed = ParsedChunk()
        if isinstance(delta, dict):
            again = (ends or self.has_ended) and self._says_again(delta.get("content"))
            parsed = self._add(delta | {"content": ""} if again else delta)
        if isinstance(message, dict):
            parsed.add(self._add(self._message.new_in(message)))
        if ends:
            parsed.is_progress = True
        if self._fields["finish_reason"] and (parsed.text.strip() or ends):
            self._goes_on = bool(parsed.text.strip())
        _update(self._fields, fields, _NO_FIELD_OF_CHOICE)
        if reason:
            self._finish(reason)
        return parsed

    def end(self) -> str:
        """What was held back of the text."""
        return self._visible.end()

    def result(self, *, is_done: bool) -> dict[str, Json]:
        message: dict[str, Json] = {"role": "assistant", "content": None}
        unfinished: dict[str, Json] = {"finish_reason": None} if self._goes_on and not is_done else {}
        return self._fields | unfinished | {"message": message | self._message.result()}

    def _add(self, delta: Mapping[str, Json]) -> ParsedChunk:
        self._message.add(delta)
        content = delta.get("content")
        text = content if isinstance(content, str) else text_of(content)
        is_progress = has_token = bool(text)
        if not text and content:
            is_progress = has_token = has_words(content)
        for name, value in delta.items():
            if name not in _TEXT and value and has_words(value):
                is_progress = True
                has_token = has_token or is_thought(name)
        return ParsedChunk(self._visible.feed(text) if text else "", is_progress, has_token)

    def _says_again(self, content: Json) -> bool:
        """Whether a last delta is no piece but the whole text once more."""
        if not isinstance(content, str) or len(content) < LEAST_REPEATED:
            return False
        known = self._message.text("content")
        return content == known or content.strip() == known.strip()

    def _finish(self, reason: Json) -> None:
        """The first reason counts, unless a later one says that the text is less whole; an error comes too late."""
        known = self._fields["finish_reason"]
        if isinstance(known, str) and known:
            is_less = isinstance(reason, str) and ending_of(reason) is not Ending.WHOLE
            if ending_of(known) is not Ending.WHOLE or not is_less or plain_reason(str(reason)) == "error":
                return
        self._fields["finish_reason"] = reason


def _update(known: dict[str, Json], news: Mapping[str, Json], without: frozenset[str]) -> None:
    """Take over `news`; null says nothing new, as in a usage chunk that repeats the frame of those before."""
    for key, value in news.items():
        if key not in without:
            before = known.get(key)
            if before == value and key in known:
                continue  # as nearly always
            if isinstance(before, dict) and isinstance(value, dict) and (key == "usage" or key.startswith("x_")):
                known[key] = merged(before, value)
            elif says_more(before, value) or key not in known:
                known[key] = value


def says_more(before: Json, value: Json) -> bool:
    """Whether `value` may take the place of `before`: not so an empty one that of a full one."""
    if isinstance(value, str):
        return not before or bool(value.strip())
    return value is not None and (not before or value not in ([], {}))


def merged(before: Mapping[str, Json], news: Mapping[str, Json]) -> dict[str, Json]:
    """A usage that comes in parts, or once more as zeros."""
    both = dict(before)
    for key, value in news.items():
        known = both.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            both[key] = merged(known, value)
        elif value or not known:
            both[key] = value
    return both
