"""How fast a live database is asked to move its rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_SMALLEST, _LARGEST = 10, 20_000
_MOST_CHANGE = 1.4
"""Of the size from one batch to the next: one that had to wait, or waited for nothing, says little of the others."""
_LEAST_SHARE, _MOST_SHARE = 0.02, 0.6
"""Of the time, while others work: a batch, and then the database is left to them."""
_SLOWDOWN, _SPEEDUP = 0.7, 1.1
"""What becomes of the share when others are found to wait for the batches, and when they are not."""
_BATCHES_A_SECOND = 50
"""A rate is kept by so many batches a second, so that none of them is felt."""


@dataclass(slots=True)
class Pace:
    """Sizes batches so that each takes about as long as it should, and leaves a share of the time to others.

    A batch holds locks on the rows that it moves, and others' commits wait for its log, so its length is what a writer
    feels: `shared_seconds` while others work, `batch_seconds` while nobody does. How much of the time batches take goes
    down while others wait for them, but never so far that fewer than `least_rate` rows a second are moved: a move that
    does not end is no kindness. `max_rate` is in rows a second, and the operator's.
    """

    batch_seconds: float = 0.1
    shared_seconds: float = 0.003
    max_rate: float | None = None
    least_rate: float = 2000.0
    sleep: Callable[[float], None] = time.sleep
    rows: int = 20
    share: float = field(default=0.3, init=False)

    def after_batch(self, moved: int, seconds: float, *, is_shared: bool, is_felt: bool | None = None) -> None:
        """Rest as long as others need, and choose how many `rows` the next batch has.

        `is_felt`: whether others are found to wait for the batches; None where nothing new is known.
        """
        aim = min(self.batch_seconds, self.shared_seconds) if is_shared else self.batch_seconds
        change = min(_MOST_CHANGE, max(1 / _MOST_CHANGE, aim / max(seconds, 1e-6)))
        wanted = self.rows * change
        self.rows = min(_LARGEST, max(_SMALLEST, math.ceil(wanted) if change > 1 else math.floor(wanted)))
        if self.max_rate is not None:
            self.rows = min(self.rows, max(1, int(self.max_rate / _BATCHES_A_SECOND)))
            self.sleep(max(0.0, moved / self.max_rate - seconds))
        elif is_shared:
            if is_felt is not None:
                self.share *= _SLOWDOWN if is_felt else _SPEEDUP
            # Of the time that this batch took, so much is needed for the least rate.
            least = min(1.0, self.least_rate * seconds / max(moved, 1))
            self.share = min(_MOST_SHARE, max(self.share, _LEAST_SHARE, least))
            self.sleep(seconds * (1 / self.share - 1))

    def may_halve(self) -> bool:
        """Choose half as many `rows` for the next batch; False where there is one already."""
        if self.rows == 1:
            return False
        self.rows //= 2
        return True
