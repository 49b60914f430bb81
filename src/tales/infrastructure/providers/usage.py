"""What a call took, in the one form that the database reads: OpenRouter's `usage` with numbers.

Others put it elsewhere, or write numbers as text; and a call with the operator's own key costs what the provider behind
OpenRouter takes. What is read otherwise than it came is kept beside it as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tales.domain.generation import Json

ORIGINAL = "original_usage"

_TOKENS = {
    "prompt_tokens": ("prompt_tokens", "input_tokens"),
    "completion_tokens": ("completion_tokens", "output_tokens"),
}
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)


def with_readable_usage(body: dict[str, Json]) -> dict[str, Json]:
    """`body` with the usage that can be read; as it is where there is none, or nothing to change."""
    found = body.get("usage")
    if not _is_usage(found):
        found = next(_elsewhere(body), found)
    if not isinstance(found, dict):
        return body
    usage = _readable(found, _uses_own_key(body, found))
    if usage == body.get("usage"):
        return body
    original: dict[str, Json] = {} if body.get("usage") is None else {ORIGINAL: body["usage"]}
    return body | {"usage": usage} | original


def _elsewhere(body: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """A vendor's own field (`x_groq.usage`), or the choice (Moonshot)."""
    choices = body.get("choices")
    places = [*body.values(), *(choices if isinstance(choices, list) else ())]
    for place in places:
        usage = place.get("usage") if isinstance(place, dict) else None
        if isinstance(usage, dict) and _is_usage(usage):
            yield usage


def _is_usage(value: Json) -> bool:
    return isinstance(value, dict) and any(value.get(name) for names in _TOKENS.values() for name in names)


def _uses_own_key(body: Mapping[str, Json], usage: Mapping[str, Json]) -> bool:
    return usage.get("is_byok") is True or _object(body.get("openrouter_metadata")).get("is_byok") is True


def _readable(usage: dict[str, Json], own_key: bool) -> dict[str, Json]:
    readable = dict(usage)
    for name, names in _TOKENS.items():
        counts = [_number(usage[other]) for other in names if other in usage]
        if isinstance(count := next((count for count in counts if count is not None), None), int):
            readable[name] = count
    cost = _cost(usage)
    if own_key:
        readable["cost"] = _cost_with_own_key(cost, usage)
    elif cost is not None:
        readable["cost"] = cost
    return readable


def _cost(usage: Mapping[str, Json]) -> int | float | None:
    cost = usage.get("cost")
    return _number(cost.get("total_cost") if isinstance(cost, dict) else cost)


def _cost_with_own_key(fee: float | None, usage: Mapping[str, Json]) -> float | None:
    """The provider's charge and OpenRouter's fee; not known, and never 0, where the charge is not."""
    charge = _number(_object(usage.get("cost_details")).get("upstream_inference_cost"))
    return round(charge + (fee or 0), 12) if charge else None


def _number(value: Json) -> int | float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value) if value.strip().isdigit() else float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
