"""Scripts that a model's name spells out, and whose turn it is. Pure: no network, no clock.

Grammar of a model's name:

    model  = "sim/" step { "-" step }
    step   = one of the forms in the table of steps, its words joined by "-"
    a word in capitals in a form (N, MS) stands for a whole number of up to 6 digits

Where two forms fit, the longer one is meant: `sim/error-mid-stream-ok` is `error-mid-stream`, then `ok`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

PREFIX = "sim/"
_NUMBER = re.compile(r"[0-9]{1,6}")


class UnknownStep(ValueError):
    """A model's name is no script."""


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One step of a script: its form in the table of steps, and the number it was given (else 0)."""

    form: str
    number: int = 0


def parse_script(model: str, forms: Collection[str]) -> tuple[ScriptStep, ...]:
    """The steps that the name `model` spells, at least one.

    Raises: UnknownStep where it is no script of steps in `forms`.
    """
    if not model.startswith(PREFIX):
        raise UnknownStep(f"A model's name starts with {PREFIX} here.")
    words = model.removeprefix(PREFIX).split("-")
    longest_first = sorted((form.split("-") for form in forms), key=len, reverse=True)
    steps: list[ScriptStep] = []
    while words:
        pattern = next((pattern for pattern in longest_first if _fits(pattern, words)), None)
        if pattern is None:
            raise UnknownStep(f"There is no step {words[0]!r}.")
        numbers = [int(word) for name, word in zip(pattern, words, strict=False) if name.isupper()]
        steps.append(ScriptStep("-".join(pattern), *numbers))
        words = words[len(pattern) :]
    return tuple(steps)


def _fits(pattern: list[str], words: list[str]) -> bool:
    """Whether `words` start with what `pattern` stands for."""
    return len(words) >= len(pattern) and all(
        _NUMBER.fullmatch(word) is not None if name.isupper() else word == name
        for name, word in zip(pattern, words, strict=False)
    )


class Turns:
    """Which step of its script a conversation plays next; forgets the oldest beyond `capacity` conversations.

    The last step repeats, unless the script starts over: then the call after it plays the first step again.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._next: dict[str, int] = {}

    def take(self, conversation: str, length: int, *, starts_over: bool) -> int:
        """The index of the step to play now, in a script of `length` steps."""
        turn = self._next.pop(conversation, 0)
        following = min(turn + 1, length - 1)
        if turn + 1 < length or not starts_over:
            self._next[conversation] = following
        if len(self._next) > self._capacity:
            del self._next[next(iter(self._next))]
        return turn
