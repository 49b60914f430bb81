"""What schemathesis loads before it begins: how to make more wishes that can be granted, and what is no finding."""

from __future__ import annotations

import unicodedata
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure

# Who a story of each type is about. No schema says so, and a made-up wish would hardly ever be right.
_NOT_IN = {
    "child": {"hero_id", "relationship_description"},
    "hero": {"child_id", "relationship_description"},
    "combined": set[str](),
}


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Take out of a wish that fits its schema what its type of story has not."""
    body: Any = case.body
    if case.meta is None or case.meta.generation.mode is not schemathesis.GenerationMode.POSITIVE:
        return
    if isinstance(body, dict) and body.get("story_type") in _NOT_IN:
        superfluous = _NOT_IN[body["story_type"]]
        case.body = {name: value for name, value in body.items() if name not in superfluous and value is not None}


@schemathesis.hook
def filter_failure(
    _context: schemathesis.HookContext,
    failure: Failure,
    case: schemathesis.Case[Any],
    _response: schemathesis.Response,
) -> bool:
    """Pass over a text that is too long only by what is left out of it before it is measured: white space, marks."""
    texts = case.body.values() if isinstance(case.body, dict) else []
    is_shortened = any(isinstance(text, str) and len(_shown(text)) < len(text) for text in texts)
    return not (is_shortened and "violates `maxLength`" in failure.message)


def _shown(text: str) -> str:
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(unicodedata.normalize("NFC", visible).split())
