"""Requests for stories, and what became of them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import AliasPath, ConfigDict, Field

from tales.application import generations
from tales.application.request_generation import GenerationRequest
from tales.domain import errors, filters, generation, story_spec
from tales.domain.page import Page
from tales.interfaces.api import idempotency, prefer
from tales.interfaces.api.cursor import NextCursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import (
    Answer,
    Body,
    Dollars,
    ErrorType,
    Id,
    Instant,
    Moment,
    Quoted,
    Shown,
    Text,
    WholeNumber,
)
from tales.interfaces.api.openapi import Responses, located, problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.schemas import WhichPage

router = APIRouter(
    prefix=paths.GENERATIONS,
    tags=["generations"],
    responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput),
)


class NewGeneration(Body):
    """A wish for a story. `story_length` in minutes of reading aloud.

    `child` needs `child_id`, `hero` needs `hero_id`, `combined` needs both and `relationship_description`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "story_type": "child",
                "child_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                "moral": "kindness",
                "story_length": 3,
                "language": "en",
            }
        }
    )

    story_type: story_spec.StoryType
    moral: Annotated[Text, Shown(minLength=1, maxLength=story_spec.MAX_MORAL)]
    child_id: Id | None = None
    hero_id: Id | None = None
    relationship_description: Annotated[Text, Shown(minLength=1, maxLength=story_spec.MAX_RELATIONSHIP)] | None = None
    story_length: Annotated[WholeNumber, Shown(minimum=1, maximum=story_spec.MAX_MINUTES)] | None = None
    language: Annotated[Text, Shown(enum=sorted(story_spec.LANGUAGES))] = story_spec.DEFAULT_LANGUAGE
    sequel_of: Annotated[
        Id | None,
        Field(
            description="A story of the family that this one carries on. Child, hero and relationship that are left "
            "out are those of that story."
        ),
    ] = None
    model: Annotated[Text | None, Field(description="One of the operator's models; the first when left out.")] = None

    def checked(self) -> GenerationRequest:
        """The same in the application's terms, which checks it when it has read the child and the hero."""
        return GenerationRequest(
            story_type=self.story_type,
            moral=self.moral,
            child_id=self.child_id,
            hero_id=self.hero_id,
            relationship_description=self.relationship_description,
            story_length=self.story_length,
            language=self.language,
            model=self.model,
            sequel_of=self.sequel_of,
        )


class WhichGenerations(WhichPage):
    """Which generations: those that fit all that is said."""

    status: Annotated[generation.Status | None, Field(description="That of the latest attempt.")] = None
    model: Annotated[Text | None, Field(description="The one that the latest attempt asked for.")] = None
    created_after: Annotated[Instant | None, Field(description="Asked for at this time, or later (RFC 3339).")] = None
    created_before: Annotated[Instant | None, Field(description="Asked for before this time (RFC 3339).")] = None

    def filter(self) -> filters.GenerationFilter:
        """The same in the domain's terms, but for the page."""
        return filters.GenerationFilter(
            status=self.status,
            model=self.model,
            created_after=self.created_after,
            created_before=self.created_before,
        )


class Attempt(Answer):
    """One call to a model. Tokens are counts, costs US dollars; null is "not known", never 0."""

    attempt_number: int
    status: generation.Status
    model_used: Annotated[str, Field(description="The model that was asked for.")]
    served_model: Annotated[Quoted | None, Field(description="The model that answered, as the provider says.")]
    provider: Quoted | None
    provider_generation_id: Annotated[Quoted | None, Field(description="What the provider calls it.")]
    origin: Annotated[generation.Origin, Field(description="`migrated` when it was made before calls were kept.")]
    prompt_version: str | None
    error_type: ErrorType
    error_message: Annotated[Quoted | None, Field(description="Why it gave no story, in a sentence.")]
    http_status: Annotated[int | None, Field(description="The provider's.")]
    created_at: Moment
    started_at: Annotated[Moment | None, Field(description="When a worker took it.")]
    first_token_at: Moment | None
    completed_at: Moment | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Annotated[Dollars | None, Field(validation_alias="known_cost_usd")]


