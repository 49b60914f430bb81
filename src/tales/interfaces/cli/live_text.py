"""A story on the terminal while it is written."""

from __future__ import annotations

import asyncio
import sys
import unicodedata
from collections.abc import Callable

from rich.markup import escape

from tales.application.follow_generation import FollowGeneration
from tales.application.ports import TextPiece, TextSource
from tales.domain.actor import Actor
from tales.domain.generation import AttemptId, Generation, Status
from tales.interfaces.cli.running import err

LONG = 24 * 3600.0
"""Seconds: longer than any generation takes, as each one ends."""


async def follow(
    texts: TextSource,
    follow_generation: FollowGeneration,
    actor: Actor,
    generation: Generation,
    show: Callable[[str], None] | None,
) -> Generation:
    """Wait for the generation's end. `show` gets its text as it is written; how attempts fail is said on the side."""
    with texts.listen(generation.generation_id) as pieces:
        waiting = asyncio.create_task(follow_generation.wait(actor, generation.generation_id, LONG))
        try:
            while show is not None and (piece := await _next_piece(pieces, waiting)) is not None:
                if piece.text is None:
                    await _say_how_it_ended(follow_generation, actor, piece.attempt)
                else:
                    show(piece.text)
            return await waiting
        finally:
            waiting.cancel()


async def _next_piece(pieces: asyncio.Queue[TextPiece], waiting: asyncio.Task[Generation]) -> TextPiece | None:
    """The next piece; None when there are no more, because the generation has ended."""
    getting = asyncio.create_task(pieces.get())
    await asyncio.wait({getting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if getting.done():
        return getting.result()
    getting.cancel()
    return None if pieces.empty() else pieces.get_nowait()


async def _say_how_it_ended(follow_generation: FollowGeneration, actor: Actor, attempt_id: AttemptId) -> None:
    """What was shown of an attempt that failed is no story: the next one begins from the start."""
    generation = await follow_generation.get(actor, attempt_id.generation_id)
    attempt = generation.attempts[attempt_id.attempt_number - 1]
    if attempt.status in {Status.FAILED, Status.TIMEOUT}:
        what_next = "Trying again." if generation.latest.id != attempt.id else "That was the last attempt."
        err.print(
            f"\n[yellow]Attempt {attempt_id.attempt_number} gave no story:[/yellow] "
            f"{escape(attempt.error_message or attempt.status)} {what_next}\n",
            soft_wrap=True,
        )


def show_on_terminal(text: str) -> None:
    """Write a piece of text at once; no control character of a model reaches the terminal, nor half a character."""
    sys.stdout.write("".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs"}))
    sys.stdout.flush()
