"""Generations, attempts and stories as a person reads them in a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from tales.domain.generation import Status
from tales.domain.parsed_story import count_words
from tales.domain.prompt import WORDS_PER_MINUTE
from tales.interfaces.cli.amounts import cost_of_a_call
from tales.interfaces.cli.records import (
    AnyAttempt,
    AnyGeneration,
    AnyStory,
    cost_of,
    estimate_of,
    prompt_of,
    request_of,
    response_of,
    written_by,
)

READING_WIDTH = 72
"""Columns of a story's line, where the terminal has as many."""

# Marks that turn the direction of what follows (Unicode Standard Annex 9).
_TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_COLOURS: dict[str, str] = {
    Status.SUCCESS: "green",
    Status.PENDING: "yellow",
    Status.FAILED: "red",
    Status.TIMEOUT: "red",
}


def attempts_table(generation: AnyGeneration) -> Table:
    """One row an attempt: how it ended, why, how long it took and what it cost."""
    table = Table("#", "status", box=SIMPLE, title=f"Attempts of {generation.generation_id}", title_justify="left")
    for folded in ("model", "reason"):
        table.add_column(folded, overflow="fold")
    for right_aligned in ("first token", "in all", "tokens", "cost"):
        table.add_column(right_aligned, justify="right", no_wrap=True)
    for attempt in generation.attempts:
        table.add_row(
            str(attempt.attempt_number),
            _status(attempt.status),
            _text(attempt.model_used),
            _text(attempt.error_type or ""),
            _seconds(attempt.started_at, attempt.first_token_at),
            _seconds(attempt.started_at, attempt.completed_at),
            _number(attempt.completion_tokens),
            _cost(attempt),
        )
    return table


def generations_table(generations: Iterable[AnyGeneration]) -> Table:
    """One row a generation, newest first."""
    table = Table(box=SIMPLE)
    table.add_column("generation", no_wrap=True)
    for folded in ("created", "type", "status", "attempts", "model"):
        table.add_column(folded, overflow="fold")
    for generation in generations:
        created_at = generation.attempts[0].created_at if generation.attempts else None
        table.add_row(
            str(generation.generation_id),
            f"{created_at:%Y-%m-%d %H:%M:%S}" if created_at else "",
            _text(request_of(generation).story_type or ""),
            _status(generation.status),
            str(len(generation.attempts)),
            _text(generation.attempts[-1].model_used if generation.attempts else ""),
        )
    return table


def stories_table(stories: Iterable[AnyStory]) -> Table:
    """One row a story, newest first."""
    table = Table(box=SIMPLE)
    table.add_column("story", no_wrap=True)
    for folded in ("created", "title"):
        table.add_column(folded, overflow="fold")
    table.add_column("rating", justify="right")
    for story in stories:
        created_at = f"{story.created_at:%Y-%m-%d %H:%M:%S}" if story.created_at else ""
        table.add_row(str(story.id), created_at, _text(story.title), _number(story.rating))
    return table


def story_details(story: AnyStory) -> RenderableType:
    """A whole story, laid out for reading, and below it what is known of it."""
    generation_id, attempt_number = written_by(story)
    facts: list[tuple[str, object]] = [
        ("rating", story.rating),
        ("child_id", story.child_id),
        ("hero_id", story.hero_id),
        ("generation_id", generation_id),
        ("generation_attempt", attempt_number),
        ("created_at", story.created_at),
        ("updated_at", story.updated_at),
    ]
    known = _grid((name, value) for name, value in facts if value is not None)
    return Group(story_text(story.title, story.content), "", known)


def story_text(title: str, content: str) -> RenderableType:
    """A story as somebody reads it aloud: its title, its minutes, and lines of a length that eyes find again."""
    minutes = max(1, round(count_words(content) / WORDS_PER_MINUTE))
    length = "About a minute to read aloud." if minutes == 1 else f"About {minutes} minutes to read aloud."
    return Group(_text(title), length, "", Constrain(_text(content.rstrip()), READING_WIDTH))


def attempt_details(attempt: AnyAttempt) -> RenderableType:
    """All that is known of one attempt, with its prompt and its complete response where they are shown."""
    parts: list[RenderableType] = [_grid(_facts(attempt))]
    if (prompt := prompt_of(attempt)) is not None:
        parts.append(Panel(_text(prompt.rstrip()), title="prompt", title_align="left"))
    if (full_response := response_of(attempt)) is not None:
        response = printable(json.dumps(full_response, indent=2, ensure_ascii=False))
        parts.append(Panel(Syntax(response, "json", word_wrap=True), title="full_response", title_align="left"))
    title = _text(f"attempt {attempt.attempt_number} · {attempt.status}")
    return Panel(Group(*parts), title=title, title_align="left", border_style=_COLOURS.get(attempt.status, "none"))


def _grid(facts: Iterable[tuple[str, object]]) -> Table:
    """What is known, a line each."""
    grid = Table.grid(padding=(0, 2))
    for name, value in facts:
        if value is not None:
            grid.add_row(Text(name, style="dim"), _text(str(value)))
    return grid


def _facts(attempt: AnyAttempt) -> list[tuple[str, object]]:
    return [
        ("model_used", attempt.model_used),
        ("served_model", attempt.served_model),
        ("provider", attempt.provider),
        ("provider_generation_id", attempt.provider_generation_id),
        ("error_type", attempt.error_type),
        ("error_message", attempt.error_message),
        ("http_status", attempt.http_status),
        ("created_at", attempt.created_at),
        ("available_at", getattr(attempt, "available_at", None)),
        ("started_at", attempt.started_at),
        ("first_token_at", attempt.first_token_at),
        ("completed_at", attempt.completed_at),
        ("prompt_tokens", attempt.prompt_tokens),
        ("completion_tokens", attempt.completion_tokens),
        ("cost_usd", cost_of(attempt)),
        ("estimated_cost_usd", estimate_of(attempt)),
        ("prompt_version", attempt.prompt_version),
        ("origin", attempt.origin),
        ("worker_id", getattr(attempt, "worker_id", None)),
    ]


def _text(value: str) -> Text:
    return Text(printable(value))


def printable(text: str) -> str:
    """`text` with every character spelled out that could do something to a terminal, or turn a line round.

    A provider, or a user beside the service, may have written it. Half characters (lone surrogates) no terminal takes.
    """
    return "".join(char.encode("unicode_escape").decode() if _acts(char) else char for char in text)


def _acts(char: str) -> bool:
    if char in "\n\t":
        return False
    return unicodedata.category(char) in {"Cc", "Cs"} or unicodedata.bidirectional(char) in _TURNS


def _status(status: str) -> Text:
    return Text(printable(status), style=_COLOURS.get(status, "none"))


def _seconds(start: datetime | None, end: datetime | None) -> str:
    return f"{(end - start).total_seconds():.1f} s" if start and end else ""


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _cost(attempt: AnyAttempt) -> str:
    """What it cost; by the price list alone, it is said that it is an estimate."""
    cost, estimate = cost_of(attempt), estimate_of(attempt)
    if cost is None and estimate is not None:
        return f"about {cost_of_a_call(estimate)}"
    return "unknown" if cost is None else cost_of_a_call(cost)
