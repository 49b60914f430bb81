"""A story on the terminal while it is written."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from contextlib import aclosing

from rich.markup import escape

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.domain.generation import Attempt, Generation
from tales.domain.progress import RetryEvent, TextDelta
from tales.interfaces.cli.console import err

LONG = 24 * 3600.0
"""Seconds: longer than any generation takes, as each one ends."""


async def follow(
    services: Services, actor: Actor, generation: Generation, show: Callable[[str], None] | None
) -> Generation:
    """Wait for the generation's end. `show` gets its text as it is written; how attempts fail is said on the side."""
    generation_id = generation.generation_id
    if show is not None:
        async with aclosing(await services.stream_events(actor, generation_id)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    show(event.text)
                elif isinstance(event, RetryEvent):
                    _say_how_it_ended(event.ended, is_last=False)
    ended = await services.follow_generation.wait(actor, generation, LONG)
    if show is not None and ended.story_id is None:
        _say_how_it_ended(ended.latest, is_last=True)
    return ended


def _say_how_it_ended(attempt: Attempt, *, is_last: bool) -> None:
    say_that_there_is_no_story(attempt.id.attempt_number, attempt.error_message or attempt.status, is_last=is_last)


def say_that_there_is_no_story(attempt_number: int, reason: str, *, is_last: bool) -> None:
    """What was shown of an attempt that failed is no story: the next one begins from the start."""
    what_next = "That was the last attempt." if is_last else "Trying again."
    err.print(
        f"\n[yellow]Attempt {attempt_number} gave no story:[/yellow] {escape(reason)} {what_next}\n", soft_wrap=True
    )


def show_on_terminal(text: str) -> None:
    """Write a piece of text at once; no control character of a model reaches the terminal, nor half a character."""
    sys.stdout.write("".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"}))
    sys.stdout.flush()
