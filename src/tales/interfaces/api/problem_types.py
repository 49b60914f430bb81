"""What each kind of problem means: where the member `type` of a problem leads."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.status import HTTP_404_NOT_FOUND

from tales.domain import errors
from tales.interfaces.api import problem_kinds
from tales.interfaces.api.openapi import name_operation, problems

router = APIRouter(prefix="/problems", tags=["problems"], generate_unique_id_function=name_operation)

_BY_CODE = {kind.code: kind for kind in problem_kinds.ALL}


class ProblemType(BaseModel):
    """A kind of problem, and what to do about it."""

    model_config = ConfigDict(from_attributes=True)

    type: str
    code: str
    status: int
    title: str
    advice: str


@router.get("", summary="List the kinds of problems")
async def list_problem_types() -> list[ProblemType]:
    """Every kind of problem that an answer may name."""
    return [ProblemType.model_validate(kind) for kind in problem_kinds.ALL]


@router.get(
    "/{code}",
    summary="Explain a kind of problem",
    response_model=ProblemType,
    responses=problems(errors.NotFound, errors.InvalidInput),
)
async def explain_problem_type(code: str) -> problem_kinds.ProblemKind:
    """What a problem's `code` means, and what to do about it."""
    if code not in _BY_CODE:
        raise HTTPException(HTTP_404_NOT_FOUND)
    return _BY_CODE[code]
