#!/usr/bin/env python3
"""Writes the tables of docs/security.md out of the matrix that the tests run (`make docs`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.infrastructure.postgres.security_functions import FUNCTIONS
from tests.infrastructure.postgres.security_matrix import COMMANDS, LINES, WHO, Line

PAGE = Path(__file__).resolve().parent / "security.md"
BEGIN = "<!-- security matrix: written by `make docs`, do not edit -->"
END = "<!-- end of the security matrix -->"

_REQUESTS = WHO[:5]
"""Those that a request can come from; the others are roles of the service alone."""


def tables() -> str:
    """The matrix as Markdown."""
    served = [line for line in LINES if any("+" in _cells(line, command) for command in COMMANDS)]
    head = ["rows", *_REQUESTS]
    body = [[f"`{line.relation}`{_which(line)}", *(_cell(line, who) for who in _REQUESTS)] for line in served]
    narrow = {line.relation: line for line in served if line.inserted and "*" not in line.inserted}
    columns = [[f"`{name}`", _names(line.inserted), _names(line.updated)] for name, line in narrow.items()]
    return "\n\n".join(
        [
            _table(head, body),
            _table(["open to a signed-in user", "columns filled", "columns changed"], columns),
            (
                "Stories are asked for as `tales_requester`, which reaches what its user reaches, and also fills "
                f"{_requested()}."
            ),
            f"`tales_app`, with which the service signs in, reads {_relations('login')}, and nothing else of its own.",
            f"Only the database's owner reaches {_relations(None)}.",
            f"With their owner's rights run {_definers()}.",
            f"The policies bind the owner too on {_list(line.relation for line in LINES if line.binds_owner)}.",
        ]
    )


def embedded(page: str, text: str) -> str:
    """`page` with `text` between its markers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def _cells(line: Line, command: str) -> str:
    return "".join(line.marks(command)[who] for who in _REQUESTS)


def _which(line: Line) -> str:
    return f", {line.rows}" if line.rows else ""


def _cell(line: Line, who: str) -> str:
    marks = {command: line.marks(command)[who] for command in COMMANDS}
    shown = [f"({command})" if mark == "." else command for command, mark in marks.items() if mark != "-"]
    return ", ".join(shown) or "\N{EM DASH}"


def _names(columns: frozenset[str]) -> str:
    return ", ".join(f"`{column}`" for column in sorted(columns))


def _relations(who: str | None) -> str:
    """The relations that this one visitor reaches, or nobody at all."""
    return _list(
        line.relation
        for line in LINES
        if {name for command in COMMANDS for name, mark in line.marks(command).items() if mark == "+"}
        == ({who} if who else set())
    )


def _requested() -> str:
    """The columns that the service fills beside a user's own."""
    return "; ".join(
        f"{_list(sorted(line.requested))} of `{name}`"
        for name, line in {line.relation: line for line in LINES if line.requested}.items()
    )


def _definers() -> str:
    return "; ".join(f"`{line.name}` ({line.why_definer})" for line in FUNCTIONS if line.why_definer)


def _list(relations: Iterable[str]) -> str:
    *others, last = [f"`{relation}`" for relation in dict.fromkeys(relations)]
    return f"{', '.join(others)} and {last}" if others else last


def _table(head: list[str], body: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


if __name__ == "__main__":
    PAGE.write_text(embedded(PAGE.read_text(encoding="utf-8"), tables()), encoding="utf-8")
