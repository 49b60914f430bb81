"""Reports as tables of a page: what each column is called, how its figures are written, and what is drawn of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tales.domain.generation import Status
from tales.domain.goals import GoalSettings
from tales.domain.prompt_templates import Slot, TemplateState
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

STATES: Mapping[str, str] = {
    Status.SUCCESS: translatable("a story"),
    Status.FAILED: translatable("failed"),
    Status.TIMEOUT: translatable("timed out"),
    Status.PENDING: translatable("in the making"),
    TemplateState.DRAFT: translatable("draft"),
    TemplateState.ACTIVE: translatable("active"),
    TemplateState.RETIRED: translatable("retired"),
}
"""Of attempts, and of versions of a prompt."""


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
    MOMENT = "moment"
    WEEKDAY = "weekday"
    SAID = "said"
    STORY_TYPE = "story_type"
    SLOT = "slot"
    STATE = "state"


_MEASURED = {Kind.SHARE, Kind.SECONDS, Kind.DOLLARS, Kind.ESTIMATE}
_NUMBERS = _MEASURED | {Kind.COUNT, Kind.NUMBER, Kind.INTERVAL}


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of each row: an attribute's name, or what finds it.

    `finds`: what generations are looked for by it. `leads`: the page of operators that says more of the row. `name` is
    what a chart calls it that is no attribute.
    """

    title: str
    value: str | Callable[[Any], object]
    kind: Kind = Kind.COUNT
    finds: str = ""
    name: str = ""
    leads: Callable[[Any], str] | None = None

    def of(self, row: object) -> object:
        """The figure itself; None is not known."""
        return getattr(row, self.value) if isinstance(self.value, str) else self.value(row)

    @property
    def is_text(self) -> bool:
        """Whether it stands on the left, as words do."""
        return self.kind not in _NUMBERS


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
    """A figure as it is read, as charts take it, and where it leads: a page, or generations that a query finds."""

    text: str
    plain: str
    page: str
    query: dict[str, str]


def cell_of(column: Column, row: object, language: Language) -> Cell:
    """One figure, in the reader's language."""
    value = column.of(row)
    query = {column.finds: str(value)} if column.finds and value is not None else {}
    page = column.leads(row) if column.leads else "/operator/generations" if query else ""
    return Cell(written(column.kind, value, language), _plain(value), page, query)


def kind_of_story(slot: Slot | GoalSettings, language: Language) -> str:
    """What a prompt or a goal is for."""
    words = (written(Kind.STORY_TYPE, slot.story_type, language), language.name_of(slot.language))
    return " · ".join((*words, slot.model) if isinstance(slot, Slot) and slot.model else words)


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
        Kind.SECONDS: language.seconds,
        Kind.DOLLARS: lambda cost: language.dollars(Decimal(cost)),
        Kind.ESTIMATE: language.dollars,
        Kind.DAY: language.day,
        Kind.MOMENT: language.moment,
        Kind.SLOT: lambda slot: kind_of_story(slot, language),
        Kind.STATE: lambda state: language.translations.gettext(STATES[state]),
        Kind.WEEKDAY: lambda number: language.weekday(int(number)),
    }
    return ways.get(kind, str)(value)


def around(kind: Kind, language: Language) -> tuple[str, str]:
    """What is written before and behind a figure: an axis writes it as the table does."""
    if kind not in _MEASURED:
        return "", ""
    before, _, behind = re.split(r"(\d[\d.,]*)", written(kind, 1, language), maxsplit=1)
    return before, behind


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
