"""Every family's generations, for admins: a list without contents, and each whole."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AliasPath, Field

from tales.application import generations
from tales.domain import errors, filters, generation, story_spec
from tales.domain.page import Page
from tales.interfaces.api.cursor import NextCursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Dollars, Id, Instant, Moment, Shown, Text
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.export import WholeAttempt, WholeGeneration
from tales.interfaces.api.v3.generations import Attempt
from tales.interfaces.api.v3.schemas import WhichPage

router = APIRouter(
    prefix=paths.ADMIN_GENERATIONS,
    tags=["admin"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.Unavailable, errors.InvalidInput),
)


class WhichCalls(WhichPage):
    """Which generations: those whose latest attempt fits all that is said."""

    status: generation.Status | None = None
    model: Annotated[Text | None, Field(description="The model that was asked for.")] = None
    error_type: Annotated[Text | None, Field(description="Why it gave no story.")] = None
    user_id: Annotated[Id | None, Field(description="The family.")] = None
    created_after: Annotated[Instant | None, Field(description="Made at this time, or later (RFC 3339).")] = None
    created_before: Annotated[Instant | None, Field(description="Made before this time (RFC 3339).")] = None
    cost_over: Annotated[
        Decimal | None,
        Shown(minimum=0, maximum=filters.MOST),
        Field(description="It is known to have cost more than so many US dollars."),
    ] = None
    slower_than: Annotated[
        float | None,
        Shown(minimum=0, maximum=filters.MOST),
        Field(description="It took more than so many seconds."),
    ] = None

    def filter(self) -> filters.CallFilter:
        """The same in the domain's terms, but for the page. Raises: InvalidInput."""
        return filters.CallFilter(**self.model_dump(exclude={"cursor", "limit"}))


class ListedGeneration(Answer):
    """A family's generation without its words. `created_at` is when it was asked for."""

    generation_id: UUID
    user_id: UUID
    status: generation.Status
    story_type: Annotated[story_spec.StoryType, Field(validation_alias=AliasPath("latest", "story_type"))]
    story_length: Annotated[int | None, Field(validation_alias=AliasPath("latest", "story_length"))]
    language: Annotated[str | None, Field(validation_alias=AliasPath("latest", "language"))]
    created_at: Annotated[Moment, Field(validation_alias=AliasPath("attempts", 0, "created_at"))]
    completed_at: Annotated[Moment | None, Field(validation_alias=AliasPath("latest", "completed_at"))]
    attempts: list[Attempt]


class ListedPage(Answer):
    """Some of everybody's generations, those with the newest latest attempt first."""

    items: list[ListedGeneration]
    next_cursor: NextCursor


class CompleteAttempt(WholeAttempt):
    """One call to a model, with all that was sent and came back, and who made it."""

    available_at: Annotated[Moment | None, Field(description="When a worker might take it at the earliest.")]
    worker_id: UUID | None
    estimated_cost_usd: Annotated[
        Dollars | None, Field(description="By the price list, where nobody has said what it cost.")
    ]


class CompleteGeneration(WholeGeneration):
    """A family's wish, and every call made for it, whole. The story's own id is the family's to know: null."""

    user_id: UUID
    attempts: list[CompleteAttempt]  # type: ignore[assignment]  # each of them is an Attempt


@router.get("", summary="List everybody's generations", response_model=ListedPage)
async def list_everybodys_generations(
    which: Annotated[WhichCalls, Query()], actor: CurrentActor, services: UseCases
) -> Page[generation.Generation]:
    """Every family's generations, for admins: all, or those whose latest attempt fits; no word of a family."""
    return await generations.list_as_admin(services.transactions, actor, which.checked(), which.filter())


@router.get(
    "/{generation_id}",
    summary="Look at anybody's generation",
    response_model=CompleteGeneration,
    responses=problems(errors.NotFound),
)
async def look_at_generation(generation_id: Id, actor: CurrentActor, services: UseCases) -> generation.Generation:
    """A generation with every prompt and complete response. That an admin looked at another family's is recorded."""
    return await generations.look_as_admin(services.transactions, actor, generation_id)
