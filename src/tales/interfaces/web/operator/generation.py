"""One generation whole: its attempts side by side, how their prompts differ, what came back, and when."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tales.application import generations
from tales.application.goals import why_prompt
from tales.application.prompts import prompts_for
from tales.domain.errors import NotFound
from tales.domain.goals import PassedOver
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.fields import Id
from tales.interfaces.web.languages import translatable
from tales.interfaces.web.operator.anatomy import prompt_difference, timeline, tree_of
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin
from tales.interfaces.web.operator.frame import HOME, show
from tales.interfaces.web.operator.goals import MEASURES, drawn_arms
from tales.interfaces.web.tonight import MORALS

router = APIRouter(prefix=f"{HOME}/generations", include_in_schema=False)

_PASSED_OVER = {
    PassedOver.NO_SNAPSHOT: translatable("nothing had been counted for it yet"),
    PassedOver.OLD_SNAPSHOT: translatable("what was counted was more than an hour old"),
    PassedOver.BROKEN_SNAPSHOT: translatable("what was counted makes no sense"),
    PassedOver.OTHER_ARMS: translatable("other prompts were active than those that had been counted"),
    PassedOver.MODEL_ASKED_FOR: translatable("the family asked for this model"),
    PassedOver.OTHER_MODEL: translatable("it is about other models"),
    PassedOver.MODEL_NOT_OFFERED: translatable("one of its models was not offered"),
}


class Compared(Chosen):
    """What is chosen, and the numbers of two attempts whose prompts are compared."""

    before: str = ""
    behind: str = ""


@router.get("/{generation_id}")
async def show_generation(
    request: Request,
    generation_id: Id,
    compared: Annotated[Compared, Query()],
    visitor: CurrentAdmin,
    services: UseCases,
) -> Response:
    """The generation. That somebody looked at another family's is recorded."""
    generation = await generations.look_as_admin(services.transactions, visitor.actor, generation_id)
    numbered = {str(attempt.attempt_number): attempt for attempt in generation.attempts}
    behind = numbered.get(compared.behind, generation.latest)
    before = numbered.get(compared.before, generation.attempts[0])
    async with prompts_for(services.transactions, visitor.actor) as work:
        why = await why_prompt(work, generation_id)
    return show(
        request,
        "generation.html",
        compared,
        generation=generation,
        why=why,
        drawn=drawn_arms(why),
        measures=MEASURES,
        morals=MORALS,
        passed_over=_PASSED_OVER,
        trees={attempt.attempt_number: tree_of(attempt.full_response) for attempt in generation.attempts},
        timeline=timeline(generation, services.clock.now()),
        before=before,
        behind=behind,
        difference=prompt_difference(before.prompt or "", behind.prompt or ""),
        is_own=generation.user_id == visitor.actor.user_id,
    )


@router.get("/{generation_id}/attempts/{number}.json")
async def take_response(generation_id: Id, number: int, visitor: CurrentAdmin, services: UseCases) -> Response:
    """What came back, whole, as a file. That somebody took it is recorded like any look."""
    generation = await generations.look_as_admin(services.transactions, visitor.actor, generation_id)
    attempt = next((attempt for attempt in generation.attempts if attempt.attempt_number == number), None)
    if attempt is None or attempt.full_response is None:
        raise NotFound("response of attempt", number)
    headers = {
        "Content-Disposition": f'attachment; filename="tales-{generation_id}-{number}.json"',
        "Cache-Control": "no-store",
    }
    # ASCII alone: an answer of a model may hold half a character, which UTF-8 cannot write.
    return Response(json.dumps(attempt.full_response, indent=2), media_type="application/json", headers=headers)
