"""A story while it is written: on the terminal as it comes, elsewhere a line for each attempt on standard error."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Protocol
from uuid import UUID

from rich.markup import escape

from tales.client import AsyncTales, Delta, Generation, NotFound, Retrying
from tales.interfaces.cli.console import err

# Programs such as editors write on the other screen, and leave the one before as it was.
_OTHER_SCREEN, _FIRST_SCREEN = "\x1b[?1049h\x1b[H", "\x1b[?1049l"
_NO_SCREENS = frozenset({"", "dumb", "unknown"})


class Watcher(Protocol):
    """Who is told how a story comes along."""

    def text(self, piece: str) -> None:
        """More of its text."""

    def no_story(self, sentence: str) -> None:
        """What was told of this attempt is no story."""


class Nobody(Watcher):
    """A program, which reads the end."""

    def text(self, piece: str) -> None: ...

    def no_story(self, sentence: str) -> None: ...


class Progress(Watcher):
    """Where there is no terminal: how it goes is said on standard error, and the story comes when it is one."""

    def __init__(self) -> None:
        self._has_begun = False

    def text(self, piece: str) -> None:
        if not self._has_begun:
            self._has_begun = True
            err.print("The story is being written.")

    def no_story(self, sentence: str) -> None:
        self._has_begun = False
        err.print(sentence, soft_wrap=True)


class Terminal(Watcher):
    """The text as it comes, on a screen of its own: what becomes of no story does not stay."""

    def __init__(self) -> None:
        self._is_open = False
        self._has_screens = os.environ.get("TERM", "") not in _NO_SCREENS

    def text(self, piece: str) -> None:
        if not self._is_open:
            self._is_open = True
            _write(_OTHER_SCREEN if self._has_screens else "")
        show_on_terminal(piece)

    def no_story(self, sentence: str) -> None:
        self.close()
        err.print(sentence, soft_wrap=True)

    def close(self) -> None:
        """Back to the screen of before."""
        if self._is_open:
            self._is_open = False
            _write(_FIRST_SCREEN if self._has_screens else "\n\n")


@contextmanager
def watching(*, as_json: bool) -> Iterator[Watcher]:
    """Who is told, by where the output goes; the terminal is left as it was, whatever happens."""
    if as_json or not sys.stdout.isatty():
        yield Nobody() if as_json else Progress()
        return
    terminal = Terminal()
    try:
        yield terminal
    finally:
        terminal.close()


async def follow(tales: AsyncTales, generation_id: UUID, watcher: Watcher) -> Generation:
    """Wait for the generation's end, and tell `watcher`."""
    with suppress(NotFound):  # a server without events: the generation itself says how it ended
        async with aclosing(tales.generations.events(generation_id)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    watcher.text(event.text)
                elif isinstance(event, Retrying):
                    reason = event.error_message or event.error_type or "it failed."
                    watcher.no_story(_no_story(event.attempt_number, reason, is_last=False))
    ended = await tales.generations.wait(generation_id)
    if ended.story_id is None:
        watcher.no_story(_no_story(len(ended.attempts), reason_of(ended), is_last=True))
    return ended


def reason_of(generation: Generation) -> str:
    """Why the last attempt gave no story."""
    reason = generation.attempts[-1].error_message if generation.attempts else None
    return reason or generation.status


def _no_story(attempt_number: int, reason: str, *, is_last: bool) -> str:
    what_next = "That was the last attempt." if is_last else "Trying again."
    return f"[yellow]Attempt {attempt_number} gave no story:[/yellow] {escape(reason)} {what_next}"


def show_on_terminal(text: str) -> None:
    """Write a piece of text at once; no control character of a model reaches the terminal, nor half a character."""
    _write("".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"}))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
