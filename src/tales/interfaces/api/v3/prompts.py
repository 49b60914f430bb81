"""What models are asked with, in versions, for admins: the same as `tales prompts`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response, status
from pydantic import AliasPath, ConfigDict, Field
from pydantic.config import JsonDict

from tales.application import prompts as use_cases
from tales.application.prompts import prompts_for
from tales.domain import errors, prompt_templates, story_spec
from tales.domain.checks import MAX_MODEL
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Body, Moment, Shown, Text, WholeNumber
from tales.interfaces.api.openapi import located, problems
from tales.interfaces.api.v3 import paths

router = APIRouter(
    prefix=paths.ADMIN_PROMPTS,
    tags=["admin"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.Unavailable, errors.InvalidInput),
)

_TEXT = {"maxLength": prompt_templates.MAX_TEMPLATE}
_EXAMPLE: JsonDict = {
    "story_type": "child",
    "language": "en",
    "template": "Write a short bedtime story.\n{{ facts }}\nUse about {{ words }} words.\n",
    "note": "short",
}


class NewPrompt(Body):
    """A draft. Without a `model` it is for all of them."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    story_type: story_spec.StoryType
    language: Text
    model: Annotated[Text, Shown(minLength=1, maxLength=MAX_MODEL)] | None = None
    template: Annotated[Text, Shown(**_TEXT)]
    note: Annotated[Text, Shown(maxLength=prompt_templates.MAX_NOTE)] = ""


class PromptChanges(Body):
    """What is to change of a draft; what is left out stays."""

    template: Annotated[Text, Shown(**_TEXT)] | None = None
    note: Annotated[Text, Shown(maxLength=prompt_templates.MAX_NOTE)] | None = None


class Activation(Body):
    """Its share of the stories beside the other active versions of its kind; null: as before, 100 at first."""

    weight: Annotated[WholeNumber, Shown(minimum=1, maximum=prompt_templates.MAX_WEIGHT)] | None = None


class Prompt(Answer):
    """A version. `template` never changes once it was active; `is_seeded`: it came along."""

    version: str
    story_type: Annotated[story_spec.StoryType, Field(validation_alias=AliasPath("slot", "story_type"))]
    language: Annotated[str, Field(validation_alias=AliasPath("slot", "language"))]
    model: Annotated[str | None, Field(validation_alias=AliasPath("slot", "model"))]
    state: prompt_templates.TemplateState
    weight: int
    note: str
    is_seeded: bool
    created_at: Moment
    activated_at: Moment | None
    retired_at: Moment | None
    template: str


class PromptList(Answer):
    """Kind by kind, in the order in which they were made."""

    items: list[Prompt]


class Promotion(Answer):
    """The version that alone writes now, and those that were retired for it."""

    prompt: Prompt
    retired: list[str]


class Preview(Answer):
    """What a version writes for a made-up family."""

    prompt: str


class PromptDifference(Answer):
    """How what two versions write differs, as `diff -u` has it; empty where it does not."""

    difference: str


class WhichPrompts(Body):
    """Those that fit all that is said."""

    story_type: story_spec.StoryType | None = None
    language: Text | None = None
    model: Text | None = None
    state: prompt_templates.TemplateState | None = None


class WhichExample(Body):
    """The made-up family that a version is shown with."""

    age: Annotated[int, Shown(minimum=0, maximum=17), Field(description="Of the child, in years.")] = 6
    minutes: Annotated[int, Shown(minimum=1, maximum=story_spec.MAX_MINUTES), Field(description="Of the story.")] = 5
    is_sequel: Annotated[bool, Field(description="It carries on another story.")] = False
    is_minimal: Annotated[bool, Field(description="The family says no more than it must.")] = False


def _example(which: Annotated[WhichExample, Query()]) -> use_cases.Example:
    """The same in the application's terms. Raises: InvalidInput."""
    return use_cases.Example(**which.model_dump())


AnExample = Annotated[use_cases.Example, Depends(_example)]


