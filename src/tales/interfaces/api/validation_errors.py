"""Why a request does not fit its description, in sentences that name the field and say what to do.

Pydantic's own messages are not used: some quote what was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails
from starlette.datastructures import FormData

from tales.interfaces.api.problem_kinds import INVALID_INPUT, MALFORMED_REQUEST, UNSUPPORTED_MEDIA_TYPE, ProblemKind

MOST_FIELDS = 20
"""More wrong fields than that help nobody."""

_LONGEST_NAME = 64
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_UNKNOWN = "cannot be used. Look at the description under /docs."
_ADVICE = {
    "missing": "is missing. Send it.",
    "extra_forbidden": "is not known here. Leave it out.",
    "string_type": "must be text. Put it in quotes.",
    "string_unicode": "is not valid Unicode: it holds half a surrogate pair. Send the whole character.",
    "string_pattern_mismatch": "does not have the right form. Look at the description under /docs.",
    "int_type": "must be a whole number, without quotes and fraction.",
    "int_parsing": "must be a whole number.",
    "int_parsing_size": "is too large a number.",
    "less_than": "is too large a number.",
    "greater_than_equal": "is too small a number.",
    "uuid_form": "is no id. Write it like 01890a5d-ac96-774b-bcce-b302099a8057.",
    "rfc_3339": "is no time. Write it like 2026-03-20T12:00:00Z, with + as %2B in an address.",
    "tuple_type": "must be a list.",
    "model_type": "must be a JSON object.",
    "model_attributes_type": "must be a JSON object.",
}


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="The field's dotted path, as the client wrote it.")
    detail: str = Field(description="What is wrong with it, and what to do.")


def explain(error: RequestValidationError, content_type: str) -> tuple[ProblemKind, list[FieldProblem]]:
    """What kind of problem `error` is, and which fields of a request of this `content_type` are wrong."""
    details = cast("Sequence[ErrorDetails]", error.errors())
    if any(detail["type"] == "json_invalid" for detail in details):
        return MALFORMED_REQUEST, []
    if _has_wrong_type(error.body, content_type):
        return UNSUPPORTED_MEDIA_TYPE, []
    return INVALID_INPUT, [_field_problem(detail) for detail in details[:MOST_FIELDS]]


def _has_wrong_type(body: object, content_type: str) -> bool:
    """Whether the framework has left JSON's bytes as they came, or has found no form."""
    return isinstance(body, bytes) or (isinstance(body, FormData) and not content_type.startswith(_FORMS))


def _field_problem(detail: ErrorDetails) -> FieldProblem:
    path = _path(detail["loc"])
    if detail["type"] in {"enum", "literal_error"}:
        # What is expected comes out of our own types.
        advice = f"must be one of {detail['ctx']['expected']}."
    else:
        advice = _ADVICE.get(detail["type"], _UNKNOWN)
    return FieldProblem(field=path, detail=f"{path} {advice}")


def _path(location: Sequence[str | int]) -> str:
    """The dotted path without "body", "query" or the like before it, unless that is all there is."""
    names = location[1:] or location
    return ".".join(_readable(str(name)) for name in names)


def _readable(name: str) -> str:
    """The name of a field, which may be anything that a client made up."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name[:_LONGEST_NAME])
