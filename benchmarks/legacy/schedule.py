"""When each kind of nasty row comes next."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heapreplace
from math import log1p
from random import Random


class Schedule:
    """Each kind comes to each row by chance, with its share.

    The gap to the next row of a kind is drawn (from the geometric distribution) instead of asking every row about every
    kind: a plain row costs one comparison, however many kinds there are.
    """

    def __init__(self, shares: Mapping[str, float], rng: Random) -> None:
        self._rng = rng
        self._rates = [(kind, log1p(-share) if share < 1 else None) for kind, share in shares.items() if share > 0]
        self._next = [(self._gap(rate), order) for order, (_, rate) in enumerate(self._rates)]
        heapify(self._next)

    def due(self, row: int) -> list[str]:
        """The kinds that row number `row` is of, in a fixed order. Rows are asked for in order, from 0."""
        due = []
        while self._next and self._next[0][0] == row:
            order = self._next[0][1]
            kind, rate = self._rates[order]
            due.append(kind)
            heapreplace(self._next, (row + 1 + self._gap(rate), order))
        return due

    def _gap(self, rate: float | None) -> int:
        """How many rows are passed over; `rate` is log(1 - share), None for a share of 1."""
        return 0 if rate is None else int(log1p(-self._rng.random()) / rate)
