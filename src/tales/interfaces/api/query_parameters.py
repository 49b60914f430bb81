"""A request's query holds what its operation knows and nothing else, so that a misspelt name is noticed everywhere."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl

from fastapi import params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError

_ELSEWHERE = (params.Path, params.Header, params.Cookie)


def known_parameters(dependant: Dependant) -> frozenset[str]:
    """The names that the query of an operation may have, whichever of its dependencies asks for them."""
    return frozenset(
        field.alias for field in get_flat_params(dependant) if not isinstance(field.field_info, _ELSEWHERE)
    )


def refuse_unknown(query: bytes, known: Collection[str]) -> None:
    """Raises: RequestValidationError naming each parameter that is not `known`, as an unknown field of a body is."""
    names = dict.fromkeys(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    unknown = [{"type": "extra_forbidden", "loc": ("query", name)} for name in names if name not in known]
    if unknown:
        raise RequestValidationError(unknown)
