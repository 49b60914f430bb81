"""What every page of operators has around it: the ways between them, the period, and why a choice was refused."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from tales.domain.errors import TalesError
from tales.domain.report_filters import ReportFilter
from tales.domain.story_spec import LANGUAGES
from tales.interfaces.web.languages import language_of, translatable
from tales.interfaces.web.operator.chosen import PERIODS, Chosen
from tales.interfaces.web.operator.tables import STATES, STORY_TYPES, around, cell_of, kind_of_story
from tales.interfaces.web.refusals import refusal
from tales.interfaces.web.rendering import render

HOME = "/operator"
WAYS = (
    (HOME, translatable("Overview")),
    (f"{HOME}/generations", translatable("Generations")),
    (f"{HOME}/models", translatable("Models")),
    (f"{HOME}/retries", translatable("Retries")),
    (f"{HOME}/failures", translatable("Failures")),
    (f"{HOME}/costs", translatable("Costs")),
    (f"{HOME}/budgets", translatable("Budgets")),
    (f"{HOME}/prompts", translatable("Prompts")),
    (f"{HOME}/changes", translatable("Changes")),
    (f"{HOME}/users", translatable("Users")),
)
"""The pages, in their order. A new one is a module beside this, and its line here."""

_PERIOD_NAMES = {
    "24h": translatable("24 hours"),
    "7d": translatable("7 days"),
    "30d": translatable("30 days"),
    "90d": translatable("90 days"),
    "365d": translatable("A year"),
}


def show(
    request: Request,
    template: str,
    chosen: Chosen,
    *,
    wanted: ReportFilter | None = None,
    refused: TalesError | None = None,
    **facts: object,
) -> Response:
    """A page of operators. `wanted` is what it counts, where it counts anything."""
    language = language_of(request)
    problem = refusal(request, refused) if refused else None
    frame = {
        "chosen": chosen,
        "ways": WAYS,
        "way": request.url.path,
        "periods": [(period, _PERIOD_NAMES[period]) for period in PERIODS],
        "story_types": STORY_TYPES,
        "story_languages": {code: language.name_of(code) for code in sorted(LANGUAGES)},
        "wanted": wanted,
        "refusal": problem,
        "cell": lambda column, row: cell_of(column, row, language),
        "kind_of_story": lambda slot: kind_of_story(slot, language),
        "states": STATES,
        "around": lambda kind: around(kind, language),
    }
    return render(request, f"operator/{template}", problem.status if problem else 200, **frame | facts)
