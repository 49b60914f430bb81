"""Names of models and prompts in the order in which a person counts: model-2 before model-10."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([0-9]+)")


def natural_order(name: str) -> tuple[tuple[str | int, ...], str]:
    """What names are sorted by. Texts and numbers take turns, so each is compared with its like."""
    parts = tuple(int(part) if place % 2 else part.casefold() for place, part in enumerate(_NUMBER.split(name)))
    return parts, name
