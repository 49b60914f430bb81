"""`tales changes`: who has changed budgets, prices, prompts and goals, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import typer
from rich.box import SIMPLE
from rich.table import Table

from tales.administration.transactions import open_transactions
from tales.application.changes import list_changes, names_of
from tales.domain.changes import Change, ChangeFilter, Relation
from tales.domain.generation import Json
from tales.domain.page import MAX_PAGE, Page, PageRequest
from tales.domain.period import parse_period
from tales.interfaces.api.cursor import decode_cursor, encode_cursor
from tales.interfaces.cli.console import AsJson, err, out
from tales.interfaces.cli.running import run
from tales.interfaces.cli.tables import printable
from tales.interfaces.json_values import decimal_json, time_json
from tales.settings import load_settings

_WORDS = {
    Relation.BUDGETS: "budget",
    Relation.PRICES: "price",
    Relation.GOALS: "goal",
    Relation.PROMPTS: "prompt",
}


def changes(  # noqa: PLR0913 -- each is an option
    *,
    of: Annotated[Relation | None, typer.Option(help="Of this alone.")] = None,
    by: Annotated[UUID | None, typer.Option(metavar="ID", help="By this admin alone.")] = None,
    by_operator: Annotated[bool, typer.Option("--by-operator", help="By no admin, but at the server.")] = False,
    since: Annotated[str | None, typer.Option(metavar="PERIOD", help="How far back: 12h, 30d, 4w.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_PAGE, help="How many, newest first.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="CURSOR", help="The page behind this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """List who has changed budgets, prices, prompts and goals, and how: newest first."""
    begins = datetime.now(UTC) - parse_period("--since", since) if since is not None else None
    which = ChangeFilter(relation=of, changed_by=by, by_operator=by_operator, changed_after=begins)
    page = PageRequest(limit, decode_cursor(after) if after is not None else None)
    found, names = run(_list(page, which))
    cursor = encode_cursor(found.next) if found.next else None
    if as_json:
        items = [_json(change) for change in found.items]
        typer.echo(json.dumps({"items": items, "next_cursor": cursor}, indent=2, ensure_ascii=False))
        return
    table = Table("when (UTC)", "who", "what", "how", box=SIMPLE)
    for change in found.items:
        who = names.get(change.changed_by, str(change.changed_by)) if change.changed_by else "operator"
        what = f"{_WORDS[change.relation]} {change.subject} {change.action}"
        table.add_row(f"{change.changed_at:%Y-%m-%d %H:%M}", printable(who), printable(what), printable(_how(change)))
    out.print(table)
    if cursor is not None:
        err.print(f"There are more: --after {cursor}", markup=False, soft_wrap=True)


async def _list(page: PageRequest, which: ChangeFilter) -> tuple[Page[Change], Mapping[UUID, str]]:
    async with open_transactions(load_settings()) as transactions:
        found = await list_changes(transactions, page, which)
        return found, await names_of(transactions, found.items)


def _how(change: Change) -> str:
    """What was changed of a row; of one that came, what it says."""
    if change.after is None:
        return ""
    both = change.before is not None
    differences = [
        f"{name} {f'{_written(before)} to ' if both else ''}{_written(after)}"
        for name, (before, after) in change.differences.items()
        if name not in _KNOWN_BY
    ]
    return ", ".join(differences)


_KNOWN_BY = {"scope", "period", "user_id", "model", "story_type", "language", "version", "source", "number"}


def _written(value: Json) -> str:
    match value:
        case None:
            return "nothing"
        case str():
            return value
        case float():
            return decimal_json(Decimal(str(value)))
        case list():
            return " ".join(map(str, value))
        case _:
            return json.dumps(value, ensure_ascii=False)


def _json(change: Change) -> dict[str, object]:
    return {
        "id": str(change.id),
        "changed_at": time_json(change.changed_at),
        "changed_by": str(change.changed_by) if change.changed_by else None,
        "relation": change.relation,
        "action": change.action,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
    }
