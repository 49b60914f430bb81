"""A story on the terminal while it is written."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from contextlib import aclosing, suppress
from uuid import UUID

from rich.markup import escape

from tales.client import AsyncTales, Delta, Generation, NotFound, Retrying
from tales.interfaces.cli.console import err


async def follow(tales: AsyncTales, generation_id: UUID, show: Callable[[str], None] | None) -> Generation:
    """Wait for the generation's end. `show` gets its text as it is written; how attempts fail is said on the side."""
    with suppress(NotFound):  # a server without events: the generation itself says how it ended
        async with aclosing(tales.generations.events(generation_id)) as events:
            async for event in events:
                if show is not None and isinstance(event, Delta):
                    show(event.text)
                elif show is not None and isinstance(event, Retrying):
                    reason = event.error_message or event.error_type or "it failed."
                    _say_that_there_is_no_story(event.attempt_number, reason, is_last=False)
    ended = await tales.generations.wait(generation_id)
    if show is not None and ended.story_id is None:
        _say_that_there_is_no_story(len(ended.attempts), reason_of(ended), is_last=True)
    return ended


def reason_of(generation: Generation) -> str:
    """Why the last attempt gave no story."""
    reason = generation.attempts[-1].error_message if generation.attempts else None
    return reason or generation.status


def _say_that_there_is_no_story(attempt_number: int, reason: str, *, is_last: bool) -> None:
    """What was shown of an attempt that failed is no story: the next one begins from the start."""
    what_next = "That was the last attempt." if is_last else "Trying again."
    err.print(
        f"\n[yellow]Attempt {attempt_number} gave no story:[/yellow] {escape(reason)} {what_next}\n", soft_wrap=True
    )


def show_on_terminal(text: str) -> None:
    """Write a piece of text at once; no control character of a model reaches the terminal, nor half a character."""
    sys.stdout.write("".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"}))
    sys.stdout.flush()
