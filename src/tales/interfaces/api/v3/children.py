"""The children that stories are about."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from tales.domain import errors, family
from tales.interfaces.api.cursor import encode_cursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.etags import TAGGED, UNCHANGED, Editing, Looking
from tales.interfaces.api.fields import Id
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import answers, bodies, paths

router = APIRouter(
    prefix=paths.CHILDREN,
    tags=["children"],
    responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput),
)


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
async def list_children(
    which: Annotated[bodies.WhichPage, Query()], actor: CurrentActor, services: UseCases
) -> answers.ChildPage:
    """The family's children, newest first."""
    page = await services.manage_family.list_children(actor, which.checked())
    cursor = encode_cursor(page.next) if page.next else None
    return answers.ChildPage.model_validate({"items": page.items, "next_cursor": cursor})


@router.get(
    "/{child_id}",
    summary="Get a child",
    response_model=answers.Child,
    responses=TAGGED | UNCHANGED | problems(errors.NotFound),
)
async def get_child(child_id: Id, actor: CurrentActor, services: UseCases, look: Looking) -> family.Child | Response:
    """One child of the family."""
    child = await services.manage_family.get_child(actor, child_id)
    return look.answer(child, child.version)


@router.patch(
    "/{child_id}",
    summary="Change a child",
    response_model=answers.Child,
    responses=TAGGED | problems(errors.NotFound, errors.VersionConflict, body=True),
)
async def change_child(
    child_id: Id,
    body: bodies.ChildChanges,
    actor: CurrentActor,
    services: UseCases,
    edit: Editing,
) -> family.Child:
    """Change what is sent and keep the rest. Stories that are written stay as they are."""
    child = await services.manage_family.change_child(actor, child_id, body.changes(), edit.versions)
    edit.tag(child.version)
    return child


@router.delete(
    "/{child_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a child",
    responses=problems(errors.NotFound, errors.VersionConflict),
)
async def delete_child(child_id: Id, actor: CurrentActor, services: UseCases, edit: Editing) -> None:
    """Delete a child. Its stories stay, and no longer name it."""
    await services.manage_family.delete_child(actor, child_id, edit.versions)
