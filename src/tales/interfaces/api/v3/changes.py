"""Who has changed budgets, prices, prompts and goals, for admins: the same as `tales changes`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from tales.application import changes as use_cases
from tales.domain import changes, errors
from tales.domain.page import Page
from tales.interfaces.api.cursor import NextCursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Id, Instant, Moment
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.schemas import WhichPage

router = APIRouter(
    prefix=paths.ADMIN_CHANGES,
    tags=["admin"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.Unavailable, errors.InvalidInput),
)


class WhichChanges(WhichPage):
    """Which changes: those that fit all that is said."""

    relation: Annotated[changes.Relation | None, Field(description="What was changed.")] = None
    changed_by: Annotated[Id | None, Field(description="The admin.")] = None
    by_operator: Annotated[bool, Field(description="Those alone that no admin made.")] = False
    changed_after: Annotated[Instant | None, Field(description="At this time, or later (RFC 3339).")] = None
    changed_before: Annotated[Instant | None, Field(description="Before this time (RFC 3339).")] = None

    def filter(self) -> changes.ChangeFilter:
        """The same in the domain's terms, but for the page."""
        return changes.ChangeFilter(**self.model_dump(exclude={"cursor", "limit"}))


class Change(Answer):
    """A row as it was `before` and `after`; null where there was none. `changed_by`: null is the operator."""

    id: UUID
    changed_at: Moment
    changed_by: UUID | None
    relation: changes.Relation
    action: changes.Action
    subject: Annotated[str, Field(description="What the row is about.")]
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None


class ChangePage(Answer):
    """Some of them, newest first."""

    items: list[Change]
    next_cursor: NextCursor


@router.get("", summary="List the changes", response_model=ChangePage)
async def list_changes(
    which: Annotated[WhichChanges, Query()], actor: CurrentActor, services: UseCases
) -> Page[changes.Change]:
    """Who has set budgets and prices, put prompts into use, and set goals: newest first."""
    page = which.checked()
    return await use_cases.list_changes_as_admin(services.transactions, actor, page, which.filter())
