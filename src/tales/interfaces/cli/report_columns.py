"""What a report shows to a person: columns of figures as text, and the sections that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tales.domain.statistics import Interval
from tales.interfaces.cli.amounts import dollars


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of each row, as text. `bar`: its share of the longest bar, for a picture of it."""

    title: str
    shown: Callable[[Any], str]
    is_number: bool = True
    bar: Callable[[Any], float | None] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a report. `spark`: a series in the order of its rows, drawn as one line above it."""

    name: str
    title: str
    rows: Sequence[Any]
    columns: Sequence[Column]
    spark: Callable[[Any], float | None] | None = None
    note: str = ""


def number(value: float | None) -> str:
    """A count, with thousands apart."""
    return "" if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """A share."""
    return "" if value is None else f"{value:.1%}"


def between(interval: Interval | None) -> str:
    """An interval of shares."""
    return "" if interval is None else f"{interval.low:.1%}-{interval.high:.1%}"


def seconds(value: float | None) -> str:
    """A length of time."""
    return "" if value is None else f"{value:.1f} s"


def text_column(title: str, name: str) -> Column:
    """A text as it is."""
    return Column(title, lambda row: str(getattr(row, name) or "none"), is_number=False)


def count_column(title: str, name: str) -> Column:
    """A count."""
    return Column(title, lambda row: number(getattr(row, name)))


def seconds_column(title: str, name: str) -> Column:
    """A length of time."""
    return Column(title, lambda row: seconds(getattr(row, name)))


def dollars_column(title: str, name: str) -> Column:
    """An amount."""
    return Column(title, lambda row: dollars(getattr(row, name)))


def interval_column(name: str) -> Column:
    """Where a share lies."""
    return Column("95 %", lambda row: between(getattr(row, name)))


def part_of(part: Decimal | float, whole: Decimal | float) -> float | None:
    """A share, if there is a whole."""
    return float(part) / float(whole) if whole else None
