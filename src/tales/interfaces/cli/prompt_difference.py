"""How the prompts of two attempts differ, line by line."""

from __future__ import annotations

import difflib

from tales.domain.errors import InvalidInput, NotFound
from tales.interfaces.cli.records import AnyGeneration, prompt_of
from tales.interfaces.cli.tables import printable


def prompt_difference(generation: AnyGeneration, before: int, after: int) -> str:
    """The difference as `diff -u` writes it; nothing where the prompts are the same. Raises: NotFound, InvalidInput."""
    difference = difflib.unified_diff(
        _lines(generation, before),
        _lines(generation, after),
        f"attempt {before}",
        f"attempt {after}",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in difference)


def _lines(generation: AnyGeneration, number: int) -> list[str]:
    for attempt in generation.attempts:
        if attempt.attempt_number == number:
            prompt = prompt_of(attempt)
            if prompt is None:
                raise InvalidInput("--diff", f"The prompt of attempt {number} is not shown here, or was not kept.")
            return printable(prompt).splitlines()
    raise NotFound("attempt", number)