@router.get("", summary="List the prompts")
async def list_prompts(which: Annotated[WhichPrompts, Query()], actor: CurrentActor, services: UseCases) -> PromptList:
    """All versions, or those that fit, with their texts."""
    async with prompts_for(services.transactions, actor) as work:
        return PromptList.model_validate({"items": await work.prompts.list(**which.model_dump())})


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Add a prompt",
    response_model=Prompt,
    responses=located(status.HTTP_201_CREATED) | problems(body=True),
)
async def add_prompt(
    body: NewPrompt, actor: CurrentActor, services: UseCases, response: Response
) -> prompt_templates.PromptTemplate:
    """Add a draft, once it has written every made-up story that it is tried with."""
    slot = prompt_templates.Slot(body.story_type, body.language, body.model)
    async with prompts_for(services.transactions, actor) as work:
        added = await use_cases.add_prompt(work, services.prompt_renderer, slot, body.template, body.note)
    response.headers["Location"] = f"{paths.PREFIX}{paths.ADMIN_PROMPTS}/{added.version}"
    return added


@router.get("/{version}", summary="Get a prompt", response_model=Prompt, responses=problems(errors.NotFound))
async def get_prompt(version: Text, actor: CurrentActor, services: UseCases) -> prompt_templates.PromptTemplate:
    """One version, with its text."""
    async with prompts_for(services.transactions, actor) as work:
        return await use_cases.get_prompt(work, version)


@router.patch(
    "/{version}", summary="Edit a prompt", response_model=Prompt, responses=problems(errors.NotFound, body=True)
)
async def edit_prompt(
    version: Text, body: PromptChanges, actor: CurrentActor, services: UseCases
) -> prompt_templates.PromptTemplate:
    """Change a draft. Of a version that was active a new draft is made, with a `version` of its own."""
    async with prompts_for(services.transactions, actor) as work:
        return await use_cases.edit_prompt(work, services.prompt_renderer, version, body.template, body.note)


@router.get("/{version}/preview", summary="Preview a prompt", responses=problems(errors.NotFound))
async def preview_prompt(version: Text, example: AnExample, actor: CurrentActor, services: UseCases) -> Preview:
    """What a version writes for a made-up family."""
    async with prompts_for(services.transactions, actor) as work:
        return Preview(prompt=await use_cases.preview_prompt(work, services.prompt_renderer, version, example))


@router.get("/{version}/compare/{other}", summary="Compare two prompts", responses=problems(errors.NotFound))
async def compare_prompts(
    version: Text, other: Text, example: AnExample, actor: CurrentActor, services: UseCases
) -> PromptDifference:
    """How what two versions write for the same made-up family differs."""
    async with prompts_for(services.transactions, actor) as work:
        renderer = services.prompt_renderer
        return PromptDifference(difference=await use_cases.compare_prompts(work, renderer, version, other, example))


@router.post(
    "/{version}/activate",
    summary="Activate a prompt",
    response_model=Prompt,
    responses=problems(errors.NotFound, body=True),
)
async def activate_prompt(
    version: Text, body: Activation, actor: CurrentActor, services: UseCases
) -> prompt_templates.PromptTemplate:
    """From now on it writes, beside the other active versions of its kind. Every process follows within 5 seconds."""
    async with prompts_for(services.transactions, actor) as work:
        return await use_cases.activate_prompt(work, services.prompt_renderer, version, body.weight)


@router.post(
    "/{version}/retire",
    summary="Retire a prompt",
    response_model=Prompt,
    responses=problems(errors.NotFound, errors.Conflict),
)
async def retire_prompt(version: Text, actor: CurrentActor, services: UseCases) -> prompt_templates.PromptTemplate:
    """From now on it writes nothing. Where no version is left, the program's own prompt is used."""
    async with prompts_for(services.transactions, actor) as work:
        return await use_cases.retire_prompt(work, version)


@router.post("/{version}/promote", summary="Promote a prompt", responses=problems(errors.NotFound))
async def promote_prompt(version: Text, actor: CurrentActor, services: UseCases) -> Promotion:
    """It alone writes for its kind from now on: the end of an experiment."""
    async with prompts_for(services.transactions, actor) as work:
        prompt, retired = await use_cases.promote_prompt(work, services.prompt_renderer, version)
    return Promotion.model_validate({"prompt": prompt, "retired": retired})