def _of_latest(name: str) -> Any:  # noqa: ANN401 -- what Field itself returns
    return Field(validation_alias=AliasPath("latest", name))


class Generation(Answer):
    """A wish for a story and the calls made for it; the latest attempt speaks for it.

    `story_length` in minutes of reading aloud, null when the family did not say.
    """

    generation_id: UUID
    status: generation.Status
    story_id: Annotated[UUID | None, Field(description="The story, once there is one.")]
    sequel_of: Annotated[UUID | None, Field(description="The story that it carries on.")]
    story_type: Annotated[story_spec.StoryType, _of_latest("story_type")]
    story_length: Annotated[int | None, _of_latest("story_length")]
    moral: Annotated[str, _of_latest("moral")]
    language: Annotated[str | None, _of_latest("language")]
    relationship_description: Annotated[str | None, _of_latest("relationship_description")]
    hero_appearance: Annotated[str | None, _of_latest("hero_appearance")]
    child_id: Annotated[UUID | None, _of_latest("child_id")]
    hero_id: Annotated[UUID | None, _of_latest("hero_id")]
    created_at: Annotated[Moment, Field(validation_alias=AliasPath("attempts", 0, "created_at"))]
    completed_at: Annotated[Moment | None, _of_latest("completed_at")]
    attempts: list[Attempt]


class GenerationPage(Answer):
    """Some of the family's generations, newest first. `next_cursor` is null on the last page."""

    items: list[Generation]
    next_cursor: NextCursor


_ENDED: Responses = {
    200: {"model": Generation, "description": "It ended while the client waited."} | located(200)[200],
}


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Ask for a story",
    response_model=Generation,
    responses=_ENDED | located(202) | problems(errors.NotFound, body=True),
    openapi_extra={"parameters": [idempotency.DESCRIBED, prefer.DESCRIBED]},
)
async def request_generation(
    body: NewGeneration,
    actor: CurrentActor,
    services: UseCases,
    request: Request,
    response: Response,
) -> generation.Generation:
    """Ask for a story about the family's child, a hero, or both.

    The answer comes at once; `Location` says where to look for the story. With `Prefer: wait=N` it comes when the
    generation has ended, with status 200, or else after N seconds. A client that leaves stops nothing; with an
    `Idempotency-Key` it may send the same request again, and finds the same generation.
    """
    requested = await services.request_generation(actor, body.checked(), idempotency.read_key(request.headers))
    response.headers["Location"] = paths.address(paths.GENERATIONS, requested.generation_id)
    preferences = prefer.read_preferences(request.headers.getlist(prefer.HEADER))
    if preferences.applied is not None:
        response.headers["Preference-Applied"] = preferences.applied
    if preferences.wait is None:
        return requested
    waited = await services.follow_generation.wait(actor, requested, preferences.wait)
    if waited.status.is_final:
        response.status_code = status.HTTP_200_OK
    return waited


@router.get("", summary="List the generations", response_model=GenerationPage)
async def list_generations(
    which: Annotated[WhichGenerations, Query()], actor: CurrentActor, services: UseCases
) -> Page[generation.Generation]:
    """The family's generations, newest first: all of them, or those that are looked for."""
    return await services.follow_generation.list(actor, which.checked(), which.filter())


@router.get(
    "/{generation_id}",
    summary="Get a generation",
    response_model=Generation,
    responses=problems(errors.NotFound),
)
async def get_generation(generation_id: Id, actor: CurrentActor, services: UseCases) -> generation.Generation:
    """How a generation stands, with every call made for it."""
    return await services.follow_generation.get(actor, generation_id)


@router.post(
    "/{generation_id}/cancel",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Cancel a generation",
    response_model=Generation,
    responses=problems(errors.NotFound, errors.Conflict),
)
async def cancel_generation(generation_id: Id, actor: CurrentActor, services: UseCases) -> generation.Generation:
    """Give up a generation that has not ended; what the model still says of it is not kept."""
    await generations.cancel(services.transactions, actor, generation_id)
    return await services.follow_generation.get(actor, generation_id)
