"""The migrations as files: each `NNN_name.sql` is one revision, made of one or more steps.

A line `-- step: NAME` begins a step, which runs in a transaction of its own. `-- step: NAME, repeat FUNCTION` is run
batch by batch, by calling the function with the number of rows until it returns 0; its own SQL does all that at once.
`-- step: NAME, concurrently` builds its index without locking the table. `, again` at its end: the step is done in each
run until the revision is through, because others go on writing after it. psql takes these lines for comments and runs
the same files in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MIGRATIONS = Path(__file__).parent
BASE = "000"
WHOLE = "whole"
"""The name of the one step of a file that has no step lines."""

_FILE_NAME = re.compile(r"(\d{3})_(\w+)\.sql")
_STEP_LINE = re.compile(
    r"^-- step: (?P<name>\w+)(?:, (?:repeat (?P<function>[\w.]+)|(?P<concurrently>concurrently)))?(?P<again>, again)?$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a migration that happens whole, or batch by batch. `function` takes how many rows, and returns them."""

    name: str
    sql: str
    function: str | None = None
    concurrently: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """One numbered migration."""

    number: str
    name: str
    path: Path

    @property
    def steps(self) -> tuple[Step, ...]:
        """What it does, in order."""
        return read_steps(self.path)

    @property
    def down(self) -> str:
        """The SQL that undoes it, wherever between its steps the database stands."""
        return self.path.with_suffix(".down.sql").read_text(encoding="utf-8")


def read_steps(path: Path) -> tuple[Step, ...]:
    """The steps of an SQL file, in order."""
    text = path.read_text(encoding="utf-8")
    lines = list(_STEP_LINE.finditer(text))
    if not lines:
        return (Step(WHOLE, text),)
    ends = [line.start() for line in lines[1:]] + [len(text)]
    return tuple(
        Step(
            line["name"],
            text[line.end() : end],
            line["function"],
            line["concurrently"] is not None,
            line["again"] is not None,
        )
        for line, end in zip(lines, ends, strict=True)
    )


def revisions() -> tuple[Revision, ...]:
    """Every migration there is, in order."""
    found = ((path, _FILE_NAME.fullmatch(path.name)) for path in sorted(MIGRATIONS.glob("*.sql")))
    return tuple(Revision(match[1], match[2].replace("_", " "), path) for path, match in found if match)


def newest_revision() -> str:
    """The number of the last migration that this version of Tales brings."""
    return revisions()[-1].number
