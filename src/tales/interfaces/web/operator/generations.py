"""Everybody's generations: found by all that is known of a call, without a word of a family's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tales.application import generations
from tales.domain.errors import InvalidInput
from tales.domain.failures import FailureKind
from tales.domain.filters import CallFilter
from tales.domain.generation import Status
from tales.domain.page import PageRequest
from tales.domain.report_filters import ReportFilter
from tales.interfaces.api.cursor import decode_cursor, encode_cursor
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.web.browser_sessions import see_other
from tales.interfaces.web.languages import Language, language_of
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin, filter_or_usual
from tales.interfaces.web.operator.fields import chosen_id, chosen_number, one_of
from tales.interfaces.web.operator.frame import HOME, show
from tales.interfaces.web.operator.tables import STATES

_ON_A_PAGE = 50

router = APIRouter(prefix=f"{HOME}/generations", include_in_schema=False)


class Sought(Chosen):
    """What is chosen, what else the latest attempt must be like, and the generation behind which to go on.

    `id` names one: that one is shown. `cost_over` in US dollars, `slower_than` in seconds.
    """

    status: str = ""
    error_type: str = ""
    cost_over: str = ""
    slower_than: str = ""
    id: str = ""
    after: str = ""

    def calls(self, wanted: ReportFilter, language: Language) -> CallFilter:
        """The generations that are meant. Raises: InvalidInput."""
        slower = chosen_number("slower_than", self.slower_than, language)
        return CallFilter(
            status=one_of(Status, "status", self.status),
            model=wanted.model,
            error_type=self.error_type or None,
            user_id=wanted.user_id,
            created_after=wanted.since,
            created_before=wanted.until,
            cost_over=chosen_number("cost_over", self.cost_over, language),
            slower_than=float(slower) if slower is not None else None,
        )

    def found(self, **changes: str) -> str:
        """The address of this list, with `changes`."""
        names = ("status", "error_type", "cost_over", "slower_than")
        return self.address(f"{HOME}/generations", **{name: getattr(self, name) for name in names} | changes)


@router.get("")
async def show_generations(
    request: Request, sought: Annotated[Sought, Query()], visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Those that fit all that is said, the newest calls first."""
    wanted, refused = filter_or_usual(sought, services)
    which = CallFilter(created_after=wanted.since, created_before=wanted.until)
    try:
        named = chosen_id("id", sought.id)
        if named is not None:
            return see_other(sought.address(f"{HOME}/generations/{named}"))
        which = sought.calls(wanted, language_of(request))
    except InvalidInput as error:
        refused = error
    page = PageRequest(_ON_A_PAGE, decode_cursor(sought.after) if sought.after else None)
    found = await generations.list_as_admin(services.transactions, visitor.actor, page, which)
    return show(
        request,
        "generations.html",
        sought,
        wanted=wanted,
        refused=refused,
        sought=sought,
        found=found.items,
        older=encode_cursor(found.next) if found.next else "",
        statuses={status: STATES[status] for status in Status},
        kinds={kind: kind for kind in FailureKind},
    )
