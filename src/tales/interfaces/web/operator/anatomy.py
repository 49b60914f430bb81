"""What a page shows of attempts, as plain data: a response as a tree, prompts line by line, and times as bars."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tales.domain.generation import Generation, Json

_DEEPEST = 24
_MOST_BRANCHES = 3000
"""Of one response. A page with more of them would be slow to open; the file has them all."""

_LONGEST_LEAF = 100_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A value of JSON under its name. `kind`: object, array, string, number, true, false, null; `text` of a leaf.

    `size` of what holds others: how many. `is_cut`: there is more than is shown.
    """

    name: str
    kind: str
    text: str = ""
    size: int = 0
    branches: Sequence[Branch] = ()
    is_cut: bool = False


def tree_of(value: Json) -> Branch | None:
    """A response as it can be unfolded; None where nothing is kept."""
    return None if value is None else _branch("", value, iter(range(_MOST_BRANCHES)), 0)


def _branch(name: str, value: Json, left: Iterator[int], depth: int) -> Branch:
    match value:
        case dict():
            items: list[tuple[str, Json]] = list(value.items())
            kind = "object"
        case list():
            items = [(str(place), inner) for place, inner in enumerate(value)]
            kind = "array"
        case _:
            return _leaf(name, value)
    if depth >= _DEEPEST:
        return _leaf(name, json.dumps(value))
    branches = [_branch(inner, content, left, depth + 1) for inner, content in items if next(left, None) is not None]
    return Branch(name, kind, size=len(items), branches=branches, is_cut=len(branches) < len(items))


def _leaf(name: str, value: Json) -> Branch:
    match value:
        case str():
            # Half a surrogate pair is no UTF-8: a page cannot hold it.
            text = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            return Branch(name, "string", text[:_LONGEST_LEAF], is_cut=len(text) > _LONGEST_LEAF)
        case bool() | None:
            return Branch(name, json.dumps(value), json.dumps(value))
        case _:
            return Branch(name, "number", json.dumps(value))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of two prompts: in both (" "), only in the one before ("-"), or only in the one behind ("+")."""

    sign: str
    text: str


def prompt_difference(before: str, behind: str) -> Sequence[Line]:
    """Every line of both, in order. Whole lines are compared: long ones, letter by letter, would take many seconds."""
    first, second = before.splitlines(), behind.splitlines()
    changes = difflib.SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
    lines: list[Line] = []
    for kind, begin, end, begin_behind, end_behind in changes:
        if kind == "equal":
            lines += [Line(" ", text) for text in first[begin:end]]
        else:
            lines += [Line("-", text) for text in first[begin:end]]
            lines += [Line("+", text) for text in second[begin_behind:end_behind]]
    return lines


@dataclass(frozen=True, slots=True)
class Span:
    """A part of an attempt's time: `kind` waits, thinks or writes; `start` and `width` are parts of a thousand."""

    kind: str
    start: float
    width: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The time of one attempt. `seconds` in all so far."""

    attempt_number: int
    spans: Sequence[Span]
    seconds: float


def timeline(generation: Generation, now: datetime) -> Sequence[Bar]:
    """When each attempt waited, was thought about and was written, on one scale; one that has not ended up to `now`."""
    begin = generation.attempts[0].created_at
    end = max(now if attempt.completed_at is None else attempt.completed_at for attempt in generation.attempts)
    whole = max((end - begin).total_seconds(), 0.001)
    bars = []
    for attempt in generation.attempts:
        ended = attempt.completed_at or now
        marks = [("waits", attempt.created_at), ("thinks", attempt.started_at), ("writes", attempt.first_token_at)]
        known = [(kind, moment) for kind, moment in marks if moment is not None]
        ends = [moment for _, moment in known[1:]] + [ended]
        spans = [
            Span(
                kind,
                1000 * max((moment - begin).total_seconds(), 0) / whole,
                1000 * max((until - moment).total_seconds(), 0) / whole,
                max((until - moment).total_seconds(), 0),
            )
            for (kind, moment), until in zip(known, ends, strict=True)
        ]
        bars.append(Bar(attempt.attempt_number, spans, max((ended - attempt.created_at).total_seconds(), 0)))
    return bars
