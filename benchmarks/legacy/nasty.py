"""What makes a story nasty, kind by kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.legacy.copying import NULL, json_field, text_field, time_field
from benchmarks.legacy.odd_json import ODD_JSON
from benchmarks.legacy.plan import LegacyPlan, kinds

Row = dict[str, bytes]
"""A story by column, each value a field of COPY."""

NULLS = {kind: kind.removeprefix("null_") for kind in kinds() if kind.startswith("null_")} | {"orphan": "user_id"}
"""The kinds that only set a column to NULL, with that column. A tidy story has NULLs too; these counts hold both."""

_TEXTS = ("title", "content", "model_used", "moral", "hero_appearance", "relationship_description")
_JSONS = ("full_response", "generation_info")
_LENGTHS = (b"0", b"-1", b"-5", b"-2147483648")
_TYPES = (*(text_field(t) for t in ("legend", "CHILD", " child", "комбо", "hero\n", "NULL", "\\N")), b"")
_TIMES = (datetime(1970, 1, 1, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 1, tzinfo=UTC))
# Delimiters of COPY, CSV and SQL, ends of lines, what Tales escapes with, the highest code point, bidirectional marks,
# a letter with many marks, the same letter composed and not, a letter beyond 16 bits.
_ODD_TEXT = (
    "\U0010ffff\\ \\N \\. \\t\t\r\n\r \v\f\x01\x1a0041\x1f\x7f\x85\u2028\ufeff\uffff '';--$$ \"%s\" {0} "
    "\u202eعربي\u202c \u200f\u200b\u00ad Z\u0351\u036b\u0343\u0489\u0334 é e\u0301 Å A\u030a \ufb01 𠮷 👩🏽\u200d🚀 "
)


class Nasty:
    """Makes rows nasty, and counts how many of each kind came out."""

    def __init__(self, plan: LegacyPlan, rng: Random) -> None:
        self.made = dict.fromkeys(kinds(), 0)
        self._rng = rng
        self._huge = plan.huge_bytes

    def spoil(self, row: Row, due: Iterable[str], number: int, kept: tuple[str, ...] = ()) -> None:
        """Change `row`. Two kinds that want the same column do not spoil each other: the first has it.

        `kept` are columns that no kind may have.
        """
        taken = set(kept)
        for kind in due:
            free = [column for column in _wanted(kind) if column not in taken]
            if not free or (kind == "odd_text" and len(free) < len(_wanted(kind))):
                continue
            changed = self._change(row, kind, free, number)
            taken.update(changed)
            if kind not in NULLS:
                self.made[kind] += 1

    def count_nulls(self, row: Row) -> None:
        """Count the columns of a finished row that are NULL."""
        for kind, column in NULLS.items():
            if row[column] == NULL:
                self.made[kind] += 1

    def _change(self, row: Row, kind: str, free: list[str], number: int) -> list[str]:
        """Spoil some of the columns that are `free`; which ones."""
        rng = self._rng
        if kind in ODD_JSON:
            column = rng.choice(free)
            row[column] = json_field(ODD_JSON[kind](rng))
            return [column]
        if kind == "empty_text":
            columns = rng.sample(free, rng.randint(1, len(free)))
            row |= dict.fromkeys(columns, b"")
            return columns
        row |= dict.fromkeys(free, self._value(kind, number))
        return free

    def _value(self, kind: str, number: int) -> bytes:
        rng = self._rng
        if kind == "odd_text":
            return text_field(_ODD_TEXT * rng.randint(1, 3))
        if kind == "huge_text":
            words = b"".join(b"%x " % rng.getrandbits(rng.randint(8, 64)) for _ in range(1_000))
            return words * (self._huge // len(words) + 1)
        if kind == "bad_length":
            return rng.choice(_LENGTHS)
        if kind == "unknown_type":
            return rng.choice(_TYPES)
        if kind == "far_time":
            # By number, so that no two are equal: equal times are a kind of their own.
            return time_field(rng.choice(_TIMES) + timedelta(microseconds=number))
        return NULL


_WANTED = {
    "empty_text": _TEXTS,
    "odd_text": ("title", "content"),
    "huge_text": ("content",),
    "bad_length": ("story_length",),
    "unknown_type": ("story_type",),
    "far_time": ("created_at",),
    "json_usage": ("full_response",),
}


def _wanted(kind: str) -> tuple[str, ...]:
    """The columns that a kind may change."""
    if kind in NULLS:
        return (NULLS[kind],)
    return _WANTED.get(kind, _JSONS)
