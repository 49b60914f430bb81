"""Who has changed budgets, prices, prompts and goals, and how: found by what, by whom and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tales.application.accounts import list_users
from tales.application.changes import list_changes_as_admin, names_of
from tales.application.services import Services
from tales.domain.changes import Action, Change, ChangeFilter, Relation
from tales.domain.errors import InvalidInput
from tales.domain.generation import Json
from tales.domain.page import PageRequest
from tales.interfaces.api.cursor import decode_cursor, encode_cursor
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import Visitor
from tales.interfaces.web.languages import Language, language_of, translatable
from tales.interfaces.web.operator.budgets import budget_name
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin, filter_or_usual
from tales.interfaces.web.operator.fields import chosen_id, one_of
from tales.interfaces.web.operator.frame import HOME, show
from tales.interfaces.web.operator.goals import MEASURES
from tales.interfaces.web.operator.tables import STATES, Kind, written

_ON_A_PAGE = 50
_OPERATOR = "operator"
_RELATIONS = {
    Relation.BUDGETS: translatable("Budgets"),
    Relation.PRICES: translatable("Prices"),
    Relation.GOALS: translatable("Goals"),
    Relation.PROMPTS: translatable("Prompts"),
}
_SAID = {
    (Relation.BUDGETS, Action.ADDED): translatable("A budget was set"),
    (Relation.BUDGETS, Action.CHANGED): translatable("A budget was changed"),
    (Relation.BUDGETS, Action.REMOVED): translatable("A budget was removed"),
    (Relation.PRICES, Action.ADDED): translatable("A price was set"),
    (Relation.PRICES, Action.CHANGED): translatable("A price was changed"),
    (Relation.PRICES, Action.REMOVED): translatable("A price was taken back"),
    (Relation.GOALS, Action.ADDED): translatable("A goal was set"),
    (Relation.GOALS, Action.CHANGED): translatable("A goal was ended"),
    (Relation.GOALS, Action.REMOVED): translatable("A goal was deleted"),
    (Relation.PROMPTS, Action.CHANGED): translatable("A prompt was put into another state, or weighed anew"),
}
# In this order. What a row is known by is its subject already.
_FIELDS = {
    "limit_usd": translatable("At most, in US dollars"),
    "warn_share": translatable("Warn from this share of it on"),
    "valid_from": translatable("In force from"),
    "prompt_usd_per_million": translatable("A million tokens read"),
    "completion_usd_per_million": translatable("A million tokens written"),
    "request_usd": translatable("A request, beside its tokens"),
    "measure": translatable("Goal"),
    "models": translatable("Models"),
    "floor_percent": translatable("Least share of each arm, in percent"),
    "least_success_percent": translatable("Success that is enough, in percent"),
    "window_days": translatable("Days that count"),
    "ended_at": translatable("Ended"),
    "state": translatable("State"),
    "weight": translatable("Weight"),
}
_MOMENTS = {"valid_from", "ended_at"}
_NAMES: Mapping[str, Mapping[str, str]] = {"state": STATES, "measure": MEASURES}

router = APIRouter(prefix=f"{HOME}/changes", include_in_schema=False)


class Sought(Chosen):
    """What is chosen, what was changed and `by` whom (an address, an id, or operator), and behind what to go on."""

    relation: str = ""
    by: str = ""
    after: str = ""

    def found(self, **changes: str) -> str:
        """The address of this list, with `changes`."""
        return self.address(f"{HOME}/changes", **{"relation": self.relation, "by": self.by} | changes)


@dataclass(frozen=True, slots=True)
class _Line:
    """A change as it is read, and what it is about. `fields`: what it is called, and how it was before and after."""

    change: Change
    who: str
    said: str
    subject: str
    fields: tuple[tuple[str, str, str], ...]


@router.get("")
async def show_changes(
    request: Request, sought: Annotated[Sought, Query()], visitor: CurrentAdmin, services: UseCases
) -> Response:
    """The changes that fit, the newest first."""
    which, refused = ChangeFilter(), None
    try:
        which = await _which(sought, visitor, services)
    except InvalidInput as error:
        refused = error
    page = PageRequest(_ON_A_PAGE, decode_cursor(sought.after) if sought.after else None)
    found = await list_changes_as_admin(services.transactions, visitor.actor, page, which)
    names = await names_of(services.transactions, found.items)
    language = language_of(request)
    lines = [_line(change, names, language) for change in found.items]
    return show(
        request,
        "changes.html",
        sought,
        refused=refused,
        sought=sought,
        lines=lines,
        relations=_RELATIONS,
        older=encode_cursor(found.next) if found.next else "",
    )


async def _which(sought: Sought, visitor: Visitor, services: Services) -> ChangeFilter:
    """The changes that are meant; without dates all of them. Raises: InvalidInput."""
    wanted, refused = filter_or_usual(sought, services)
    if refused is not None:
        raise refused
    by = sought.by.strip()
    has_dates = bool(sought.since or sought.from_ or sought.to)
    return ChangeFilter(
        relation=one_of(Relation, "relation", sought.relation),
        changed_by=await _admin(by, visitor, services) if by and by != _OPERATOR else None,
        by_operator=by == _OPERATOR,
        changed_after=wanted.since if has_dates else None,
        changed_before=wanted.until if has_dates else None,
    )


async def _admin(by: str, visitor: Visitor, services: Services) -> UUID | None:
    """Whose address or id it is. Raises: InvalidInput."""
    if not by.isprintable():
        raise InvalidInput("by", "by holds characters that nobody can see. Write it anew.")
    if "@" not in by:
        return chosen_id("by", by)
    found = await list_users(services.transactions, visitor.actor, PageRequest(1), by)
    if not found.items:
        raise InvalidInput("by", "Nobody has this address.")
    return found.items[0].id


def _line(change: Change, names: Mapping[UUID, str], language: Language) -> _Line:
    name = names.get(change.changed_by, "") if change.changed_by else ""
    differs = change.differences if change.action is not Action.REMOVED else {}
    fields = tuple(
        (label, _written(field, differs[field][0], language), _written(field, differs[field][1], language))
        for field, label in _FIELDS.items()
        if field in differs
    )
    return _Line(change, name, _SAID.get((change.relation, change.action), ""), _subject(change, language), fields)


def _subject(change: Change, language: Language) -> str:
    row = {name: str(value) if value else "" for name, value in change.row.items()}
    match change.relation:
        case Relation.BUDGETS:
            return budget_name(language, row["scope"], row["period"], row.get("model"), row.get("user_id"))
        case Relation.GOALS:
            return f"{written(Kind.STORY_TYPE, row['story_type'], language)} · {language.name_of(row['language'])}"
        case _:
            return change.subject


def _written(name: str, value: Json, language: Language) -> str:
    say: Callable[[str], str] = language.translations.gettext
    match value:
        case None:
            return ""
        case int() | float() if not isinstance(value, bool):
            return language.exact(Decimal(str(value)))
        case list():
            return ", ".join(map(str, value))
        case str() if name in _MOMENTS:
            return language.moment(datetime.fromisoformat(value))
        case str() if name in _NAMES:
            return say(_NAMES[name].get(value, value))
        case _:
            return str(value)
