"""The children that stories are about."""

from __future__ import annotations

from fastapi import APIRouter, Response, status

from tales.domain import errors, family
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import answers, bodies, paths

router = APIRouter(prefix=paths.CHILDREN, tags=["children"], responses=problems(errors.NotSignedIn, errors.Unavailable))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Add a child",
    response_model=answers.Child,
    responses=problems(body=True),
)
async def add_child(body: bodies.NewChild, actor: CurrentActor, services: UseCases, response: Response) -> family.Child:
    """Add a child to the family."""
    child = await services.manage_family.add_child(actor, body.checked())
    response.headers["Location"] = paths.address(paths.CHILDREN, child.id)
    return child


@router.get("", summary="List the children")
async def list_children(actor: CurrentActor, services: UseCases) -> answers.Children:
    """All children of the family, oldest entry first."""
    children = await services.manage_family.list_children(actor)
    return answers.Children.model_validate({"items": children})


@router.get(
    "/{child_id}",
    summary="Get a child",
    response_model=answers.Child,
    responses=problems(errors.NotFound, errors.InvalidInput),
)
async def get_child(child_id: Id, actor: CurrentActor, services: UseCases) -> family.Child:
    """One child of the family."""
    return await services.manage_family.get_child(actor, child_id)


@router.delete(
    "/{child_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a child",
    responses=problems(errors.NotFound, errors.InvalidInput),
)
async def delete_child(child_id: Id, actor: CurrentActor, services: UseCases) -> None:
    """Delete a child. Its stories stay, and no longer name it."""
    await services.manage_family.delete_child(actor, child_id)
