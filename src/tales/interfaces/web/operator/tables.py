"""Reports as tables of a page: what each column is called, how its figures are written, and what is drawn of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tales.domain.statistics import Interval
from tales.domain.story_spec import StoryType
from tales.interfaces.web.languages import Language, translatable

SHORT_ID = 12
"""Characters of an id that are shown: the last ones, for the first say the time."""

STORY_TYPES = {
    StoryType.CHILD: translatable("about a child"),
    StoryType.HERO: translatable("about a hero"),
    StoryType.COMBINED: translatable("about both"),
}


class Kind(StrEnum):
    """What the figures of a column are. `said`: words of ours, which the catalogues translate."""

    WORDS = "words"
    NAME = "name"
    ID = "id"
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    INTERVAL = "interval"
    SECONDS = "seconds"
    DOLLARS = "dollars"
    ESTIMATE = "estimate"
    DAY = "day"
    WEEKDAY = "weekday"
    SAID = "said"
    STORY_TYPE = "story_type"


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of each row: an attribute's name, or what finds it. `finds`: what a generation is looked for by it.

    `name` is what a chart calls it that is no attribute.
    """

    title: str
    value: str | Callable[[Any], object]
    kind: Kind = Kind.COUNT
    finds: str = ""
    name: str = ""

    def of(self, row: object) -> object:
        """The figure itself; None is not known."""
        return getattr(row, self.value) if isinstance(self.value, str) else self.value(row)

    @property
    def is_text(self) -> bool:
        """Whether it stands on the left, as words do."""
        return self.kind in {Kind.WORDS, Kind.NAME, Kind.ID, Kind.DAY, Kind.WEEKDAY, Kind.SAID, Kind.STORY_TYPE}


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn: `y` over the words of `x`, columns by their names; `by` tells the series apart, else each of `y`.

    `kind`: bars beside each other (`bar`), on each other (`stack`), or `points`. `ends`: the column of the interval
    that `y` lies in. `marks`: what is drawn across the bars, such as a limit. `least`: so many rows are worth a chart.
    """

    kind: str
    x: tuple[str, ...]
    y: tuple[str, ...]
    by: str | None = None
    ends: str | None = None
    marks: tuple[str, ...] = ()
    least: int = 2


@dataclass(frozen=True, slots=True)
class Table:
    """A part of a report. `name` is that of its file; `drawn` None where nothing is to be drawn."""

    name: str
    title: str
    rows: Sequence[Any]
    columns: Sequence[Column]
    drawn: Chart | None = None
    note: str = ""

    @property
    def is_drawn(self) -> bool:
        """Whether its chart stands above it."""
        return self.drawn is not None and len(self.rows) >= self.drawn.least

    @property
    def chart(self) -> dict[str, object]:
        """Of a table that is drawn, how: columns by their places, as the page's script finds them."""
        assert self.drawn is not None  # it is drawn
        places = {column.name or column.value: place for place, column in enumerate(self.columns)}
        drawn = asdict(self.drawn)
        for field in ("x", "y", "marks"):
            drawn[field] = [places[name] for name in drawn[field]]
        for field in ("by", "ends"):
            drawn[field] = None if drawn[field] is None else places[drawn[field]]
        return drawn


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as it is read, as charts take it, and the query that finds the generations behind it."""

    text: str
    plain: str
    found_by: dict[str, str]


def cell_of(column: Column, row: object, language: Language) -> Cell:
    """One figure, in the reader's language."""
    value = column.of(row)
    found_by = {column.finds: str(value)} if column.finds and value is not None else {}
    return Cell(written(column.kind, value, language), _plain(value), found_by)


def written(kind: Kind, value: Any, language: Language) -> str:  # noqa: ANN401 -- any figure
    """A figure, in the reader's language."""
    if value is None:
        return language.translations.gettext(_UNKNOWN) if kind is Kind.DOLLARS else "–"
    ways: dict[Kind, Callable[[Any], str]] = {
        Kind.ID: lambda id_: str(id_)[-SHORT_ID:],
        Kind.SAID: lambda words: language.translations.gettext(words) if words else "",
        Kind.STORY_TYPE: lambda story_type: language.translations.gettext(STORY_TYPES.get(story_type, story_type)),
        Kind.COUNT: language.number,
        Kind.NUMBER: language.number,
        Kind.SHARE: language.share,
        Kind.INTERVAL: lambda ends: f"{language.share(ends.low)} – {language.share(ends.high)}",
        Kind.SECONDS: lambda seconds: f"{language.number(round(seconds, 1))} s",
        Kind.DOLLARS: lambda cost: language.dollars(Decimal(cost)),
        Kind.ESTIMATE: language.dollars,
        Kind.DAY: language.day,
        Kind.WEEKDAY: lambda number: language.weekday(int(number)),
    }
    return ways.get(kind, str)(value)


def _plain(value: object) -> str:
    match value:
        case None:
            return ""
        case Interval():
            return f"{value.low} {value.high}"
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


_UNKNOWN = translatable("not known")
