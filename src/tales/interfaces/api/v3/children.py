"""The children that stories are about."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import ConfigDict, Field

from tales.domain import errors, family
from tales.domain.page import Page
from tales.interfaces.api.cursor import NextCursor
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.etags import TAGGED, UNCHANGED, Editing, Looking
from tales.interfaces.api.fields import Answer, Body, Id, Moment, Shown, Text, WholeNumber
from tales.interfaces.api.openapi import located, problems
from tales.interfaces.api.v3 import paths
from tales.interfaces.api.v3.schemas import WhichPage

router = APIRouter(
    prefix=paths.CHILDREN,
    tags=["children"],
    responses=problems(errors.Unauthenticated, errors.Unavailable, errors.InvalidInput),
)


class NewChild(Body):
    """A child as a parent describes it. `age` in years."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Mia", "age": 6, "interests": ["dragons"], "gender": "girl"}}
    )

    name: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)]
    age: Annotated[WholeNumber, Shown(minimum=0, maximum=family.MAX_AGE)]
    interests: Annotated[
        tuple[Annotated[Text, Shown(minLength=1, maxLength=family.MAX_INTEREST)], ...],
        Shown(maxItems=family.MAX_INTERESTS),
    ] = ()
    gender: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)] | None = None

    def checked(self) -> family.NewChild:
        """The same in the domain's terms. Raises: InvalidInput."""
        return family.NewChild(self.name, self.age, self.interests, self.gender)


class ChildChanges(Body):
    """What changes of a child (RFC 7396): what is left out stays, and null takes away what need not be there."""

    model_config = ConfigDict(json_schema_extra={"example": {"age": 7, "interests": ["dragons", "the sea"]}})

    name: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)] = Field(default_factory=str)
    age: Annotated[WholeNumber, Shown(minimum=0, maximum=family.MAX_AGE)] = Field(default_factory=int)
    interests: (
        Annotated[
            tuple[Annotated[Text, Shown(minLength=1, maxLength=family.MAX_INTEREST)], ...],
            Shown(maxItems=family.MAX_INTERESTS),
        ]
        | None
    ) = None
    gender: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)] | None = None

    def changes(self) -> family.ChildChanges:
        """The same in the domain's terms."""
        changes: family.ChildChanges = {}
        if "name" in self.model_fields_set:
            changes["name"] = self.name
        if "age" in self.model_fields_set:
            changes["age"] = self.age
        if "interests" in self.model_fields_set:
            changes["interests"] = self.interests or ()
        if "gender" in self.model_fields_set:
            changes["gender"] = self.gender
        return changes


class Child(Answer):
    """A child of the family. `age` in years."""

    id: UUID
    name: str
    age: int
    interests: list[str]
    gender: str | None
    created_at: Moment


class ChildPage(Answer):
    """Some of the family's children, newest first. `next_cursor` is null on the last page."""

    items: list[Child]
    next_cursor: NextCursor


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Add a child",
    response_model=Child,
    responses=located(status.HTTP_201_CREATED) | problems(body=True),
)
async def add_child(body: NewChild, actor: CurrentActor, services: UseCases, response: Response) -> family.Child:
    """Add a child to the family."""
    child = await services.children.add(actor, body.checked())
    response.headers["Location"] = paths.address(paths.CHILDREN, child.id)
    return child


@router.get("", summary="List the children", response_model=ChildPage)
async def list_children(
    which: Annotated[WhichPage, Query()], actor: CurrentActor, services: UseCases
) -> Page[family.Child]:
    """The family's children, newest first."""
    return await services.children.list(actor, which.checked())


@router.get(
    "/{child_id}",
    summary="Get a child",
    response_model=Child,
    responses=TAGGED | UNCHANGED | problems(errors.NotFound),
)
async def get_child(child_id: Id, actor: CurrentActor, services: UseCases, look: Looking) -> family.Child | Response:
    """One child of the family."""
    child = await services.children.get(actor, child_id)
    return look.answer(child, child.version)


@router.patch(
    "/{child_id}",
    summary="Change a child",
    response_model=Child,
    responses=TAGGED | problems(errors.NotFound, errors.VersionConflict, body=True),
)
async def change_child(
    child_id: Id,
    body: ChildChanges,
    actor: CurrentActor,
    services: UseCases,
    edit: Editing,
) -> family.Child:
    """Change what is sent and keep the rest. Stories that are written stay as they are."""
    child = await services.children.change(actor, child_id, body.changes(), edit.versions)
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
    await services.children.delete(actor, child_id, edit.versions)
